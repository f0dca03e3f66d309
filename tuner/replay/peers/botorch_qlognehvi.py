"""BoTorch's stock search for a Pareto front: log noisy expected hypervolume improvement.

Ament et al., *Unexpected Improvements to Expected Improvement for Bayesian Optimization*, NeurIPS 2023, after Daulton,
Balandat and Bakshy, *Parallel Bayesian Optimization of Multiple Noisy Objectives*, NeurIPS 2021. The reference point
lies at the SLO's bound and at the worst energy that was seen: what counts is the front within the SLO.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import WeightedMCMultiOutputObjective
from botorch.models import ModelListGP, SingleTaskGP
from botorch.sampling import SobolQMCNormalSampler
from torch import Tensor

from tuner.replay.peers.gaussian_process import ENERGY, LATENCY, GaussianProcessProposer

_SAMPLES = 64


class BotorchQlognehviProposer(GaussianProcessProposer):
    """Proposes by qLogNEHVI."""

    initial_points: ClassVar[int] = 1

    def output_model(self, inputs: Tensor, output: Tensor) -> SingleTaskGP:
        """Returns BoTorch's default model, which standardises its output."""
        return SingleTaskGP(inputs, output)

    def acquisition(self, model: ModelListGP, inputs: Tensor, outputs: Tensor, seed: int) -> AcquisitionFunction:
        """Returns log noisy expected hypervolume improvement over the measured points."""
        worst = torch.zeros(2, dtype=torch.float64)  # the SLO's bound, in units of which latency is modelled
        worst[ENERGY] = outputs[:, ENERGY].max()
        return qLogNoisyExpectedHypervolumeImprovement(
            model,
            ref_point=-worst,
            X_baseline=inputs,
            sampler=SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=seed),
            objective=WeightedMCMultiOutputObjective(torch.tensor([-1.0, -1.0]), outcomes=[ENERGY, LATENCY]),
            prune_baseline=True,
        )
