"""BoTorch as its documentation has it: stock models, log noisy expected improvement, the latency a modelled constraint.

Ament et al., *Unexpected Improvements to Expected Improvement for Bayesian Optimization*, NeurIPS 2023.

It starts from the baseline alone: with a Sobol design of five points it needs more trials on measured tables of
inference (9.5 / 10.2 / 15.7 as median, mean and 90th percentile, against 5.5 / 6.9 / 10.5).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.models import ModelListGP, SingleTaskGP
from botorch.sampling import SobolQMCNormalSampler
from torch import Tensor

from tuner.replay.peers.gaussian_process import ENERGY, LATENCY, GaussianProcessProposer

_SAMPLES = 128


class BotorchQlogneiProposer(GaussianProcessProposer):
    """Proposes by qLogNEI."""

    initial_points: ClassVar[int] = 1

    def output_model(self, inputs: Tensor, output: Tensor) -> SingleTaskGP:
        """Returns BoTorch's default model, which standardises its output."""
        return SingleTaskGP(inputs, output)

    def acquisition(self, model: ModelListGP, inputs: Tensor, outputs: Tensor, seed: int) -> AcquisitionFunction:  # noqa: ARG002
        """Returns log noisy expected improvement over the measured points that hold the SLO."""
        return qLogNoisyExpectedImprovement(
            model,
            X_baseline=inputs,
            sampler=SobolQMCNormalSampler(torch.Size([_SAMPLES]), seed=seed),
            objective=GenericMCObjective(lambda samples, X=None: -samples[..., ENERGY]),  # noqa: ARG005, N803 - BoTorch's
            constraints=[lambda samples: samples[..., LATENCY]],
        )
