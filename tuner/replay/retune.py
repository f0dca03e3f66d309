"""Searches that start from an earlier study, against the same searches from nothing: ``wattune bench retune``."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from tuner import serialization
from tuner.configuration import Configuration
from tuner.replay.disturbance import Deviation, Disturbance
from tuner.replay.kinship import Kinship, Pair
from tuner.replay.methods import REPLAY_METHODS
from tuner.replay.row import TaskKey
from tuner.replay.scoring import Score, score, score_run
from tuner.replay.search_run import SearchRun
from tuner.replay.task import ReplayTask
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import EarlierStudy, SearchTask
from tuner.trial import Trial

_METHOD = "wattune"

RetuneKey: TypeAlias = tuple[Kinship, TaskKey, TaskKey, int]
"""Kinship, task, earlier task and seed: what is run once."""


@dataclass(frozen=True)
class RetuneRow:
    """One task, searched from nothing and from an earlier study.

    Attributes:
        kinship: What the earlier study was to the task.
        group: ``inference`` or ``stress``: that of the task.
        task: What was searched.
        earlier: What had been searched before.
        earlier_trials: How many trials that took, to its stop.
        seed: Of both searches, and of the earlier one.
        cold: The search from nothing.
        warm: The search from the earlier study.
        disturbance: What was added to the tables' figures.
    """

    kinship: Kinship
    group: str
    task: TaskKey
    earlier: TaskKey
    earlier_trials: int
    seed: int
    cold: Score
    warm: Score
    disturbance: Disturbance

    @property
    def key(self) -> RetuneKey:
        """What was run."""
        return (self.kinship, self.task, self.earlier, self.seed)

    def encode(self) -> bytes:
        """Returns the row as one line of JSON."""
        return serialization.encode(self) + b"\n"


@dataclass(frozen=True)
class Plan:
    """A task that is to be searched from nothing and from an earlier study.

    Attributes:
        pair: The task and the earlier one.
        seed: Of every search, and of the disturbance.
    """

    pair: Pair
    seed: int

    @property
    def key(self) -> RetuneKey:
        """What the row will be known by."""
        return (self.pair.kinship, self.pair.task.key, self.pair.earlier.key, self.seed)


@dataclass(frozen=True)
class ColdStudy:
    """A search from nothing.

    Attributes:
        key: Task and seed.
        score: What it was worth.
        trials: Its trials up to its stop: what a later study can start from.
    """

    key: tuple[TaskKey, int]
    score: Score
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class ColdSearch:
    """A search from nothing, not run yet.

    Attributes:
        task: What is searched.
        seed: Of the search, and of the disturbance.
        disturbance: What measuring adds to the table's figures.
    """

    task: ReplayTask
    seed: int
    disturbance: Disturbance

    def row(self) -> ColdStudy:
        """Runs it."""
        run = SearchRun(self.task, _cold_proposer, self.seed, self.disturbance)
        result = score_run(run)
        return ColdStudy((self.task.key, self.seed), result, tuple(run.trials[: result.stopped_at]))


@dataclass(frozen=True)
class Retune:
    """A search that starts from an earlier study, not run yet.

    Attributes:
        plan: What is searched from what, and the seed.
        disturbance: What measuring adds to the table's figures.
        cold: The same task from nothing, with the same seed.
        earlier: The earlier study.
    """

    plan: Plan
    disturbance: Disturbance
    cold: ColdStudy
    earlier: ColdStudy

    def row(self) -> RetuneRow:
        """Runs it."""
        pair, seed = self.plan.pair, self.plan.seed
        study = EarlierStudy(tuple(self._earlier_trials()))
        return RetuneRow(
            kinship=pair.kinship,
            group=pair.task.table.dataset.group,
            task=pair.task.key,
            earlier=pair.earlier.key,
            earlier_trials=len(study.trials),
            seed=seed,
            cold=self.cold.score,
            warm=score(pair.task, lambda task: _warm_proposer(task, study), seed, self.disturbance),
            disturbance=self.disturbance,
        )

    def _earlier_trials(self) -> Iterator[Trial]:
        """Yields what was measured before, under the names of the task's own parameters."""
        pair, trials = self.plan.pair, self.earlier.trials
        if pair.kinship is Kinship.SHUFFLED:
            trials = shuffled(pair.earlier, trials, self.plan.seed, self.disturbance.noise)
        for trial in trials:
            values = {pair.names[parameter]: value for parameter, value in trial.configuration.items()}
            yield replace(trial, configuration=Configuration(values))


def plans(pairs: Iterable[Pair], seeds: int) -> list[Plan]:
    """Returns what is to be run: pair by pair, seed by seed, counted from 0."""
    return [Plan(pair, seed) for pair in pairs for seed in range(seeds)]


def cold_searches(planned: Iterable[Plan], disturbance: Disturbance) -> list[ColdSearch]:
    """Returns the searches from nothing that some plans need, each one once."""
    tasks = {(task.key, plan.seed): task for plan in planned for task in (plan.pair.task, plan.pair.earlier)}
    return [ColdSearch(task, seed, disturbance) for (_, seed), task in tasks.items()]


def retunes(planned: Iterable[Plan], disturbance: Disturbance, studies: Iterable[ColdStudy]) -> list[Retune]:
    """Returns the searches that start from an earlier study.

    Args:
        planned: Tasks and earlier ones.
        disturbance: What measuring adds to the tables' figures.
        studies: What :func:`cold_searches` of the same plans came to.
    """
    known = {study.key: study for study in studies}
    return [
        Retune(plan, disturbance, known[plan.pair.task.key, plan.seed], known[plan.pair.earlier.key, plan.seed])
        for plan in planned
    ]


def shuffled(task: ReplayTask, trials: Sequence[Trial], seed: int, noise: float) -> tuple[Trial, ...]:
    """Returns the same trials with their energies, and apart from them their latencies, dealt anew.

    Args:
        task: Whose trials they are.
        trials: All measured.
        seed: Of how they are dealt.
        noise: As far as a measurement knows of it, see :class:`~tuner.replay.disturbance.Deviation`.
    """
    generator = random.Random(f"{seed}/{task.name}")  # noqa: S311 - no secret depends on it
    measured = [trial.measurement for trial in trials if trial.measurement is not None]
    energies_j = [one.energy.per_request_j for one in measured]
    latencies_s = [one.slo_latency_s for one in measured]
    generator.shuffle(energies_j)
    generator.shuffle(latencies_s)
    return tuple(
        task.trial(
            trial.number,
            trial.configuration,
            Deviation(
                energy=energy_j / task.energy_j(trial.configuration),
                latency=latency_s / task.latency_s(trial.configuration),
                noise=noise,
            ),
        )
        for trial, energy_j, latency_s in zip(trials, energies_j, latencies_s, strict=True)
    )


def _cold_proposer(task: SearchTask) -> AdvisingProposer:
    return REPLAY_METHODS.create(_METHOD, task)


def _warm_proposer(task: SearchTask, study: EarlierStudy) -> AdvisingProposer:
    return REPLAY_METHODS.create(_METHOD, replace(task, earlier=(study,)))
