"""The best that is known so far, at every arrival rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.configuration import Configuration
from tuner.objective import Objective
from tuner.search.encoding import Encoding
from tuner.search.rates import RATE, at_rate
from tuner.search.surrogate import Surrogate
from tuner.trial import Trial


@dataclass(frozen=True)
class Incumbent:
    """The best feasible trial at one arrival rate.

    Attributes:
        configuration: With the arrival rate, where there are several.
        log_energy: Logarithm of its energy per request, as the surrogate sees it: a trial that was lucky is not
            believed.
        power_w: Mean power that was measured.
    """

    configuration: Configuration
    log_energy: float
    power_w: float


class Incumbents:
    """The incumbent of each arrival rate, and what improving on it counts."""

    def __init__(self, objective: Objective, encoding: Encoding, surrogate: Surrogate, trials: Sequence[Trial]) -> None:
        """Finds them.

        Args:
            objective: What is asked for.
            encoding: Of the space, the arrival rate included.
            surrogate: Fitted to the trials.
            trials: This study's trials.
        """
        feasible = [trial for trial in trials if trial.is_feasible]
        self.proven = [at_rate(trial) for trial in feasible]
        self._by_rate = _best(encoding, surrogate, feasible)
        self._rates_hz = objective.rates_hz
        self._column = next((place for place, one in enumerate(encoding.columns) if one.parameter_id == RATE), None)
        self._choices = (
            torch.tensor([encoding.columns[self._column].encode(rate_hz) for rate_hz in objective.arrival_rates_hz])
            if self._column is not None
            else None
        )
        self._shares = _joule_shares(objective, self._by_rate)

    @property
    def first(self) -> Incumbent | None:
        """The incumbent at the highest arrival rate that has one."""
        return next((self._by_rate[rate] for rate in reversed(self._rates_hz) if rate in self._by_rate), None)

    @property
    def all(self) -> tuple[Incumbent, ...]:
        """Those that there are."""
        return tuple(self._by_rate.values())

    @property
    def is_complete(self) -> bool:
        """Whether there is one at every arrival rate."""
        return len(self._by_rate) == len(self._rates_hz)

    def log_energies(self, features: Tensor) -> Tensor:
        """Returns the energy that each candidate has to improve on, ``n``; infinite where there is none yet."""
        each = [self._by_rate[rate].log_energy if rate in self._by_rate else torch.inf for rate in self._rates_hz]
        return torch.tensor(each, dtype=torch.float64)[self._rate_numbers(features)]

    def log_weights(self, features: Tensor) -> Tensor:
        """Returns the logarithm of what an improvement at each candidate's arrival rate counts, ``n``."""
        return torch.tensor(self._shares, dtype=torch.float64).log()[self._rate_numbers(features)]

    def _rate_numbers(self, features: Tensor) -> Tensor:
        if self._column is None or self._choices is None:
            return torch.zeros(len(features), dtype=torch.int64)
        return (features[:, self._column].unsqueeze(1) - self._choices).abs().argmin(1)


def _best(encoding: Encoding, surrogate: Surrogate, feasible: Sequence[Trial]) -> dict[float | None, Incumbent]:
    if not feasible:
        return {}
    energies = surrogate.predict(encoding.encode(at_rate(trial) for trial in feasible)).energy_mean.tolist()
    best: dict[float | None, Incumbent] = {}
    for trial, log_energy in zip(feasible, energies, strict=True):
        known = best.get(trial.arrival_rate_hz)
        if trial.measurement is not None and (known is None or log_energy < known.log_energy):
            power_w = trial.measurement.energy.mean_power_w
            best[trial.arrival_rate_hz] = Incumbent(at_rate(trial), log_energy, power_w)
    return best


def _joule_shares(objective: Objective, best: dict[float | None, Incumbent]) -> list[float]:
    """Returns the part of all joules that is spent at each rate; by time alone where no power is known."""
    powers_w = [best[rate].power_w if rate in best else None for rate in objective.rates_hz]
    known = [power_w for power_w in powers_w if power_w is not None]
    usual_w = sum(known) / len(known) if known else 1.0
    joules = [
        share * (usual_w if power_w is None else power_w)
        for share, power_w in zip(objective.shares, powers_w, strict=True)
    ]
    return [one / sum(joules) for one in joules]
