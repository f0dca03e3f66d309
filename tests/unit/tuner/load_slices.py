"""Slices of load for tests of what is measured on them, on a clock that is the test's own."""

from __future__ import annotations

from serving_adapter.contract import Completion, Slice


def batch(start_s: float, finish_s: float, requests: int = 1) -> Completion:
    """Returns a batch whose requests arrived when it was begun."""
    return Completion((start_s,) * requests, start_s, finish_s)


def closed_loop(start_s: float, end_s: float, latency_s: float) -> Slice:
    """Returns a slice in which batch follows batch."""
    count = round((end_s - start_s) / latency_s)
    completions = (batch(start_s + k * latency_s, start_s + (k + 1) * latency_s) for k in range(count))
    return Slice(start_s, end_s, tuple(completions))
