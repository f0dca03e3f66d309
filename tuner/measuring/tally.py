"""What became of the requests of a window: how many, how late, with what verdict."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from serving_adapter.contract import Completion, Slice, Traffic
from tuner.measuring.confidence import SloTest, combine
from tuner.measuring.latencies import BucketedLatencies, Latencies, SeenLatencies, above, latencies_of, summarise
from tuner.measuring.work import busy_s
from tuner.objective import LatencyMetric, Slo
from tuner.trial import LatencyResult, TokenResult, Verdict


class Tally(Protocol):
    """Requests, counted.

    Attributes:
        last_failure: Why the last request failed that did, in a sentence; empty if none did or nobody says.
    """

    last_failure: str

    @property
    def requests(self) -> int:
        """Requests that were answered."""

    @property
    def queries(self) -> int:
        """Batches that were answered: the requests of one share their latency."""

    @property
    def failed(self) -> int:
        """Requests that failed."""

    @property
    def late_queries(self) -> int:
        """Batches that broke the first SLO, failed ones included."""

    def add(self, piece: Slice) -> None:
        """Counts a slice of load."""

    @property
    def verdict(self) -> Verdict:
        """Whether all SLOs hold."""

    def latencies(self, metric: LatencyMetric) -> Latencies:
        """Returns the latencies of one kind."""

    def summary(self) -> LatencyResult:
        """Returns the latencies of all answers, of which there must be one."""

    def idle_share(self) -> float | None:
        """Returns the share of time in which no request was worked on; None if nobody knows."""

    def tokens(self) -> TokenResult | None:
        """Returns what a language model answered, if it is one."""


class _Judged(ABC):
    """What both kinds of tally do alike: judge SLOs, and sum up latencies."""

    def __init__(self, slos: Sequence[Slo]) -> None:
        """Nothing was counted yet.

        Args:
            slos: The bounds that are judged.
        """
        self.last_failure = ""
        self._slos = slos
        self._tests = [SloTest(slo.late_share) for slo in slos]

    @property
    def verdict(self) -> Verdict:
        """Whether all SLOs hold."""
        return combine(test.verdict for test in self._tests)

    @abstractmethod
    def latencies(self, metric: LatencyMetric) -> Latencies:
        """Returns the latencies of one kind."""

    def summary(self) -> LatencyResult:
        """Returns the latencies of all answers."""
        return summarise(self.latencies(LatencyMetric.LATENCY))


class RequestTally(_Judged):
    """Requests that were sent by a load generator."""

    def __init__(self, slos: Sequence[Slo]) -> None:
        """Nothing was counted yet.

        Args:
            slos: The bounds that are judged.
        """
        super().__init__(slos)
        self.requests = self.queries = self.failed = self.late_queries = 0
        self._latencies = {metric: SeenLatencies() for metric in LatencyMetric}
        self._stretches: list[tuple[float, float]] = []
        self._start_s, self._end_s = math.inf, -math.inf
        self._tokens = 0

    def add(self, piece: Slice) -> None:
        """Counts a slice of load."""
        self._start_s, self._end_s = min(self._start_s, piece.start_s), piece.end_s
        for completion in piece.completions:
            self._judge(completion)
            self._stretches.append((completion.start_s, completion.finish_s))
            if completion.failure:
                self.failed += len(completion.arrivals_s)
                self.last_failure = completion.failure
            else:
                self._count(completion)

    def _judge(self, completion: Completion) -> None:
        for slo, test in zip(self._slos, self._tests, strict=True):
            latency_s = _worst_s(completion, slo.metric)
            if latency_s is None:
                continue
            is_late = latency_s > slo.bound_s
            test.add(is_late, latency_s)
            self.late_queries += is_late and slo is self._slos[0]

    def _count(self, completion: Completion) -> None:
        self.queries += 1
        self.requests += len(completion.arrivals_s)
        self._tokens += completion.tokens.count if completion.tokens is not None else 0
        for metric, latencies in self._latencies.items():
            latencies.add(latencies_of(completion, metric))

    def latencies(self, metric: LatencyMetric) -> Latencies:
        """Returns the latencies of one kind, failed requests left out."""
        return self._latencies[metric]

    def idle_share(self) -> float | None:
        """Returns the share of time in which no request was worked on."""
        duration_s = self._end_s - self._start_s
        within = [(max(begin_s, self._start_s), end_s) for begin_s, end_s in self._stretches]
        return max(0.0, 1.0 - busy_s(within) / duration_s) if duration_s > 0 else None

    def tokens(self) -> TokenResult | None:
        """Returns what a language model answered, if it is one."""
        return token_result(self._tokens, self._end_s - self._start_s, self.latencies)


class TrafficTally(_Judged):
    """Requests of real traffic, as the server's own metrics count them."""

    def __init__(self, slos: Sequence[Slo]) -> None:
        """Nothing was counted yet.

        Args:
            slos: The bounds that are judged.
        """
        super().__init__(slos)
        self._latencies = {metric: BucketedLatencies() for metric in LatencyMetric}
        self._duration_s = 0.0
        self._requests = self._failed = self._late = self._tokens = 0.0
        self._busy_s: float | None = 0.0

    def add(self, piece: Slice) -> None:
        """Counts a slice of real traffic."""
        traffic = piece.traffic
        assert traffic is not None, "live slices carry the server's counts"
        self._duration_s += piece.end_s - piece.start_s
        self._requests += traffic.requests
        self._failed += traffic.failures
        self._tokens += traffic.output_tokens or 0.0
        self._busy_s = None if self._busy_s is None or traffic.busy_s is None else self._busy_s + traffic.busy_s
        for metric, histogram in traffic.histograms.items():
            self._latencies[LatencyMetric(metric)].add(histogram)
        self._judge(traffic)

    def _judge(self, traffic: Traffic) -> None:
        for slo, test in zip(self._slos, self._tests, strict=True):
            histogram = traffic.histograms.get(slo.metric.value)
            if histogram is None:
                continue
            surely, perhaps = above(histogram, slo.bound_s)
            failed = traffic.failures
            test.add_counts(histogram.count + failed, surely + failed, perhaps + failed)
            if slo is self._slos[0]:
                self._late += surely + failed

    @property
    def requests(self) -> int:
        """Requests that were answered."""
        return round(self._requests)

    @property
    def queries(self) -> int:
        """The same: nobody knows the server's batches."""
        return self.requests

    @property
    def failed(self) -> int:
        """Requests that failed."""
        return round(self._failed)

    @property
    def late_queries(self) -> int:
        """Requests that surely broke the first SLO."""
        return round(self._late)

    def latencies(self, metric: LatencyMetric) -> Latencies:
        """Returns the latencies of one kind."""
        return self._latencies[metric]

    def idle_share(self) -> float | None:
        """Returns the share of time in which the server worked on nothing, if it counts that."""
        if self._busy_s is None or not self._duration_s:
            return None
        return max(0.0, 1.0 - self._busy_s / self._duration_s)

    def tokens(self) -> TokenResult | None:
        """Returns what a language model answered, if it is one."""
        return token_result(round(self._tokens), self._duration_s, self.latencies)


class _LatenciesByMetric(Protocol):
    def __call__(self, metric: LatencyMetric) -> Latencies: ...


def token_result(tokens: int, duration_s: float, latencies: _LatenciesByMetric) -> TokenResult | None:
    """Returns what a language model answered; None if nobody saw a token.

    Args:
        tokens: Tokens of all answers.
        duration_s: Length of the window.
        latencies: Gives the latencies of one kind.
    """
    ttft, tpot = latencies(LatencyMetric.TTFT), latencies(LatencyMetric.TPOT)
    if not tokens or not ttft or duration_s <= 0:
        return None
    return TokenResult(tokens, tokens / duration_s, summarise(ttft), summarise(tpot) if tpot else None)


def late_requests(piece: Slice, slos: Sequence[Slo]) -> int:
    """Returns how many requests of a slice broke an SLO or failed: what an operator's error budget counts.

    Args:
        piece: A slice of load, or of real traffic: there, those that surely did.
        slos: The bounds.
    """
    if piece.traffic is not None:
        known = [(piece.traffic.histograms.get(slo.metric.value), slo.bound_s) for slo in slos]
        late = max((above(histogram, bound_s)[0] for histogram, bound_s in known if histogram is not None), default=0.0)
        return round(late + piece.traffic.failures)
    return sum(len(each.arrivals_s) for each in piece.completions if _is_late(each, slos))


def _is_late(completion: Completion, slos: Sequence[Slo]) -> bool:
    worst = ((_worst_s(completion, slo.metric), slo.bound_s) for slo in slos)
    return any(latency_s is not None and latency_s > bound_s for latency_s, bound_s in worst)


def _worst_s(completion: Completion, metric: LatencyMetric) -> float | None:
    """Returns the longest latency of a batch; infinity if it failed, None if it has no such latency."""
    if completion.failure:
        return math.inf
    return max(latencies_of(completion, metric), default=None)
