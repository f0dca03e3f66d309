"""Real traffic, as a server's own metrics count it."""

import math
from dataclasses import dataclass, field
from typing import Mapping, Optional, Tuple

from serving_adapter.contract.errors import AdapterError


@dataclass(frozen=True)
class Histogram:
    """How many observations were not above each of a few bounds, as Prometheus counts them.

    Attributes:
        bounds_s: Upper bounds of the buckets in seconds, ascending; the last is infinity.
        counts: Observations up to each bound: cumulative, so that the last is their number.
        sum_s: Sum of all observations.
    """

    bounds_s: Tuple[float, ...]
    counts: Tuple[float, ...]
    sum_s: float

    def __post_init__(self) -> None:
        """Refuses what is no histogram.

        Raises:
            AdapterError: Bounds that do not ascend to infinity, or counts that fall.
        """
        ascends = all(low < high for low, high in zip(self.bounds_s, self.bounds_s[1:]))
        grows = all(low <= high for low, high in zip((0.0, *self.counts), self.counts))
        if len(self.bounds_s) != len(self.counts) or not self.counts or self.bounds_s[-1] != math.inf:
            raise AdapterError("A histogram of the server lacks its last bucket, '+Inf'.")
        if not (ascends and grows and math.isfinite(self.counts[-1]) and math.isfinite(self.sum_s)):
            raise AdapterError("A histogram of the server does not grow from bucket to bucket.")

    @property
    def count(self) -> float:
        """The number of observations."""
        return self.counts[-1]


@dataclass(frozen=True)
class Traffic:
    """Counts of requests: since the server's start, or within a stretch of time.

    Attributes:
        requests: Requests that were answered.
        failures: Requests that failed; not among ``requests``.
        histograms: By metric (``latency``, ``ttft``, ``tpot``; at least the first).
        output_tokens: Tokens that were generated, where the server counts them.
        busy_s: Seconds for which the server worked on requests, where it counts them.
    """

    requests: float
    failures: float = 0.0
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    output_tokens: Optional[float] = None
    busy_s: Optional[float] = None

    def since(self, earlier: "Traffic") -> "Traffic":
        """Returns what was counted since an earlier look.

        Args:
            earlier: The counts then.

        Raises:
            AdapterError: The counts went down, or the buckets are others: the server was started again.
        """
        try:
            return Traffic(
                requests=_grown(earlier.requests, self.requests),
                failures=_grown(earlier.failures, self.failures),
                histograms={name: _since(earlier.histograms.get(name), now) for name, now in self.histograms.items()},
                output_tokens=_optional_grown(earlier.output_tokens, self.output_tokens),
                busy_s=_optional_grown(earlier.busy_s, self.busy_s),
            )
        except AdapterError as error:
            raise AdapterError("The server's counts went back: it was started again while it was measured.") from error


def _since(earlier: Optional[Histogram], now: Histogram) -> Histogram:
    """A server shows a histogram from its first observation on: before that, there was nothing in it."""
    if earlier is None:
        return now
    if earlier.bounds_s != now.bounds_s:
        raise AdapterError("The server's buckets have changed.")
    counts = tuple(_grown(before, after) for before, after in zip(earlier.counts, now.counts))
    return Histogram(now.bounds_s, counts, _grown(earlier.sum_s, now.sum_s))


def _grown(before: float, after: float) -> float:
    if after < before:
        raise AdapterError("A count of the server went down.")
    return after - before


def _optional_grown(before: Optional[float], after: Optional[float]) -> Optional[float]:
    return None if before is None or after is None else _grown(before, after)
