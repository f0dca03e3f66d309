"""The Pareto front as models see it, before anything is measured.

Forecasts of some configurations (a network's cost at each batch size, the clocks as they are) condition the same prior
of imagined devices that the search starts from; these tell what other clocks, cores and caps would do. Nothing of it is
a measurement: every figure has its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean

import torch
from torch import Tensor

from tuner.configuration import Configuration
from tuner.search import acquisition
from tuner.search.candidates import EXHAUSTIVE_SIZE, Candidates
from tuner.search.contract import SearchTask
from tuner.search.encoding import Encoding
from tuner.search.evidence import forecast_evidence, is_paced
from tuner.search.listing import CHUNK_SIZE
from tuner.search.prior import Prior
from tuner.search.surrogate import Prediction, Surrogate
from tuner.trial import Interval

_PRICES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""How much latency counts beside energy, where a space is too large to be listed."""

_MOST_KEPT = EXHAUSTIVE_SIZE

_DEVIATIONS_OF_95_PERCENT = 1.96
_WORSE_THAN_ANY_ENERGY = -1e6


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
        self._size = task.space.size
        self._encoding = Encoding(task.space)
        self._candidates = Candidates(task.space, self._encoding, task.seed)
        self._surrogate = Surrogate(
            Prior(self._encoding, task.objective), forecast_evidence(self._encoding, task.objective, task.forecasts)
        )
        self._anchors = [forecast.configuration for forecast in task.forecasts]
        self._common_latency_sd = fmean(forecast.latency_sd for forecast in task.forecasts)
        self._common_energy_sd = fmean(forecast.energy_sd for forecast in task.forecasts)

    def expect(self, configurations: Sequence[Configuration]) -> tuple[Expectation, ...]:
        """Returns what is expected of configurations."""
        prediction = self._predict(self._encoding.encode(configurations))
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

        All are looked at in a space that is listed. A larger one is searched for several prices of latency, and the
        front is that of everything that came close for any of them.
        """
        found: list[Tensor] = []
        for price in _PRICES:
            ranking = self._candidates.best(partial(self._worth_at, price), (), self._anchors, _MOST_KEPT)
            found.append(ranking.rows)
            if len(ranking) >= self._size:
                break
        rows = torch.cat(found).unique(dim=0)
        features = self._candidates.features(rows)
        parts = [self._predict(chunk) for chunk in features.split(CHUNK_SIZE)]
        latency = torch.cat([part.latency_means[0] for part in parts])
        energy = torch.cat([part.energy_mean for part in parts])
        places = _non_dominated(latency, energy)
        return self.expect([self._candidates.configuration(rows[place]) for place in places])

    def recommended(self) -> Expectation:
        """Returns what is likelier than not to hold every SLO and needs the least energy; else what is fastest."""
        even_odds = math.log(0.5)

        def worth(features: Tensor) -> Tensor:
            prediction = self._predict(features)
            is_likely = acquisition.log_feasibility(prediction, self._objective.slos) >= even_odds
            return torch.where(is_likely, -prediction.energy_mean, _WORSE_THAN_ANY_ENERGY - prediction.latency_means[0])

        ranking = self._candidates.best(worth, (), self._anchors)
        return self.expect([self._candidates.configuration(ranking.rows[0])])[0]

    def _predict(self, features: Tensor) -> Prediction:
        """Returns what is expected, with the error that all forecasts share."""
        prediction = self._surrogate.predict(features)
        return replace(
            prediction,
            latency_sds=prediction.latency_sds.hypot(torch.tensor(self._common_latency_sd, dtype=torch.float64)),
            energy_sd=prediction.energy_sd.hypot(torch.tensor(self._common_energy_sd, dtype=torch.float64)),
        )

    def _worth_at(self, price: float, features: Tensor) -> Tensor:
        """Returns what is cheap if an octave of latency is worth so many of energy."""
        prediction = self._predict(features)
        return -(price * prediction.latency_means[0] + (1 - price) * prediction.energy_mean)


def _median_and_interval(mean: Tensor, sd: Tensor) -> tuple[float, Interval]:
    middle, half = mean.item(), _DEVIATIONS_OF_95_PERCENT * sd.item()
    return math.exp(middle), Interval(math.exp(middle - half), math.exp(middle + half))


def _non_dominated(latency: Tensor, energy: Tensor) -> list[int]:
    """Returns the places of the points that no other beats in both, by latency, ascending."""
    by_latency = sorted(range(len(latency)), key=lambda place: (latency[place].item(), energy[place].item()))
    front: list[int] = []
    for place in by_latency:
        if not front or energy[place] < energy[front[-1]]:
            front.append(place)
    return front
