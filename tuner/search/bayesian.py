"""Wattune's own search: Bayesian optimization that knows what a clock is.

No trial is spent on a random initial design: the prior of the surrogate already ranks the candidates after the
baseline alone. The acquisition is evaluated for legal configurations that were not tried, never optimised over a
continuum and rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from tuner.configuration import Configuration
from tuner.parameter_effect import ParameterEffect
from tuner.search import acquisition, contract, stopping
from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.candidates import Candidates, Ranking
from tuner.search.contract import Caution, Goal, Proposal, SearchTask, Stop
from tuner.search.effects import parameter_effects
from tuner.search.encoding import Encoding
from tuner.search.evidence import gather_evidence, utilization_seen
from tuner.search.incumbents import Incumbents
from tuner.search.prior import Prior
from tuner.search.rates import at_rate, split, with_rates
from tuner.search.surrogate import Surrogate
from tuner.search.worth import Worth
from tuner.trial import Trial


class BayesianProposer(AdvisingProposer):
    """Proposes the configuration with the highest expected constrained improvement."""

    def __init__(self, task: SearchTask) -> None:
        """Prepares the space and imagines devices for it."""
        super().__init__(task)
        self._space = with_rates(task.space, task.objective)
        self._encoding = Encoding(self._space)
        self._candidates = Candidates(self._space, self._encoding, task.seed)

    def advise(self, trials: Sequence[Trial]) -> Advice:
        """Returns the most promising configuration, and a stop once even that one promises too little."""
        tried = [at_rate(trial) for trial in trials]
        if self._candidates.is_exhausted(tried):
            return Advice(None, stopping.ALL_TRIED)
        spent = stopping.budget_spent(self.task, trials)
        proposal = self._earlier_incumbent(tried)
        if proposal is not None:
            return Advice(proposal, spent)
        evidence = gather_evidence(self._encoding, self.task.objective, trials, self.task.earlier, self.task.forecasts)
        if not any(trial.measurement is not None for trial in trials):
            return Advice(self._fastest(tried), spent)
        surrogate = Surrogate(self._prior(utilization_seen(trials)), evidence)
        return self._advise(trials, tried, surrogate, spent)

    def effects(self, trials: Sequence[Trial]) -> tuple[ParameterEffect, ...]:
        """Returns what each parameter does along its line through the incumbent."""
        return parameter_effects(self.task, self._space, self._encoding, self._prior(utilization_seen(trials)), trials)

    @cache  # noqa: B019 - a proposer lives as long as its worker
    def _prior(self, utilization: float | None = None) -> Prior:
        return Prior(self._encoding, self.task.objective, utilization)

    def _advise(
        self, trials: Sequence[Trial], tried: Sequence[Configuration], surrogate: Surrogate, spent: Stop | None
    ) -> Advice:
        incumbents = Incumbents(self.task.objective, self._encoding, surrogate, trials)
        worth = Worth(self.task, self._space, self._encoding, surrogate, incumbents, trials)
        anchors = [incumbent.configuration for incumbent in incumbents.all]
        ranking = self._candidates.best(worth, tried, anchors, stopping.SHORTLIST)
        if not len(ranking):
            return Advice(None, spent or stopping.ALL_TRIED)
        stop = spent or self._stop(trials, surrogate, incumbents, worth, ranking)
        return Advice(self._proposal(surrogate, incumbents, ranking), stop)

    def _stop(
        self,
        trials: Sequence[Trial],
        surrogate: Surrogate,
        incumbents: Incumbents,
        worth: Worth,
        ranking: Ranking,
    ) -> Stop | None:
        if not worth.is_acceptable(float(ranking.values[0])):
            return stopping.too_risky(self.task.caution)
        acceptable = [worth.is_acceptable(value) for value in ranking.values.tolist()]
        outlook = stopping.look_ahead(
            self.task, surrogate, incumbents, ranking.features[: sum(acceptable)], self.task.seed
        )
        stop = stopping.nothing_to_gain(self.task, trials, outlook)
        if stop is not None and self.task.goal is Goal.FRONT and incumbents.is_complete:
            return stopping.front_known(trials, worth.front_gain(ranking.features))
        return stop

    def _proposal(self, surrogate: Surrogate, incumbents: Incumbents, ranking: Ranking) -> Proposal:
        features = ranking.features[:1]
        prediction = surrogate.predict(features)
        feasible = math.exp(acquisition.log_feasibility(prediction, self.task.objective.slos).item())
        configuration, rate_hz = split(self._candidates.configuration(ranking.rows[0]))
        log_energy, to_beat = prediction.energy_mean.item(), incumbents.log_energies(features).item()
        if math.isinf(to_beat):
            why = f"most likely to hold the SLO ({feasible:.0%})"
        else:
            change = math.expm1(log_energy - to_beat)
            why = f"expected to change energy by {change:+.1%}, holds the SLO with {feasible:.0%}"
        latency_s = math.exp(prediction.latency_means[0].item())
        expected = contract.Prediction(math.exp(log_energy), latency_s, feasible)
        return Proposal(configuration, why, expected, rate_hz)

    def _earlier_incumbent(self, tried: Sequence[Configuration]) -> Proposal | None:
        """Returns the best configuration of an earlier study, unless it was tried or is no longer legal.

        A cautious search does not take an earlier study's word for what holds the SLO now.
        """
        if self.task.caution != Caution():
            return None
        names = [parameter.id for parameter in self._space.parameters]
        for study in self.task.earlier:
            best = _best_of(study.trials)
            if best is None or not set(names) <= best.keys():
                continue
            configuration = best.only(names)
            if configuration in self._space and configuration not in tried:
                own, rate_hz = split(configuration)
                return Proposal(own, "the best of an earlier study, measured again", arrival_rate_hz=rate_hz)
        return None

    def _fastest(self, tried: Sequence[Configuration]) -> Proposal:
        """Returns the candidate that the prior expects to be fastest: nothing has been measured so far."""
        ranking = self._candidates.best(lambda features: -self._prior().log_latency(features), tried)
        configuration, rate_hz = split(self._candidates.configuration(ranking.rows[0]))
        return Proposal(configuration, "expected to be fastest, nothing measured yet", arrival_rate_hz=rate_hz)


def _best_of(trials: Sequence[Trial]) -> Configuration | None:
    """Returns the feasible configuration of least energy, at the highest arrival rate that has one."""
    best = min(
        (trial for trial in trials if trial.is_feasible),
        key=lambda trial: (
            -(trial.arrival_rate_hz or 0.0),
            trial.measurement.energy.per_request_j if trial.measurement else math.inf,
        ),
        default=None,
    )
    return None if best is None else at_rate(best)
