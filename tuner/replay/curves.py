"""Regret against trials: how near to the optimum the best feasible trial is after each trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.replay.quantiles import order_statistic
from tuner.replay.row import Row
from tuner.replay.search_run import TRIAL_CAP
from tuner.replay.summary import by_group, methods_of


@dataclass(frozen=True)
class Curve:
    """Regret of one method over the runs of one group, a value after each trial from the first to the cap.

    Attributes:
        method: The proposer's name.
        low: 25 % of the runs have no more regret; infinite while so many have found nothing feasible.
        middle: The same for half of them.
        high: The same for 75 %.
    """

    method: str
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]


def curves_by_group(rows: Sequence[Row]) -> dict[str, list[Curve]]:
    """Returns the curves of each group that occurs."""
    return {
        group: [_curve(method, [row for row in of_group if row.method == method]) for method in methods_of(of_group)]
        for group, of_group in by_group(rows).items()
    }


def _curve(method: str, rows: Sequence[Row]) -> Curve:
    regrets = [[_regret_after(row, trials) for row in rows] for trials in range(1, TRIAL_CAP + 1)]
    low, middle, high = (
        tuple(order_statistic(after_trial, percent) for after_trial in regrets) for percent in (25.0, 50.0, 75.0)
    )
    return Curve(method, low, middle, high)


def _regret_after(row: Row, trials: int) -> float:
    """Returns the regret; a run that has ended keeps what it had."""
    regret = row.regrets[min(trials, len(row.regrets)) - 1]
    return math.inf if regret is None else regret
