"""Does an SLO hold? A sequential test on the share of late queries that may be looked at after every query.

The test multiplies evidence as queries come in: for each of a few alternatives ``p`` to the allowed share
``p0`` it keeps the likelihood ratio of the queries seen, and averages the ratios. Under the hypothesis that is
to be refuted the average is a test martingale, so that it ever reaches ``1 / error`` with a probability of at
most ``error`` (Ville's inequality; Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences", 2021, section 2). Queries count, not requests: the requests of one batch
share their latency.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from tuner.trial import Verdict

ERROR = 0.05
"""Probability of a wrong verdict, however often one looks."""

# Half of the weight lies on "never late": that is what most feasible configurations look like, and it brings
# the number of spotless queries that a p90 needs down to 33, where a single look needs 29.
_FEASIBLE_SHARES = ((0.5, 0.0), (0.125, 0.1), (0.125, 0.25), (0.125, 0.5), (0.125, 0.75))
_INFEASIBLE_SHARES = ((0.2, 0.03), (0.2, 0.1), (0.2, 0.25), (0.2, 0.5), (0.2, 1.0))


def decide(queries: int, late: int, late_share: float) -> Verdict:
    """Returns the verdict on one SLO.

    Args:
        queries: Queries seen.
        late: How many of them exceeded the bound.
        late_share: The share that may be late, 0.01 for a p99.
    """
    needed = -math.log(ERROR)
    below = [(weight, factor * late_share) for weight, factor in _FEASIBLE_SHARES]
    above = [(weight, late_share + factor * (1.0 - late_share)) for weight, factor in _INFEASIBLE_SHARES]
    if _log_evidence(queries, late, late_share, below) >= needed:
        return Verdict.FEASIBLE
    if _log_evidence(queries, late, late_share, above) >= needed:
        return Verdict.INFEASIBLE
    return Verdict.UNDECIDED


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Returns the verdict on several SLOs: infeasible if any is, feasible if all are."""
    found = set(verdicts)
    if Verdict.INFEASIBLE in found:
        return Verdict.INFEASIBLE
    return Verdict.FEASIBLE if found == {Verdict.FEASIBLE} else Verdict.UNDECIDED


def queries_needed(late_share: float) -> int:
    """Returns how many queries in a row must be in time before an SLO can be called feasible."""
    queries = math.ceil(math.log(ERROR) / math.log1p(-late_share))
    while decide(queries, 0, late_share) is not Verdict.FEASIBLE:
        queries += 1
    return queries


def _log_evidence(queries: int, late: int, allowed: float, alternatives: list[tuple[float, float]]) -> float:
    logs = [
        math.log(weight) + _log_likelihood(queries, late, share) - _log_likelihood(queries, late, allowed)
        for weight, share in alternatives
    ]
    largest = max(logs)
    if largest == -math.inf:
        return -math.inf
    return largest + math.log(sum(math.exp(value - largest) for value in logs))


def _log_likelihood(queries: int, late: int, share: float) -> float:
    in_time = queries - late
    if (late and share <= 0.0) or (in_time and share >= 1.0):
        return -math.inf
    return (late * math.log(share) if late else 0.0) + (in_time * math.log1p(-share) if in_time else 0.0)
