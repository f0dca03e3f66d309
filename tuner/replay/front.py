"""How much of a table's Pareto front a search has found: ``wattune bench front``.

The front trades energy for latency. What a search has found of it is a hypervolume, in logarithms: the area between the
measured points and a reference point that is worse than all that counts, as a share of the area of the table's own
front. Within the SLO, the reference is the bound and the worst energy among the points that hold it; overall, the worst
latency and the worst energy of the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from tuner import serialization
from tuner.configuration import Configuration
from tuner.errors import BadInputError
from tuner.replay.disturbance import Disturbance
from tuner.replay.methods import FRONT_METHODS
from tuner.replay.planned_run import PlannedRun
from tuner.replay.row import RunKey, TaskKey
from tuner.replay.scoring import is_worth_scoring
from tuner.replay.search_run import SearchRun
from tuner.replay.task import ReplayTask

if TYPE_CHECKING:
    from types import ModuleType

LOOKS = (10, 20, 30)
"""After so many trials the fronts are compared."""

_SHARE_DIGITS = 6

_Point: TypeAlias = tuple[float, float]
"""Log latency and log energy per request."""


@dataclass(frozen=True)
class FrontRow:
    """One run of one method on one task.

    Attributes:
        group: ``inference`` or ``stress``.
        task: What was searched.
        method: The proposer's name.
        seed: The proposer's seed.
        stopped_at: Trials measured when the proposer advised to stop.
        within_slo: Share of the front's hypervolume within the SLO after each trial.
        overall: Share of the whole front's hypervolume after each trial.
        is_violation: Whether that trial broke the SLO.
        seconds_per_proposal: Mean time of a proposal.
        disturbance: What was added to the table's figures.
    """

    group: str
    task: TaskKey
    method: str
    seed: int
    stopped_at: int
    within_slo: tuple[float, ...]
    overall: tuple[float, ...]
    is_violation: tuple[bool, ...]
    seconds_per_proposal: float
    disturbance: Disturbance

    @property
    def key(self) -> RunKey:
        """What was run."""
        return (self.task, self.method, self.seed)

    def encode(self) -> bytes:
        """Returns the row as one line of JSON."""
        return serialization.encode(self) + b"\n"


class FrontSearch(PlannedRun):
    """A search that is scored by the front it finds."""

    def row(self) -> FrontRow:
        """Runs it until the proposer has stopped and the fronts have been compared for the last time.

        Raises:
            BadInputError: There is no such method, or a library that it needs is not installed.
        """
        run = SearchRun(self.task, partial(FRONT_METHODS.create, self.method), self.seed, self.disturbance)
        while not (run.stopped_at and len(run.trials) >= LOOKS[-1]) and run.advance():
            pass
        tried = [trial.configuration for trial in run.trials]
        bound_s = self.task.objective.slos[0].bound_s
        return FrontRow(
            group=self.task.table.dataset.group,
            task=self.task.key,
            method=self.method,
            seed=self.seed,
            stopped_at=run.stopped_at or len(run.trials),
            within_slo=FrontShare(self.task, bound_s).after_each(tried),
            overall=FrontShare(self.task, math.inf).after_each(tried),
            is_violation=tuple(not self.task.holds_slo(configuration) for configuration in tried),
            seconds_per_proposal=run.seconds_per_proposal,
            disturbance=self.disturbance,
        )


class FrontShare:
    """The share of a table's Pareto front that some of its points make up, up to a bound on latency."""

    def __init__(self, task: ReplayTask, bound_s: float) -> None:
        """Takes the table's own front.

        Args:
            task: The table.
            bound_s: Points of more latency do not count; infinite for all to count.

        Raises:
            BadInputError: A library that is needed is not installed.
        """
        self._task = task
        self._geometry = _geometry()
        points = [self._point(configuration) for configuration in task.space]
        log_bound = math.log(bound_s)
        self._reference = (
            min(log_bound, max(latency for latency, _ in points)),
            max(energy for latency, energy in points if latency <= log_bound),
        )
        self._whole = self._volume(points)

    def after_each(self, tried: Sequence[Configuration]) -> tuple[float, ...]:
        """Returns the share of the hypervolume after each trial; 1 throughout where the table's own is nothing."""
        points = [self._point(configuration) for configuration in tried]
        volumes = (self._volume(points[:count]) for count in range(1, len(points) + 1))
        return tuple(round(volume / self._whole, _SHARE_DIGITS) if self._whole else 1.0 for volume in volumes)

    def _point(self, configuration: Configuration) -> _Point:
        return (math.log(self._task.latency_s(configuration)), math.log(self._task.energy_j(configuration)))

    def _volume(self, points: Iterable[_Point]) -> float:
        front = self._geometry.non_dominated(list(points))
        volume: float = self._geometry.hypervolume(front, self._reference)
        return volume


def front_searches(
    tasks: Iterable[ReplayTask], methods: Sequence[str], seeds: int, disturbance: Disturbance
) -> list[FrontSearch]:
    """Returns everything that is to be run: task by task, method by method, seed by seed.

    Args:
        tasks: Those that cannot tell searches apart are left out.
        methods: Names of proposers.
        seeds: How many seeds each, counted from 0.
        disturbance: What measuring adds to the tables' figures.
    """
    return [
        FrontSearch(task, method, seed, disturbance)
        for task in tasks
        if is_worth_scoring(task)
        for method in methods
        for seed in range(seeds)
    ]


def _geometry() -> ModuleType:
    """Returns the geometry of fronts, which needs torch: it is loaded when it is needed."""
    try:
        from tuner.search import front
    except ImportError as error:
        raise BadInputError(
            f"Comparing fronts needs {error.name}, which is not installed: install it with "
            "'pip install wattune[search]'."
        ) from error
    return front
