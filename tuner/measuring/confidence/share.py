"""Is the share of late queries above or below what is allowed? Evidence that may be looked at after every query.

The test multiplies evidence as queries come in: for each of a few alternatives to the allowed share it keeps the
likelihood ratio of the queries seen, and averages the ratios (method of mixtures). Under the hypothesis that is to be
refuted the average is a test supermartingale, so that it ever reaches ``1 / error`` with a probability of at most
``error`` (Ville's inequality; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic
confidence sequences", Annals of Statistics 49(2), 2021, section 2; the same wealth is that of a gambler who bets on
being late: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86(1), 2024,
section 4). The bound is exact, for any number of looks, as long as queries are independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from tuner.trial import Verdict

ERROR = 0.05
"""Probability of a wrong verdict of :func:`decide`, however often one looks."""

# Half of the weight lies on "never late": that is what most feasible configurations look like, and it brings the
# number of spotless queries that a p90 needs down to 33 at 5 %, where a single look needs 29.
_FEASIBLE = ((0.5, 0.0), (0.125, 0.1), (0.125, 0.25), (0.125, 0.5), (0.125, 0.75))
"""Weight of each alternative, and its share of late queries as a multiple of the allowed one."""
_INFEASIBLE = ((0.2, 0.03), (0.2, 0.1), (0.2, 0.25), (0.2, 0.5), (0.2, 1.0))
"""Weight of each alternative, and how far its share lies on the way from the allowed one to all queries."""


class Evidence:
    """The evidence against an allowed share of late queries, from counts."""

    def __init__(self, late_share: float) -> None:
        """Sees no query yet.

        Args:
            late_share: The share that may be late, above 0 and below 1.
        """
        self._below = [_bet(weight, factor * late_share, late_share) for weight, factor in _FEASIBLE]
        self._above = [_bet(weight, late_share + way * (1 - late_share), late_share) for weight, way in _INFEASIBLE]

    def of_fewer_late(self, queries: float, late: float) -> float:
        """Returns the logarithm of the evidence that fewer are late than allowed.

        Args:
            queries: Independent queries seen; a fraction where dependent ones were discounted.
            late: How many of them were late.
        """
        return _log_mean(self._below, queries - late, late)

    def of_more_late(self, queries: float, late: float) -> float:
        """Returns the logarithm of the evidence that more are late than allowed.

        Args:
            queries: Independent queries seen.
            late: How many of them were late.
        """
        return _log_mean(self._above, queries - late, late)


def decide(queries: float, late: float, late_share: float, error: float = ERROR) -> Verdict:
    """Returns the verdict on one SLO from independent queries.

    Args:
        queries: Queries seen.
        late: How many of them exceeded the bound.
        late_share: The share that may be late, 0.01 for a p99.
        error: Probability of a wrong verdict, however often one looks.
    """
    evidence, needed = evidence_on(late_share), -math.log(error)
    if evidence.of_fewer_late(queries, late) >= needed:
        return Verdict.FEASIBLE
    if evidence.of_more_late(queries, late) >= needed:
        return Verdict.INFEASIBLE
    return Verdict.UNDECIDED


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Returns the verdict on several SLOs: infeasible if any is, feasible if all are."""
    found = set(verdicts)
    if Verdict.INFEASIBLE in found:
        return Verdict.INFEASIBLE
    return Verdict.FEASIBLE if found == {Verdict.FEASIBLE} else Verdict.UNDECIDED


def queries_needed(late_share: float, error: float = ERROR) -> int:
    """Returns how many queries in a row must be in time before an SLO can be called feasible.

    Args:
        late_share: The share that may be late.
        error: Probability of a wrong verdict.
    """
    queries = math.ceil(math.log(error) / math.log1p(-late_share))
    while decide(queries, 0, late_share, error) is not Verdict.FEASIBLE:
        queries += 1
    return queries


@lru_cache(maxsize=64)
def evidence_on(late_share: float) -> Evidence:
    """Returns the evidence on a share of late queries, 0.01 for a p99."""
    return Evidence(late_share)


_Bet = tuple[float, float, float]
"""Logarithms: of the weight, of the gain from a query in time, of the gain from a late one."""


def _bet(weight: float, share: float, allowed: float) -> _Bet:
    return math.log(weight), _log_ratio(1.0 - share, 1.0 - allowed), _log_ratio(share, allowed)


def _log_ratio(numerator: float, denominator: float) -> float:
    return math.log(numerator / denominator) if numerator > 0.0 else -math.inf


def _log_mean(bets: list[_Bet], in_time: float, late: float) -> float:
    # No query lost is no loss, even where one would have been ruin: 0 times infinity is 0 here.
    logs = [
        weight + (in_time * gain if in_time else 0.0) + (late * late_gain if late else 0.0)
        for weight, gain, late_gain in bets
    ]
    largest = max(logs)
    if largest == -math.inf:
        return -math.inf
    return largest + math.log(sum(math.exp(value - largest) for value in logs))
