"""What the rows of a benchmark say in short: one line a group and method."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from simulation.measured_table import GROUPS
from tuner.replay.benchmark import Row
from tuner.replay.scoring import NEARLY_OPTIMAL


@dataclass(frozen=True)
class Summary:
    """All runs of one method in one group.

    Attributes:
        group: ``inference`` or ``stress``.
        method: The proposer's name.
        runs: How many rows this sums up.
        median_trials: Median of ``trials_to_5pct``.
        mean_trials: Its mean.
        p90_trials: Its 90th percentile, interpolated linearly.
        mean_violations: Mean of ``violations``.
        mean_stopped_at: Mean of ``stopped_at``.
        stopped_well: Share of runs that stopped with at most 5 % regret.
        seconds_per_proposal: Mean time of a proposal.
    """

    group: str
    method: str
    runs: int
    median_trials: float
    mean_trials: float
    p90_trials: float
    mean_violations: float
    mean_stopped_at: float
    stopped_well: float
    seconds_per_proposal: float


def summarize(rows: Sequence[Row]) -> list[Summary]:
    """Returns a summary for each group and method that occurs; the headline group ``inference`` first."""
    methods = list(dict.fromkeys(row.method for row in rows))
    selections = [
        [row for row in rows if (row.group, row.method) == (group, method)] for group in GROUPS for method in methods
    ]
    return [_summary(selected) for selected in selections if selected]


def _summary(rows: Sequence[Row]) -> Summary:
    trials = [row.trials_to_5pct for row in rows]
    return Summary(
        group=rows[0].group,
        method=rows[0].method,
        runs=len(rows),
        median_trials=statistics.median(trials),
        mean_trials=statistics.fmean(trials),
        p90_trials=percentile(trials, 90.0),
        mean_violations=statistics.fmean(row.violations for row in rows),
        mean_stopped_at=statistics.fmean(row.stopped_at for row in rows),
        stopped_well=statistics.fmean(
            row.regret_at_stop is not None and row.regret_at_stop <= NEARLY_OPTIMAL for row in rows
        ),
        seconds_per_proposal=statistics.fmean(row.seconds_per_proposal for row in rows),
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns a percentile, interpolated linearly between the order statistics (definition 7 of Hyndman and Fan)."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100.0
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)
