"""The Pareto front as models see it, before anything is measured.

Forecasts of some configurations (a network's cost at each batch size, the clocks as they are) condition the same prior
of imagined devices that the search starts from; these tell what other clocks, cores and caps would do. Nothing of it is
a measurement: every figure has its interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.configuration import Configuration
from tuner.search import acquisition
from tuner.search.candidates import Candidates
from tuner.search.contract import SearchTask
from tuner.search.encoding import Encoding
from tuner.search.evidence import forecast_evidence, is_paced
from tuner.search.prior import Prior
from tuner.search.surrogate import Prediction, Surrogate
from tuner.trial import Interval

_BOUNDS = 16
"""Latencies at which the least energy is looked for."""

_DEVIATIONS_OF_95_PERCENT = 1.96
_WORSE_THAN_ANY_ENERGY = -1e6

_Worth = Callable[[Prediction], Tensor]


@dataclass(frozen=True)
class Expectation:
    """What is expected of one configuration.

    Attributes:
        configuration: The configuration.
        latency_s: Median of the latency.
        latency_interval: Where it lies with 95 %.
        energy_per_request_j: Median of the energy per request.
        energy_interval: Where it lies with 95 %.
        feasible_probability: Probability that every SLO holds.
    """

    configuration: Configuration
    latency_s: float
    latency_interval: Interval
    energy_per_request_j: float
    energy_interval: Interval
    feasible_probability: float


class ForecastFront:
    """Predicts configurations of a space from forecasts of some of them."""

    def __init__(self, task: SearchTask) -> None:
        """Conditions the prior on the task's forecasts.

        Args:
            task: Its objective lets the work set the pace, and it has at least one forecast.
        """
        assert task.forecasts and not is_paced(task.objective), "the caller refuses what cannot be forecast"
        self._objective = task.objective
        self._encoding = Encoding(task.space)
        self._candidates = Candidates(task.space, self._encoding, task.seed)
        self._surrogate = Surrogate(
            Prior(self._encoding, task.objective), forecast_evidence(self._encoding, task.objective, task.forecasts)
        )
        self._anchors = [forecast.configuration for forecast in task.forecasts]

    def expect(self, configurations: Sequence[Configuration]) -> tuple[Expectation, ...]:
        """Returns what is expected of configurations."""
        prediction = self._surrogate.predict(self._encoding.encode(configurations))
        chances = acquisition.log_feasibility(prediction, self._objective.slos).exp().tolist()
        return tuple(
            Expectation(
                configuration,
                *_median_and_interval(prediction.latency_means[0, place], prediction.latency_sds[0, place]),
                *_median_and_interval(prediction.energy_mean[place], prediction.energy_sd[place]),
                chances[place],
            )
            for place, configuration in enumerate(configurations)
        )

    def front(self) -> tuple[Expectation, ...]:
        """Returns the configurations that no other is expected to beat in both, by latency, ascending.

        The least expected energy is looked for below each of several latencies, which finds the front wherever it
        bends.
        """
        fastest = self._best(lambda prediction: -prediction.latency_means[0])
        thriftiest = self._best(lambda prediction: -prediction.energy_mean)
        ends = [math.log(one.latency_s) for one in self.expect([fastest, thriftiest])]
        bounds = torch.linspace(*ends, _BOUNDS, dtype=torch.float64).tolist()
        found = [fastest, thriftiest, *(self._thriftiest_within(bound) for bound in bounds[1:-1])]
        return _non_dominated(self.expect(list(dict.fromkeys(found))))

    def recommended(self) -> Expectation:
        """Returns what is likelier than not to hold every SLO and needs the least energy; else what is fastest."""
        even_odds = math.log(0.5)

        def worth(features: Tensor) -> Tensor:
            prediction = self._surrogate.predict(features)
            is_likely = acquisition.log_feasibility(prediction, self._objective.slos) >= even_odds
            return torch.where(is_likely, -prediction.energy_mean, _WORSE_THAN_ANY_ENERGY - prediction.latency_means[0])

        ranking = self._candidates.best(worth, (), self._anchors)
        return self.expect([self._candidates.configuration(ranking.rows[0])])[0]

    def _thriftiest_within(self, log_latency: float) -> Configuration:
        def worth(prediction: Prediction) -> Tensor:
            excess = (prediction.latency_means[0] - log_latency).clamp_min(0.0)
            return torch.where(excess > 0, _WORSE_THAN_ANY_ENERGY - excess, -prediction.energy_mean)

        return self._best(worth)

    def _best(self, worth: _Worth) -> Configuration:
        ranking = self._candidates.best(lambda features: worth(self._surrogate.predict(features)), (), self._anchors)
        return self._candidates.configuration(ranking.rows[0])


def _median_and_interval(mean: Tensor, sd: Tensor) -> tuple[float, Interval]:
    middle, half = mean.item(), _DEVIATIONS_OF_95_PERCENT * sd.item()
    return math.exp(middle), Interval(math.exp(middle - half), math.exp(middle + half))


def _non_dominated(expected: Sequence[Expectation]) -> tuple[Expectation, ...]:
    front: list[Expectation] = []
    for one in sorted(expected, key=lambda one: (one.latency_s, one.energy_per_request_j)):
        if not front or one.energy_per_request_j < front[-1].energy_per_request_j:
            front.append(one)
    return tuple(front)
