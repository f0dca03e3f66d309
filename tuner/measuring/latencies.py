"""Latencies of the requests of a window: one by one, or as a server's buckets show them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Protocol

from serving_adapter.contract import Completion, Histogram
from tuner.objective import LatencyMetric
from tuner.trial import LatencyResult


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Returns a percentile by nearest rank, which is a value that was seen and never too low.

    Args:
        ordered: At least one value, ascending.
        percent: Between 0 and 100.
    """
    return ordered[max(0, math.ceil(percent / 100.0 * len(ordered)) - 1)]


def latencies_of(completion: Completion, metric: LatencyMetric) -> list[float]:
    """Returns one latency of each request of a batch, in seconds; none where there is no such thing.

    Args:
        completion: A batch that did not fail.
        metric: Which latency.
    """
    if metric is LatencyMetric.LATENCY:
        return [completion.finish_s - arrival_s for arrival_s in completion.arrivals_s]
    tokens = completion.tokens
    if tokens is None or not tokens.count:
        return []
    if metric is LatencyMetric.TTFT:
        return [tokens.first_s - arrival_s for arrival_s in completion.arrivals_s]
    if tokens.count < 2:
        return []
    return [(completion.finish_s - tokens.first_s) / (tokens.count - 1)] * len(completion.arrivals_s)


class Latencies(Protocol):
    """The latencies of a window."""

    def __bool__(self) -> bool:
        """Whether there is any."""

    def at(self, percent: float) -> float:
        """Returns a percentile in seconds; there must be a latency."""

    def mean_s(self) -> float:
        """Returns the mean in seconds; there must be a latency."""


class SeenLatencies:
    """Latencies that were seen one by one."""

    def __init__(self) -> None:
        """None was seen yet."""
        self._values_s: list[float] = []

    def add(self, values_s: Iterable[float]) -> None:
        """Takes more of them."""
        self._values_s += values_s

    def __bool__(self) -> bool:
        return bool(self._values_s)

    def at(self, percent: float) -> float:
        """Returns a percentile, by nearest rank."""
        self._values_s.sort()
        return percentile(self._values_s, percent)

    def mean_s(self) -> float:
        """Returns the mean."""
        return fmean(self._values_s)


class BucketedLatencies:
    """Latencies of which a server tells how many lie in each of its buckets."""

    def __init__(self) -> None:
        """None was counted yet."""
        self._histogram: Histogram | None = None

    def add(self, histogram: Histogram) -> None:
        """Takes what was counted in another stretch of time."""
        total = self._histogram
        if total is None:
            self._histogram = histogram
            return
        counts = tuple(before + more for before, more in zip(total.counts, histogram.counts, strict=True))
        self._histogram = Histogram(total.bounds_s, counts, total.sum_s + histogram.sum_s)

    def __bool__(self) -> bool:
        return self._histogram is not None and self._histogram.count > 0

    def at(self, percent: float) -> float:
        """Returns a percentile: within a bucket the latencies are taken to be spread evenly.

        As Prometheus' ``histogram_quantile`` has it; beyond the last finite bound, that bound.
        """
        histogram = self._counted
        rank = percent / 100.0 * histogram.count
        edges = list(pairwise(zip((0.0, *histogram.bounds_s), (0.0, *histogram.counts), strict=True)))
        (low_s, before), (high_s, until) = edges[min(bisect_left(histogram.counts, rank), len(edges) - 1)]
        if math.isinf(high_s):
            return low_s
        return low_s + (high_s - low_s) * (rank - before) / (until - before) if until > before else high_s

    def mean_s(self) -> float:
        """Returns the mean, which the server sums up exactly."""
        return self._counted.sum_s / self._counted.count

    @property
    def _counted(self) -> Histogram:
        assert self._histogram is not None, "there must be a latency"
        return self._histogram


def above(histogram: Histogram, bound_s: float) -> tuple[float, float]:
    """Returns how many observations surely exceed a bound, and how many may.

    The bucket that the bound cuts holds both kinds.

    Args:
        histogram: The buckets.
        bound_s: The bound.
    """
    buckets_below = bisect_right(histogram.bounds_s, bound_s)
    in_time = histogram.counts[buckets_below - 1] if buckets_below else 0.0
    perhaps_in_time = histogram.counts[bisect_left(histogram.bounds_s, bound_s)]
    return histogram.count - perhaps_in_time, histogram.count - in_time


def summarise(latencies: Latencies) -> LatencyResult:
    """Returns the percentiles of latencies, of which there must be one."""
    return LatencyResult(
        p50_s=latencies.at(50),
        p90_s=latencies.at(90),
        p95_s=latencies.at(95),
        p99_s=latencies.at(99),
        mean_s=latencies.mean_s(),
    )
