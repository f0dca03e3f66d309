"""What the rows of a benchmark say in short: a line a group and method, and a line a task."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulation.measured_table import GROUPS
from tuner.replay.comparison import Comparison, compare_with_best
from tuner.replay.methods import REPLAY_METHODS
from tuner.replay.quantiles import percentile
from tuner.replay.row import Row, TaskKey
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
        violations_to_stop: Mean of the trials up to the stop that broke the SLO: what an operator would see.
        mean_stopped_at: Mean of ``stopped_at``.
        stopped_well: Share of runs that stopped with at most 5 % regret.
        seconds_per_proposal: Mean time of a proposal.
        comparison: With the best of the other methods in the group; None if there is no other.
    """

    group: str
    method: str
    runs: int
    median_trials: float
    mean_trials: float
    p90_trials: float
    mean_violations: float
    violations_to_stop: float
    mean_stopped_at: float
    stopped_well: float
    seconds_per_proposal: float
    comparison: Comparison | None


@dataclass(frozen=True)
class TaskSummary:
    """All runs on one task.

    Attributes:
        group: ``inference`` or ``stress``.
        task: What was searched.
        median_trials: Median of ``trials_to_5pct`` by method.
    """

    group: str
    task: TaskKey
    median_trials: Mapping[str, float]


def methods_of(rows: Iterable[Row]) -> list[str]:
    """Returns the methods that occur, in the order in which they are listed everywhere."""
    occurring = {row.method for row in rows}
    known = [method for method in REPLAY_METHODS.names if method in occurring]
    return [*known, *sorted(occurring - set(known))]


def by_group(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Returns the rows of each group that occurs, the headline group ``inference`` first."""
    groups = {group: [row for row in rows if row.group == group] for group in GROUPS}
    return {group: selected for group, selected in groups.items() if selected}


def summarize(rows: Sequence[Row]) -> list[Summary]:
    """Returns a summary for each group and method that occurs.

    Raises:
        BadInputError: SciPy, which compares methods, is not installed.
    """
    return [_summary(of_group, method) for of_group in by_group(rows).values() for method in methods_of(of_group)]


def summarize_tasks(rows: Sequence[Row]) -> list[TaskSummary]:
    """Returns a summary for each task that occurs, group by group."""
    return [
        TaskSummary(group, task, _medians([row for row in of_group if row.task == task]))
        for group, of_group in by_group(rows).items()
        for task in sorted({row.task for row in of_group})
    ]


def _medians(rows: Sequence[Row]) -> dict[str, float]:
    return {
        method: statistics.median(row.trials_to_5pct for row in rows if row.method == method)
        for method in methods_of(rows)
    }


def _summary(of_group: Sequence[Row], method: str) -> Summary:
    rows = [row for row in of_group if row.method == method]
    trials = [row.trials_to_5pct for row in rows]
    return Summary(
        group=rows[0].group,
        method=method,
        runs=len(rows),
        median_trials=statistics.median(trials),
        mean_trials=statistics.fmean(trials),
        p90_trials=percentile(trials, 90.0),
        mean_violations=statistics.fmean(row.violations for row in rows),
        violations_to_stop=statistics.fmean(sum(row.is_violation[: row.stopped_at]) for row in rows),
        mean_stopped_at=statistics.fmean(row.stopped_at for row in rows),
        stopped_well=statistics.fmean(
            row.regret_at_stop is not None and row.regret_at_stop <= NEARLY_OPTIMAL for row in rows
        ),
        seconds_per_proposal=statistics.fmean(row.seconds_per_proposal for row in rows),
        comparison=compare_with_best(of_group, method),
    )
