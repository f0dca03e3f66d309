"""How sure a figure is that sums up many runs: bootstrap intervals over the tasks that were run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tuner.replay.quantiles import percentile
from tuner.trial import Interval

_RESAMPLES = 2000
_SEED = 0


@dataclass(frozen=True)
class Totals:
    """Trials of two searches that ran the same, summed up over some pairs of runs.

    Attributes:
        own: Trials of the one.
        other: Trials of the other.
        pairs: How many pairs of runs.
    """

    own: float
    other: float
    pairs: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> Totals:
        """Sums up pairs of trials, the search's own first."""
        listed = list(pairs)
        return cls(sum(own for own, _ in listed), sum(other for _, other in listed), len(listed))

    @classmethod
    def together(cls, parts: Sequence[Totals]) -> Totals:
        """Sums up several."""
        own, other = sum(part.own for part in parts), sum(part.other for part in parts)
        return cls(own, other, sum(part.pairs for part in parts))

    @property
    def own_mean(self) -> float:
        """The one's mean."""
        return self.own / self.pairs

    @property
    def other_mean(self) -> float:
        """The other's mean."""
        return self.other / self.pairs

    @property
    def ratio(self) -> float:
        """The one's mean as a share of the other's."""
        return self.own / self.other

    @property
    def excess(self) -> float:
        """By how much the one's mean exceeds the other's."""
        return self.own_mean - self.other_mean


def bootstrap(by_task: Sequence[Totals], statistic: Callable[[Totals], float]) -> Interval:
    """Returns the 95 % bootstrap interval of a statistic of all pairs.

    Tasks are drawn, each with all its runs, since what one run meets on a task the next one meets too.

    Args:
        by_task: The pairs of each task.
        statistic: Of the pairs of any set of tasks.
    """
    generator = random.Random(_SEED)  # noqa: S311 - no secret depends on it
    drawn = [statistic(Totals.together(generator.choices(by_task, k=len(by_task)))) for _ in range(_RESAMPLES)]
    return Interval(percentile(drawn, 2.5), percentile(drawn, 97.5))
