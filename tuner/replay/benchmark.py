"""Every task under every SLO, method and seed: the rows of ``wattune bench replay``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from simulation.measured_table import Task
from tuner.replay.scoring import is_worth_scoring, score
from tuner.replay.task import ReplayTask
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import SearchTask

ProposerFactory = Callable[[str, SearchTask], AdvisingProposer]


@dataclass(frozen=True)
class Row:
    """One run of one method on one task.

    Attributes:
        dataset: The table's folder.
        group: ``inference`` or ``stress``.
        device: The device that was measured.
        workload: What it ran.
        slo: Bound on latency as a multiple of the table's fastest.
        method: The proposer's name.
        seed: The proposer's seed.
        trials_to_5pct: See :class:`tuner.replay.scoring.Score`, also for the rest.
        violations: Trials up to then that broke the SLO.
        stopped_at: Trials measured when the proposer advised to stop.
        regret_at_stop: Share by which the incumbent then exceeded the optimum.
        seconds_per_proposal: Mean time of a proposal.
    """

    dataset: str
    group: str
    device: str
    workload: str
    slo: float
    method: str
    seed: int
    trials_to_5pct: int
    violations: int
    stopped_at: int
    regret_at_stop: float | None
    seconds_per_proposal: float


@dataclass(frozen=True)
class Benchmark:
    """What is to be run.

    Attributes:
        tables: The measured tables.
        methods: Names of proposers.
        slos: Multiples of each table's fastest latency.
        seeds: How many seeds each, counted from 0.
        create_proposer: Makes a proposer by name.
    """

    tables: Sequence[Task]
    methods: Sequence[str]
    slos: Sequence[float]
    seeds: int
    create_proposer: ProposerFactory

    def tasks(self) -> list[ReplayTask]:
        """Returns the tasks that can tell proposers apart; the others are left out."""
        tasks = [ReplayTask(table, slo) for table in self.tables for slo in self.slos]
        return [task for task in tasks if is_worth_scoring(task)]

    def rows(self, tasks: Sequence[ReplayTask]) -> Iterator[Row]:
        """Runs everything, yielding each row as it is done."""
        for task in tasks:
            for method in self.methods:
                for seed in range(self.seeds):
                    yield self._row(task, method, seed)

    def _row(self, task: ReplayTask, method: str, seed: int) -> Row:
        result = score(task, partial(self.create_proposer, method), seed)
        table = task.table
        return Row(
            dataset=table.dataset.name,
            group=table.dataset.group,
            device=table.device,
            workload=table.workload,
            slo=task.slo,
            method=method,
            seed=seed,
            trials_to_5pct=result.trials_to_5pct,
            violations=result.violations,
            stopped_at=result.stopped_at,
            regret_at_stop=result.regret_at_stop,
            seconds_per_proposal=result.seconds_per_proposal,
        )
