"""Every task under every SLO, method and seed: the rows of ``wattune bench replay``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from simulation.measured_table import Task
from tuner.replay.disturbance import Disturbance
from tuner.replay.methods import REPLAY_METHODS
from tuner.replay.planned_run import PlannedRun
from tuner.replay.row import Row
from tuner.replay.scoring import is_worth_scoring, score
from tuner.replay.task import ReplayTask

_REGRET_DIGITS = 6


class Run(PlannedRun):
    """A search that is scored by the trials it needs."""

    def row(self) -> Row:
        """Runs it.

        Raises:
            BadInputError: There is no such method, or a library that it needs is not installed.
        """
        result = score(self.task, partial(REPLAY_METHODS.create, self.method), self.seed, self.disturbance)
        dataset, device, workload, slo = self.task.key
        return Row(
            dataset=dataset,
            group=self.task.table.dataset.group,
            device=device,
            workload=workload,
            slo=slo,
            method=self.method,
            seed=self.seed,
            trials_to_5pct=result.trials_to_5pct,
            violations=result.violations,
            stopped_at=result.stopped_at,
            regret_at_stop=result.regret_at_stop,
            seconds_per_proposal=result.seconds_per_proposal,
            regrets=tuple(None if regret is None else round(regret, _REGRET_DIGITS) for regret in result.regrets),
            is_violation=result.is_violation,
            noise=self.disturbance.noise,
            outliers=self.disturbance.outliers,
        )


@dataclass(frozen=True)
class Benchmark:
    """What is to be run.

    Attributes:
        tables: The measured tables.
        methods: Names of proposers.
        slos: Multiples of each table's fastest latency.
        seeds: How many seeds each, counted from 0.
        disturbance: What measuring adds to the tables' figures.
    """

    tables: Sequence[Task]
    methods: Sequence[str]
    slos: Sequence[float]
    seeds: int
    disturbance: Disturbance

    def tasks(self) -> list[ReplayTask]:
        """Returns the tasks that can tell proposers apart; the others are left out."""
        tasks = [ReplayTask(table, slo) for table in self.tables for slo in self.slos]
        return [task for task in tasks if is_worth_scoring(task)]

    def runs(self) -> list[Run]:
        """Returns everything that is to be run: task by task, method by method, seed by seed."""
        return [
            Run(task, method, seed, self.disturbance)
            for task in self.tasks()
            for method in self.methods
            for seed in range(self.seeds)
        ]
