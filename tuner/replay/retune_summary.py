"""What an earlier study is worth, by what it is to the task; and where it does the most harm."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulation.measured_table import GROUPS
from tuner.replay.bootstrap import Totals, bootstrap
from tuner.replay.cells import Cells
from tuner.replay.kinship import Kinship
from tuner.replay.retune import RetuneRow
from tuner.replay.row import TaskKey
from tuner.replay.scoring import NEARLY_OPTIMAL, Score
from tuner.trial import Interval

_WORST = 10


@dataclass(frozen=True)
class Searches:
    """Searches of one sort: from nothing, or from an earlier study.

    Attributes:
        mean_trials: Mean of ``trials_to_5pct``.
        mean_violations: Mean of ``violations``.
        mean_stopped_at: Mean of ``stopped_at``.
        stopped_well: Share that stopped with at most 5 % regret.
    """

    mean_trials: float
    mean_violations: float
    mean_stopped_at: float
    stopped_well: float

    @classmethod
    def of(cls, scores: Sequence[Score]) -> Searches:
        """Sums up scores, one at least."""
        regrets = [score.regret_at_stop for score in scores]
        return cls(
            mean_trials=statistics.fmean(score.trials_to_5pct for score in scores),
            mean_violations=statistics.fmean(score.violations for score in scores),
            mean_stopped_at=statistics.fmean(score.stopped_at for score in scores),
            stopped_well=statistics.fmean(regret is not None and regret <= NEARLY_OPTIMAL for regret in regrets),
        )


@dataclass(frozen=True)
class RetuneSummary:
    """All runs of one group that started from earlier studies of one kinship.

    Attributes:
        group: ``inference`` or ``stress``.
        kinship: What the earlier studies were to the tasks.
        runs: How many rows this sums up.
        cold: The searches from nothing, each as often as it is compared.
        warm: The searches from an earlier study.
        ratio: Mean trials of the latter as a share of the former's.
        ratio_interval: Its 95 % bootstrap interval; tasks are drawn, each with all its earlier studies and seeds.
        extra_trials: By how many trials the latter's mean exceeds the former's.
        extra_interval: Its interval, in the same way.
    """

    group: str
    kinship: Kinship
    runs: int
    cold: Searches
    warm: Searches
    ratio: float
    ratio_interval: Interval
    extra_trials: float
    extra_interval: Interval


def summarize_retunes(rows: Sequence[RetuneRow]) -> list[RetuneSummary]:
    """Returns a summary for each group and kinship that occurs."""
    cells = [(group, kinship) for group in GROUPS for kinship in Kinship]
    selections = [[row for row in rows if (row.group, row.kinship) == cell] for cell in cells]
    return [_summary(selected) for selected in selections if selected]


def retune_tables(rows: Sequence[RetuneRow]) -> list[Cells]:
    """Returns the table by kinship, and that of the pairs that lost the most."""
    return [_by_kinship(summarize_retunes(rows)), _worst_pairs(rows)]


def _summary(rows: Sequence[RetuneRow]) -> RetuneSummary:
    by_task: dict[TaskKey, list[RetuneRow]] = {}
    for row in rows:
        by_task.setdefault(row.task, []).append(row)
    parts = [_totals(of_task) for of_task in by_task.values()]
    together = Totals.together(parts)
    return RetuneSummary(
        group=rows[0].group,
        kinship=rows[0].kinship,
        runs=len(rows),
        cold=Searches.of([row.cold for row in rows]),
        warm=Searches.of([row.warm for row in rows]),
        ratio=together.ratio,
        ratio_interval=bootstrap(parts, lambda totals: totals.ratio),
        extra_trials=together.excess,
        extra_interval=bootstrap(parts, lambda totals: totals.excess),
    )


def _totals(rows: Iterable[RetuneRow]) -> Totals:
    return Totals.of((row.warm.trials_to_5pct, row.cold.trials_to_5pct) for row in rows)


def _by_kinship(summaries: Sequence[RetuneSummary]) -> Cells:
    return Cells(
        title="Trials until within 5 % of the optimum, from nothing and from an earlier study",
        names=("group", "earlier study"),
        figures=("runs", "cold", "warm", "ratio", "95 %", "extra", "95 %", "broke SLO", "stops at", "within 5 %"),
        rows=tuple(_kinship_row(summary) for summary in summaries),
    )


def _kinship_row(summary: RetuneSummary) -> tuple[str, ...]:
    cold, warm = summary.cold, summary.warm
    ratio, extra = summary.ratio_interval, summary.extra_interval
    return (
        summary.group,
        summary.kinship.value,
        str(summary.runs),
        f"{cold.mean_trials:.1f}",
        f"{warm.mean_trials:.1f}",
        f"{summary.ratio:.2f}",
        f"{ratio.low:.2f} to {ratio.high:.2f}",
        f"{summary.extra_trials:+.1f}",
        f"{extra.low:+.1f} to {extra.high:+.1f}",
        f"{cold.mean_violations:.1f} / {warm.mean_violations:.1f}",
        f"{cold.mean_stopped_at:.1f} / {warm.mean_stopped_at:.1f}",
        f"{cold.stopped_well:.0%} / {warm.stopped_well:.0%}",
    )


def _worst_pairs(rows: Sequence[RetuneRow]) -> Cells:
    by_pair: dict[tuple[Kinship, TaskKey, TaskKey], list[RetuneRow]] = {}
    for row in rows:
        by_pair.setdefault((row.kinship, row.task, row.earlier), []).append(row)
    totals = [(pair, _totals(of_pair)) for pair, of_pair in by_pair.items()]
    worst = heapq.nlargest(_WORST, totals, key=lambda one: one[1].excess)
    return Cells(
        title="Where an earlier study cost the most trials",
        names=("earlier study", "task", "earlier"),
        figures=("cold", "warm"),
        rows=tuple(
            (pair[0].value, _name(pair[1]), _name(pair[2]), f"{of_pair.other_mean:.1f}", f"{of_pair.own_mean:.1f}")
            for pair, of_pair in worst
        ),
    )


def _name(task: TaskKey) -> str:
    _, device, workload, slo = task
    return f"{device}, {workload}, {slo:g} x"
