"""What changing the search did to it: trials and violations by group, and trials by device."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.search.changes import CHANGES, OURS, Sort
from tuner.replay.bootstrap import Totals, bootstrap
from tuner.replay.cells import Cells
from tuner.replay.row import Row, TaskKey
from tuner.replay.summary import by_group
from tuner.trial import Interval

_MARK = "~"


@dataclass(frozen=True)
class Effect:
    """What a change did in one group.

    Attributes:
        mean_trials: Mean of ``trials_to_5pct`` with it.
        mean_violations: Mean of ``violations`` with it.
        excess: By how many trials the former exceeds that of the search as it is.
        interval: 95 % bootstrap interval of that; tasks are drawn, each with all its seeds.
    """

    mean_trials: float
    mean_violations: float
    excess: float
    interval: Interval


@dataclass(frozen=True)
class Effects:
    """What all changes did in one group.

    Attributes:
        tasks: How many tasks there are.
        by_change: By the change's name.
    """

    tasks: int
    by_change: Mapping[str, Effect]

    @property
    def chance(self) -> Interval:
        """The span of what other draws of the same devices did: a change within it cannot be told from chance."""
        draws = [effect.excess for name, effect in self.by_change.items() if CHANGES[name].sort is Sort.DRAW]
        return Interval(min([0.0, *draws]), max([0.0, *draws]))

    def cells(self, name: str) -> tuple[str, ...]:
        """Returns a change's figures as texts: trials, their difference, its interval, violations."""
        effect = self.by_change.get(name)
        if effect is None:
            return ("",) * 4
        trials, violations = f"{effect.mean_trials:.2f}", f"{effect.mean_violations:.2f}"
        if name == OURS:
            return (trials, "", "", violations)
        is_chance = self.chance.low <= effect.excess <= self.chance.high and CHANGES[name].sort is not Sort.DRAW
        difference = f"{effect.excess:+.2f}" + f" {_MARK}" * is_chance
        return (trials, difference, f"{effect.interval.low:+.2f} to {effect.interval.high:+.2f}", violations)


def ablation_tables(rows: Sequence[Row]) -> list[Cells]:
    """Returns a table for each sort of change, one that sums these up, and one of trials by device.

    Args:
        rows: Of the search as it is, and of changes; a row's method is its change.
    """
    groups = {group: effects_of(of_group) for group, of_group in by_group(rows).items()}
    names = [name for name in CHANGES if any(row.method == name for row in rows)]
    sorts = [sort for sort in Sort if sort is not Sort.OURS and any(CHANGES[name].sort is sort for name in names)]
    by_sort = [*(_by_change(sort, names, groups) for sort in sorts), _by_sort(sorts, groups)] if sorts else []
    return [*by_sort, _by_device(names, rows)]


def effects_of(rows: Sequence[Row]) -> Effects:
    """Returns what each change did, on the tasks and seeds that were run with and without it.

    Args:
        rows: Of one group.
    """
    by_name = {name: [row for row in rows if row.method == name] for name in CHANGES}
    ours = {(row.task, row.seed): row.trials_to_5pct for row in by_name[OURS]}
    return Effects(
        tasks=len({row.task for row in rows}),
        by_change={name: _effect(of_change, ours) for name, of_change in by_name.items() if of_change},
    )


def _effect(rows: Sequence[Row], ours: Mapping[tuple[TaskKey, int], int]) -> Effect:
    pairs: dict[TaskKey, list[tuple[float, float]]] = {}
    for row in rows:
        pairs.setdefault(row.task, []).append((row.trials_to_5pct, ours[row.task, row.seed]))
    totals = [Totals.of(of_task) for of_task in pairs.values()]
    together = Totals.together(totals)
    return Effect(
        mean_trials=together.own_mean,
        mean_violations=statistics.fmean(row.violations for row in rows),
        excess=together.excess,
        interval=bootstrap(totals, lambda drawn: drawn.excess),
    )


def _by_change(sort: Sort, names: Sequence[str], groups: Mapping[str, Effects]) -> Cells:
    """Returns the table of one sort of change, the search as it is in its first row."""
    chance = "; ".join(
        f"{group} ({effects.tasks} tasks) {effects.chance.low:+.2f} to {effects.chance.high:+.2f}"
        for group, effects in groups.items()
    )
    figures = [heading for group in groups for heading in (group, "difference", "95 %", "broke SLO")]
    shown = [OURS, *(name for name in names if CHANGES[name].sort is sort)]
    return Cells(
        title=f"Mean trials to within 5 % of the optimum, {sort.value}. Other draws of the devices differ by {chance}; "
        f"what lies within that is marked {_MARK}",
        names=("change",),
        figures=tuple(figures),
        rows=tuple((name, *(cell for effects in groups.values() for cell in effects.cells(name))) for name in shown),
    )


def _by_sort(sorts: Sequence[Sort], groups: Mapping[str, Effects]) -> Cells:
    """Returns how changes of each sort did on average: constants that were chosen well, or luckily, show here."""
    figures = [heading for group in groups for heading in (group, "mean difference", "fewer trials")]
    return Cells(
        title="All changes of a sort",
        names=("sort",),
        figures=tuple(figures),
        rows=tuple(
            (sort.value, *(cell for effects in groups.values() for cell in _sort_cells(sort, effects)))
            for sort in sorts
        ),
    )


def _sort_cells(sort: Sort, effects: Effects) -> tuple[str, ...]:
    excesses = [effect.excess for name, effect in effects.by_change.items() if CHANGES[name].sort is sort]
    if not excesses:
        return ("",) * 3
    fewer = sum(excess < 0 for excess in excesses)
    return (f"{len(excesses)} changes", f"{statistics.fmean(excesses):+.2f}", f"{fewer}")


def _by_device(names: Sequence[str], rows: Sequence[Row]) -> Cells:
    devices = list(dict.fromkeys((row.dataset, row.device) for of_group in by_group(rows).values() for row in of_group))
    return Cells(
        title="Mean trials by device",
        names=("change",),
        figures=tuple(f"{device} ({dataset})" for dataset, device in devices),
        rows=tuple((name, *(_mean_trials(rows, name, device) for device in devices)) for name in names),
    )


def _mean_trials(rows: Sequence[Row], name: str, device: tuple[str, str]) -> str:
    trials = [row.trials_to_5pct for row in rows if row.method == name and (row.dataset, row.device) == device]
    return f"{statistics.fmean(trials):.2f}" if trials else ""
