"""What the peers have in common: they answer from the trials alone, with an untried configuration of the pool."""

from __future__ import annotations

import math
import random
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.configuration import Configuration
from tuner.replay.peers.pool import Point, Pool, Scale, by_place
from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.contract import Proposal, SearchTask
from tuner.search.stopping import ALL_TRIED, budget_spent
from tuner.trial import Trial


@dataclass(frozen=True)
class Observation:
    """A measured trial as a general optimizer sees it.

    Attributes:
        configuration: What was measured.
        point: Its point in the pool's unit cube.
        log_energy: Natural logarithm of the energy per request in joules.
        log_excess: Natural logarithm of the latency as a multiple of the SLO's bound: feasible up to 0.
    """

    configuration: Configuration
    point: Point
    log_energy: float
    log_excess: float


class PoolProposer(AdvisingProposer):
    """Proposes from a finite pool; has no rule of its own to stop before the budget is spent."""

    def __init__(self, task: SearchTask, scale: Scale = by_place) -> None:
        """Lists the space.

        Args:
            task: What is to be searched.
            scale: How choices become coordinates.
        """
        super().__init__(task)
        self.pool = Pool(task.space, scale)
        self._bound_s = task.objective.slos[0].bound_s

    def advise(self, trials: Sequence[Trial]) -> Advice:
        """Returns the optimizer's choice, and a stop once the budget is spent."""
        untried = self.pool.untried(trial.configuration for trial in trials)
        if not len(untried):
            return Advice(None, ALL_TRIED)
        # The number of trials decides where the random sequence stands: a restarted proposer answers the same.
        seed = random.Random(f"{self.task.seed}/{len(trials)}").getrandbits(31)  # noqa: S311 - no secret depends on it
        position = self.choose(self._observations(trials), untried, seed)
        return Advice(Proposal(self.pool[position], "the peer's choice"), budget_spent(self.task, trials))

    @abstractmethod
    def choose(self, observations: Sequence[Observation], untried: NDArray[np.intp], seed: int) -> int:
        """Returns the position in the pool of what is to be measured next.

        Args:
            observations: The measured trials whose values are among the choices, the baseline first.
            untried: The positions to choose from, never empty.
            seed: Of the random choices of this one answer.
        """

    def _observations(self, trials: Sequence[Trial]) -> list[Observation]:
        located = [(trial, self.pool.point(trial.configuration)) for trial in trials]
        return [
            Observation(
                trial.configuration,
                point,
                math.log(trial.measurement.energy.per_request_j),
                math.log(trial.measurement.slo_latency_s / self._bound_s),
            )
            for trial, point in located
            if trial.measurement is not None and point is not None
        ]
