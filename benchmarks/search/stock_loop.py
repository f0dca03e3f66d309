"""The stock BoTorch loop: SingleTaskGP, log noisy expected improvement, every point of the space.

As BoTorch's tutorials have it, over a tensor of all untried points in the unit cube. Fewer Monte Carlo samples than
its default and batches that stay in the cache favour it: 128 samples, 512 points at a time.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.optim import optimize_acqf_discrete
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.sampling import manual_seed
from gpytorch.mlls import SumMarginalLogLikelihood
from torch import Tensor

from tuner.search.contract import SearchTask
from tuner.trial import Trial

_SAMPLES = 128
_POINTS_AT_ONCE = 512


class StockLoop:
    """Proposes by qLogNEI, with the latency as a modelled constraint."""

    def __init__(self, task: SearchTask) -> None:
        """Lists every point of the space: a coordinate a parameter, its choices evenly spaced."""
        self._task = task
        axes = [torch.linspace(0, 1, len(one.choices), dtype=torch.float64) for one in task.space.parameters]
        self._points = torch.cartesian_prod(*axes)

    def propose(self, trials: Sequence[Trial]) -> Tensor:
        """Returns the point to measure next, ``d``."""
        inputs = torch.stack([self._points[self._place(trial)] for trial in trials])
        outputs = torch.tensor([self._outputs(trial) for trial in trials], dtype=torch.float64)
        untried = torch.ones(len(self._points), dtype=torch.bool)
        untried[[self._place(trial) for trial in trials]] = False
        with warnings.catch_warnings(), manual_seed(self._task.seed):
            warnings.simplefilter("ignore")
            model = ModelListGP(*(SingleTaskGP(inputs, output) for output in outputs.split(1, dim=1)))
            fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
            acquisition = qLogNoisyExpectedImprovement(
                model,
                X_baseline=inputs,
                sampler=SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=self._task.seed),
                objective=GenericMCObjective(lambda samples, X=None: -samples[..., 0]),  # noqa: ARG005, N803 - BoTorch's
                constraints=[lambda samples: samples[..., 1]],
            )
            best, _ = optimize_acqf_discrete(
                acquisition, q=1, choices=self._points[untried], max_batch_size=_POINTS_AT_ONCE
            )
        point: Tensor = best[0]
        return point

    def _place(self, trial: Trial) -> int:
        place = 0
        for parameter in self._task.space.parameters:
            place = place * len(parameter.choices) + parameter.choices.index(trial.configuration[parameter.id])
        return place

    def _outputs(self, trial: Trial) -> tuple[float, float]:
        """Returns log energy, and log latency over its bound."""
        if trial.measurement is None:
            raise ValueError("the stock loop knows no rejections")
        latency = trial.measurement.slo_latency_s / self._task.objective.slos[0].bound_s
        return math.log(trial.measurement.energy.per_request_j), math.log(latency)
