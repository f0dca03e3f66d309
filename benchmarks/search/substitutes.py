"""What stands in for a part of the search while the benchmark tells what that part is worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from botorch.utils.probability.utils import log_ndtr
from torch import Tensor

from tuner.objective import Slo
from tuner.search import acquisition
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import Stop
from tuner.search.encoding import Encoding
from tuner.search.evidence import Evidence, Output
from tuner.search.hyperparameters import Weighted, dimensions
from tuner.search.incumbents import Incumbent
from tuner.search.physics import Ensemble
from tuner.search.prior import Belief, Prior
from tuner.search.rates import at_rate
from tuner.search.surrogate import Prediction, Surrogate
from tuner.trial import Trial

_log_feasibility = acquisition.log_feasibility


class Searching(BayesianProposer):
    """Never weighs whether to stop: a run ends once it has found what it is after."""

    def _stop(self, *_: object) -> Stop:
        return Stop("Only the search is compared.")


class NoDevices(Ensemble):
    """Knows how many requests a batch holds, and nothing of what a device does with them."""

    def __call__(self, features: Tensor) -> Tensor:
        """Returns natural logarithms by :class:`Output`, ``3 x n x 1`` (for features ``n x d``)."""
        settings = self._controls.settings(features)
        pace = -(settings.rate if self._is_paced else settings.batch / settings.largest_batch).log()
        outputs = {Output.PACE: pace, Output.LATENCY: torch.zeros_like(pace), Output.POWER: torch.zeros_like(pace)}
        return torch.stack([outputs[output] for output in Output])


@dataclass(frozen=True)
class _PriorOfEnergy:
    """A prior of latencies and of energy, which is one output."""

    parts: Prior

    @property
    def freedom(self) -> Tensor:
        return torch.ones(len(self.parts.freedom) - 1, dtype=torch.float64)

    def __call__(self, features: Tensor) -> Belief:
        belief = self.parts(features)
        return replace(belief, means=_with_energy(belief.means), physics=_with_energy(belief.physics))


def _with_energy(outputs: Tensor) -> Tensor:
    """Replaces pace and power by their sum with the first latency: log energy per request (``outputs x ...``)."""
    energy = outputs[0] + outputs[-2] + outputs[-1]
    return torch.cat([outputs[:-2], energy.unsqueeze(0)])


class EnergyAtOnce(Surrogate):
    """Models latency and energy, not latency, pace and power; for objectives without an arrival rate."""

    def __init__(self, prior: Prior, evidence: Evidence) -> None:
        """Conditions the prior on the evidence, which must not be empty."""
        variances = torch.cat([evidence.variances[:, :-2], evidence.variances[:, -2:].sum(1, keepdim=True)], dim=1)
        outputs = _with_energy(evidence.outputs.T).T
        energies = Evidence(evidence.features, outputs, variances, evidence.studies)
        super().__init__(_PriorOfEnergy(prior), energies)  # type: ignore[arg-type]  # all of a prior that is used

    def predict(self, features: Tensor) -> Prediction:
        """Returns what is expected of candidates (features ``n x d``)."""
        means, variances = self._moments(features)
        return Prediction(means[:-1], variances[:-1].sqrt(), means[-1], variances[-1].sqrt())


def at_medians(_: Callable[[Tensor], Tensor], outputs: int, columns: int, __: int) -> Weighted:
    """Takes every hyper-parameter for the median of its prior, whatever the trials say."""
    medians = torch.zeros(outputs, 1, dimensions(columns), dtype=torch.float64)
    return Weighted(medians, torch.ones(outputs, 1, dtype=torch.float64))


def best_as_measured(_: Encoding, __: Surrogate, feasible: Sequence[Trial]) -> dict[float | None, Incumbent]:
    """Believes the feasible trial of least energy at each arrival rate, lucky or not."""
    best: dict[float | None, Incumbent] = {}
    for trial in feasible:
        assert trial.measurement is not None
        energy = trial.measurement.energy
        log_energy = math.log(energy.per_request_j)
        known = best.get(trial.arrival_rate_hz)
        if known is None or log_energy < known.log_energy:
            best[trial.arrival_rate_hz] = Incumbent(at_rate(trial), log_energy, energy.mean_power_w)
    return best


def log_improvement_probability(prediction: Prediction, log_incumbent_j: Tensor | float) -> Tensor:
    """Returns the logarithm of the probability of any improvement, ``n``."""
    probability: Tensor = log_ndtr((log_incumbent_j - prediction.energy_mean) / prediction.energy_sd)
    return probability


def log_feasibility_squared(prediction: Prediction, slos: tuple[Slo, ...]) -> Tensor:
    """Returns twice the logarithm of the probability that every SLO holds, ``n``: a warier search."""
    return 2 * _log_feasibility(prediction, slos)
