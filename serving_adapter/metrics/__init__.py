"""A server's own metrics, in Prometheus' text format, as counts of its real traffic.

``exposition`` reads the format, ``series`` finds what is meant in it, ``presets`` knows what servers call it,
``options`` what the operator does, and ``reader`` makes counts of traffic of it.
"""

from serving_adapter.metrics.options import OPTIONS
from serving_adapter.metrics.reader import MetricsReader, metrics_reader

__all__ = ["OPTIONS", "MetricsReader", "metrics_reader"]
