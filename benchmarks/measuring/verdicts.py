"""Verdicts on SLOs: how often they are wrong, how often there is none, how many queries they take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from benchmarks.measuring.fixed_size import miss_of_oracle, queries_of_fixed_test
from benchmarks.measuring.streams import Stream
from tuner.measuring.confidence import SloTest
from tuner.measuring.confidence.dependence import BatchLadder
from tuner.measuring.confidence.share import decide
from tuner.measuring.confidence.slo import WRONG_VERDICT
from tuner.trial import Verdict

CAP = 2000
LATE_SHARES = (0.1, 0.05, 0.01)
FACTORS = (1 / 1.5, 1 / 1.2, 1 / 1.1, 1.0, 1.1, 1.2, 1.5)
"""The bound, as a multiple of the true percentile."""
_MISS = 0.1


@dataclass(frozen=True)
class Case:
    """One stream, percentile and bound.

    Attributes:
        stream: The stream.
        late_share: Share that may be late.
        factor: The bound as a multiple of the true percentile.
    """

    stream: Stream
    late_share: float
    factor: float

    @property
    def bound_s(self) -> float:
        """The bound of the SLO."""
        return self.stream.quantile_s(self.late_share) * self.factor

    @property
    def wrong(self) -> Verdict:
        """The verdict that contradicts the truth; at the limit itself, where the SLO just holds, ``infeasible``."""
        return Verdict.FEASIBLE if self.factor < 1.0 else Verdict.INFEASIBLE


@dataclass(frozen=True)
class Outcome:
    """What became of the trials of one case, by one test.

    Attributes:
        case: The case.
        verdicts: By trial.
        queries: Queries up to the verdict, or the cap, by trial.
    """

    case: Case
    verdicts: tuple[Verdict, ...]
    queries: tuple[int, ...]

    def share(self, verdict: Verdict) -> float:
        """Returns the share of trials with a verdict."""
        return self.verdicts.count(verdict) / len(self.verdicts)


@dataclass(frozen=True)
class Yardstick:
    """What one look could do, with dependence and the truth known.

    Attributes:
        queries: The fixed size that tells this truth from the limit, at the same error, in 90 % of trials.
        undecided: How often a test that knows the truth has no verdict at the cap.
    """

    queries: float
    undecided: float


def cases(stream: Stream) -> Iterator[Case]:
    """Yields what is tried on a stream."""
    for late_share in LATE_SHARES:
        for factor in FACTORS:
            if not (stream.changes and factor == 1.0):  # the limit would be crossed on the way: either verdict is true
                yield Case(stream, late_share, factor)


def run(case: Case, trials: int, generator: np.random.Generator) -> tuple[Outcome, Outcome]:
    """Tries a case; returns what our test says, and what the earlier one for independent queries says."""
    bound_s = case.bound_s
    ours, earlier = [], []
    for latencies_s in case.stream.draw(generator, trials, CAP).tolist():
        ours.append(_ours(case.late_share, bound_s, latencies_s))
        earlier.append(_earlier(case.late_share, bound_s, latencies_s))
    return _outcome(case, ours), _outcome(case, earlier)


def yardstick(case: Case, inflation: float) -> Yardstick:
    """Returns what one look could do.

    Args:
        case: The case; not one at the limit itself.
        inflation: Of the variance of the share of late queries, by dependence.
    """
    actual = case.stream.late_share(case.bound_s)
    if actual <= 0.0:
        actual = 1e-9
    fixed = queries_of_fixed_test(case.late_share, actual, WRONG_VERDICT, _MISS)
    return Yardstick(
        queries=fixed * inflation,
        undecided=miss_of_oracle(case.late_share, actual, WRONG_VERDICT, math.floor(CAP / inflation)),
    )


def true_inflation(case: Case, generator: np.random.Generator) -> float:
    """Returns by what dependence inflates the variance of the share of late queries, from a long stretch."""
    if case.stream.changes:
        return 1.0
    ladder = BatchLadder()
    for is_late in (case.stream.draw(generator, 1, 60_000)[0] > case.bound_s).tolist():
        ladder.add(float(is_late))
    return ladder.inflation()


def _ours(late_share: float, bound_s: float, latencies_s: list[float]) -> tuple[Verdict, int]:
    test = SloTest(late_share)
    for query, latency_s in enumerate(latencies_s, 1):
        test.add(latency_s > bound_s, latency_s)
        if (verdict := test.verdict) is not Verdict.UNDECIDED:
            return verdict, query
    return Verdict.UNDECIDED, len(latencies_s)


def _earlier(late_share: float, bound_s: float, latencies_s: list[float]) -> tuple[Verdict, int]:
    late = 0
    for query, latency_s in enumerate(latencies_s, 1):
        late += latency_s > bound_s
        if (verdict := decide(query, late, late_share)) is not Verdict.UNDECIDED:
            return verdict, query
    return Verdict.UNDECIDED, len(latencies_s)


def _outcome(case: Case, results: list[tuple[Verdict, int]]) -> Outcome:
    return Outcome(case, tuple(verdict for verdict, _ in results), tuple(queries for _, queries in results))


def ratios(outcome: Outcome, yardstick_queries: float) -> tuple[float, float]:
    """Returns median and mean number of queries up to a verdict, in units of what one look needs."""
    return median(outcome.queries) / yardstick_queries, fmean(outcome.queries) / yardstick_queries
