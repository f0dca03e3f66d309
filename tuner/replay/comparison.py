"""How a method compares with the best of the others, on the same tasks with the same seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tuner.errors import BadInputError
from tuner.replay.bootstrap import Totals, bootstrap
from tuner.replay.methods import VARIANTS
from tuner.replay.row import Row, TaskKey
from tuner.trial import Interval

_Pair: TypeAlias = tuple[int, int]
"""Trials of the method and of its peer, on one task with one seed."""


@dataclass(frozen=True)
class Comparison:
    """A method against the other method that needs the fewest trials on average.

    Attributes:
        peer: The other method's name.
        ratio: Mean trials of the method as a share of the peer's.
        interval: 95 % bootstrap interval of the ratio: tasks are drawn, each with all its seeds, since what one seed
            meets on a task the next one meets too.
        p_value: Of Wilcoxon's signed-rank test, two-sided, paired by task and seed. Methods that make no random
            choice repeat themselves seed by seed, which this test takes for independent evidence: the interval is the
            more careful of the two.
        pairs: How many runs were compared.
    """

    peer: str
    ratio: float
    interval: Interval
    p_value: float
    pairs: int


def compare_with_best(rows: Sequence[Row], method: str) -> Comparison | None:
    """Compares a method with the best of the others, its own variants left out; None if no other one ran the same.

    Args:
        rows: All rows of a group.
        method: One of their methods.

    Raises:
        BadInputError: SciPy is not installed.
    """
    means = {
        other: statistics.fmean(row.trials_to_5pct for row in rows if row.method == other)
        for other in dict.fromkeys(row.method for row in rows)
        if other != method and VARIANTS.get(other) != method
    }
    if not means:
        return None
    peer = min(means, key=means.__getitem__)
    pairs = _pairs(rows, method, peer)
    if not pairs:
        return None
    every_pair = [pair for of_task in pairs.values() for pair in of_task]
    interval = bootstrap([Totals.of(of_task) for of_task in pairs.values()], lambda totals: totals.ratio)
    return Comparison(peer, Totals.of(every_pair).ratio, interval, _p_value(every_pair), len(every_pair))


def _pairs(rows: Sequence[Row], method: str, peer: str) -> Mapping[TaskKey, list[_Pair]]:
    trials = {row.key: row.trials_to_5pct for row in rows}
    pairs: dict[TaskKey, list[_Pair]] = {}
    for row in rows:
        of_peer = trials.get((row.task, peer, row.seed))
        if row.method == method and of_peer is not None:
            pairs.setdefault(row.task, []).append((row.trials_to_5pct, of_peer))
    return pairs


def _p_value(pairs: Sequence[_Pair]) -> float:
    if all(own == other for own, other in pairs):
        return 1.0  # the test is undefined: nothing differs
    try:
        from scipy.stats import wilcoxon
    except ImportError as error:
        raise BadInputError(
            "Comparing methods needs scipy, which is not installed: install it with 'pip install wattune[peers]'."
        ) from error
    return float(wilcoxon([own for own, _ in pairs], [other for _, other in pairs]).pvalue)
