"""Wattune's own search: Bayesian optimization that knows what a clock is.

No trial is spent on a random initial design: the prior of the surrogate already ranks the candidates after the
baseline alone. The acquisition is evaluated for every legal configuration that was not tried, never optimised over a
continuum and rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.configuration import Configuration
from tuner.search import acquisition, contract, stopping
from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.basis import Basis
from tuner.search.candidates import Candidates
from tuner.search.contract import Proposal, SearchTask
from tuner.search.encoding import Encoding
from tuner.search.evidence import gather_evidence
from tuner.search.surrogate import Surrogate
from tuner.trial import Trial


@dataclass(frozen=True)
class _Choice:
    """The best candidate.

    Attributes:
        position: Which candidate.
        features: Its encoding, ``1 x d``.
        gain_probability: The highest probability of a worthwhile gain among all candidates.
    """

    position: int
    features: Tensor
    gain_probability: float


class BayesianProposer(AdvisingProposer):
    """Proposes the configuration with the highest expected constrained improvement."""

    def __init__(self, task: SearchTask) -> None:
        """Enumerates the space."""
        super().__init__(task)
        self._encoding = Encoding(task.space)
        self._basis = Basis(self._encoding)
        self._candidates = Candidates(task.space, self._encoding)
        self._bound_s = task.objective.slos[0].bound_s

    def advise(self, trials: Sequence[Trial]) -> Advice:
        """Returns the most promising configuration, and a stop once even that one promises too little."""
        positions = self._candidates.untried(trial.configuration for trial in trials)
        if not len(positions):
            return Advice(None, stopping.ALL_TRIED)
        spent = stopping.budget_spent(self.task, trials)
        proposal = self._earlier_incumbent(trials)
        if proposal is not None:
            return Advice(proposal, spent)
        evidence = gather_evidence(self._encoding, trials, self.task.earlier)
        if not any(trial.measurement is not None for trial in trials):
            return Advice(self._fastest(positions), spent)
        surrogate = Surrogate(self._basis, evidence)
        incumbent_j = _incumbent_j(trials)
        choice = self._choose(surrogate, positions, incumbent_j)
        stop = spent or stopping.nothing_to_gain(trials, choice.gain_probability)
        return Advice(self._proposal(surrogate, choice, incumbent_j), stop)

    def _choose(self, surrogate: Surrogate, positions: Tensor, incumbent_j: float | None) -> _Choice:
        best_value, best_position, gain_probability = -math.inf, int(positions[0]), 0.0
        best_features = torch.empty(0)
        for chunk, features in self._candidates.chunks(positions):
            prediction = surrogate.predict(features)
            values = acquisition.log_constrained_improvement(prediction, self._bound_s, incumbent_j)
            gains = acquisition.gain_probability(prediction, self._bound_s, incumbent_j, stopping.WORTHWHILE_GAIN)
            gain_probability = max(gain_probability, float(gains.max()))
            place = int(values.argmax())
            if float(values[place]) > best_value or not len(best_features):
                best_value, best_position = float(values[place]), int(chunk[place])
                best_features = features[place : place + 1]
        return _Choice(best_position, best_features, gain_probability)

    def _proposal(self, surrogate: Surrogate, choice: _Choice, incumbent_j: float | None) -> Proposal:
        prediction = surrogate.predict(choice.features)
        energy_j = math.exp(prediction.energy_mean.item())
        feasible = math.exp(acquisition.log_feasibility(prediction, self._bound_s).item())
        if incumbent_j is None:
            why = f"most likely to hold the SLO ({feasible:.0%})"
        else:
            why = f"expected to change energy by {energy_j / incumbent_j - 1:+.1%}, holds the SLO with {feasible:.0%}"
        expected = contract.Prediction(energy_j, math.exp(prediction.latency_mean.item()), feasible)
        return Proposal(self._candidates[choice.position], why, expected)

    def _earlier_incumbent(self, trials: Sequence[Trial]) -> Proposal | None:
        """Returns the best configuration of the earlier study, unless it was tried or is no longer legal."""
        incumbent = _incumbent([trial for study in self.task.earlier for trial in study.trials])
        if incumbent is None:
            return None
        configuration = incumbent.configuration.only(parameter.id for parameter in self.task.space.parameters)
        if configuration not in self.task.space or _was_tried(configuration, trials):
            return None
        return Proposal(configuration, "the best of the earlier study, measured again")

    def _fastest(self, positions: Tensor) -> Proposal:
        """Returns the candidate that the prior expects to be fastest: nothing has been measured so far."""
        best = min(
            ((self._basis.prior_latency(features), chunk) for chunk, features in self._candidates.chunks(positions)),
            key=lambda chunk: float(chunk[0].min()),
        )
        return Proposal(
            self._candidates[int(best[1][best[0].argmin()])], "expected to be fastest, nothing measured yet"
        )


def _was_tried(configuration: Configuration, trials: Sequence[Trial]) -> bool:
    return any(trial.configuration == configuration for trial in trials)


def _incumbent(trials: Sequence[Trial]) -> Trial | None:
    feasible = [trial for trial in trials if trial.is_feasible]
    return min(
        feasible,
        key=lambda trial: trial.measurement.energy.per_request_j if trial.measurement else math.inf,
        default=None,
    )


def _incumbent_j(trials: Sequence[Trial]) -> float | None:
    incumbent = _incumbent(trials)
    if incumbent is None or incumbent.measurement is None:
        return None
    return incumbent.measurement.energy.per_request_j
