"""Does an SLO hold? A test that may be looked at after every query, of queries that may depend on each other.

Lateness comes in bursts: while a queue drains, a clock is throttled or a neighbour computes, query after query is late.
A burst of ten is not the evidence of ten. So counts are divided by what dependence inflates their variance by, before
the evidence is weighed: the log-evidence of ``n / f`` queries of which ``k / f`` were late. For independent queries the
bound on the error is exact (see :mod:`tuner.measuring.confidence.share`), for dependent ones it is asymptotic, as that
of every sequential test with an estimated long-run variance (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52(6), 2024, section 2).
No test knows of bursts that it has not seen a sign of.
"""

from __future__ import annotations

import math

from tuner.measuring.confidence.dependence import BatchLadder
from tuner.measuring.confidence.share import evidence_on
from tuner.trial import Verdict

WRONG_VERDICT = 0.01
"""Probability of calling an SLO held that is not, and of calling one broken that is held, however often one looks."""

# What dependence is seen in besides lateness: being slower than about the slowest of the first queries. About twice as
# many are as may be late, so that there are enough of them, and that they cluster about as late queries do.
_FIRST_SLOW = 6
_LEAST_FIRST = 24

_MOST_STOOD_IN = 4.0
"""Slow queries also come together where nothing is near to being late: a machine is a little slower for seconds. As
stand-ins they discount the evidence by no more than this."""

_LATE_TO_KNOW = 10.0
"""How many late queries tell as much of their own dependence as the slow ones do in their stead."""

# Dependence over a few queries cannot be seen in a few queries. It is assumed until there are more: less of it against
# an SLO that seems to be held, since late queries come in bursts and those in time do not.
_MEMORY_QUERIES = 20.0
_ASSUMED_IF_HELD = 2.0
_ASSUMED_IF_BROKEN = 4.0


class SloTest:
    """A sequential test of one SLO."""

    def __init__(self, late_share: float, error: float = WRONG_VERDICT) -> None:
        """Has seen no query.

        Args:
            late_share: The share that may be late, 0.01 for a p99.
            error: Probability of each kind of wrong verdict.

        Raises:
            ValueError: A share or a probability that is none.
        """
        if not (0.0 < late_share < 1.0 and 0.0 < error < 1.0):
            raise ValueError(f"Neither a share of {late_share} nor an error of {error} can be tested.")
        self._evidence = evidence_on(late_share)
        self._needed = -math.log(error)
        self._late = BatchLadder()
        self._in_doubt = 0.0
        self._slow = BatchLadder()
        self._first_s: list[float] = []
        self._first_queries = max(_LEAST_FIRST, math.ceil(_FIRST_SLOW / 2.0 / late_share))
        self._slow_s = math.inf

    @property
    def queries(self) -> float:
        """Queries seen."""
        return self._late.size

    @property
    def late(self) -> float:
        """Late queries seen, those that only may have been late included."""
        return self._late.amount

    def add(self, late: bool, latency_s: float) -> None:
        """Adds a query, in order of completion.

        Args:
            late: Whether it exceeded the bound, or failed.
            latency_s: How long it took.
        """
        self._late.add(1.0 if late else 0.0)
        if len(self._first_s) == self._first_queries:
            self._slow.add(1.0 if latency_s > self._slow_s else 0.0)
            return
        self._first_s.append(latency_s)
        if len(self._first_s) == self._first_queries:
            self._slow_s = sorted(self._first_s)[-_FIRST_SLOW - 1]
            for first_s in self._first_s:
                self._slow.add(1.0 if first_s > self._slow_s else 0.0)

    def add_counts(self, queries: float, surely_late: float, perhaps_late: float) -> None:
        """Adds what a histogram says of a stretch of time.

        Args:
            queries: Queries that ended in it.
            surely_late: How many were late at least: those above the bucket in which the SLO's bound lies.
            perhaps_late: How many were late at most: those of that bucket too. An SLO is called held only if it would
                be with all of these, and broken only if it would be without.

        Raises:
            ValueError: The counts contradict each other.
        """
        if not 0.0 <= surely_late <= perhaps_late <= queries < math.inf:
            raise ValueError(f"Of {queries} queries not {surely_late} to {perhaps_late} can be late.")
        if queries:
            self._late.add(perhaps_late, queries)
            self._in_doubt += perhaps_late - surely_late

    @property
    def inflation(self) -> float:
        """By how much dependence is seen to inflate the variance of the share of late queries; 1 if not at all."""
        late, slow = self._clumping() * self._late.inflation(), min(_MOST_STOOD_IN, self._slow.inflation())
        # Slow queries stand in for late ones, less and less as these tell of themselves.
        return late + max(0.0, slow - late) * _LATE_TO_KNOW / (_LATE_TO_KNOW + self._late.amount)

    def _clumping(self) -> float:
        """How much more the counts of stretches scatter than those of independent queries would."""
        pieces, share = self._late.pieces, self._late.ratio
        if pieces == self._late.size or pieces < 2 or not 0.0 < share < 1.0:
            return 1.0
        return max(1.0, self._late.squares() / (share * (1.0 - share) * self._late.size) * pieces / (pieces - 1))

    @property
    def verdict(self) -> Verdict:
        """Whether the SLO holds, as far as one can tell now."""
        if self._holds(1.0):  # discounting only weakens evidence, and most looks end here
            if self._holds(self._discount(_ASSUMED_IF_HELD)):
                return Verdict.FEASIBLE
        elif self._is_broken(1.0) and self._is_broken(self._discount(_ASSUMED_IF_BROKEN)):
            return Verdict.INFEASIBLE
        return Verdict.UNDECIDED

    def _discount(self, assumed: float) -> float:
        return self.inflation + assumed * _MEMORY_QUERIES / (_MEMORY_QUERIES + self._late.pieces)

    def _holds(self, discount: float) -> bool:
        evidence = self._evidence.of_fewer_late(self._late.size / discount, self._late.amount / discount)
        return evidence >= self._needed

    def _is_broken(self, discount: float) -> bool:
        late = self._late.amount - self._in_doubt
        return self._evidence.of_more_late(self._late.size / discount, late / discount) >= self._needed


def spotless_queries(late_share: float, error: float = WRONG_VERDICT) -> int:
    """Returns how many independent queries in a row must be in time before :class:`SloTest` calls the SLO held.

    Args:
        late_share: The share that may be late.
        error: Probability of each kind of wrong verdict.
    """
    test = SloTest(late_share, error)
    while test.verdict is not Verdict.FEASIBLE:
        test.add(late=False, latency_s=0.0)
    return int(test.queries)
