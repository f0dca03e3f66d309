"""The verdict on independent queries; it lives in :mod:`tuner.measuring.confidence.share`."""

from tuner.measuring.confidence.share import ERROR, combine, decide, queries_needed

__all__ = ["ERROR", "combine", "decide", "queries_needed"]
