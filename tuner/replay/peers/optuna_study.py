"""Optuna by ask and tell, on the places of the choices.

Numbers are integers from 0 to the number of choices, the coordinate in which Optuna does best on such tables;
categories are categorical. Each answer comes from a fresh study that is told every measured trial, the baseline first,
with the logarithm of the energy as its value and the logarithm of the latency over its bound as its constraint. What
Optuna asks for may lie outside of a scattered pool or have been measured before: then the nearest untried legal
configuration stands in for it, and Optuna is told that one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler

from tuner.configuration import Configuration, Parameter, ParameterKind
from tuner.replay.peers.pool import Point
from tuner.replay.peers.pool_proposer import Observation, PoolProposer
from tuner.search.contract import SearchTask

optuna.logging.set_verbosity(optuna.logging.ERROR)


class OptunaProposer(PoolProposer):
    """Asks an Optuna study that was told every trial."""

    def __init__(self, task: SearchTask) -> None:
        """Describes the space to Optuna."""
        super().__init__(task)
        self._distributions: dict[str, BaseDistribution] = {
            parameter.id: _distribution(parameter) for parameter in task.space.parameters
        }

    @abstractmethod
    def sampler(self, seed: int) -> BaseSampler:
        """Returns the sampler that is compared."""

    def choose(self, observations: Sequence[Observation], untried: NDArray[np.intp], seed: int) -> int:
        """Returns the untried position nearest to what Optuna asks for."""
        study = optuna.create_study(sampler=self.sampler(seed))
        for observation in observations:
            study.add_trial(self._told(observation))
        return self.pool.nearest(self._point(study.ask(self._distributions).params), untried)

    def _told(self, observation: Observation) -> optuna.trial.FrozenTrial:
        return optuna.trial.create_trial(
            params=self._places(observation.configuration),
            distributions=self._distributions,
            value=observation.log_energy,
            constraints={"latency": observation.log_excess},
        )

    def _places(self, configuration: Configuration) -> dict[str, int]:
        return {
            parameter.id: parameter.choices.index(configuration[parameter.id])
            for parameter in self.task.space.parameters
        }

    def _point(self, places: Mapping[str, int]) -> Point:
        asked = Configuration(
            {parameter.id: parameter.choices[places[parameter.id]] for parameter in self.task.space.parameters}
        )
        point = self.pool.point(asked)
        if point is None:
            raise AssertionError("every choice has its coordinates")
        return point


def _distribution(parameter: Parameter) -> BaseDistribution:
    last = len(parameter.choices) - 1
    if parameter.kind is ParameterKind.CATEGORY:
        return CategoricalDistribution(range(last + 1))
    return IntDistribution(0, last)
