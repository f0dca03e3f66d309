"""The same prior as a ``SingleTaskGP`` for each output, with one set of hyper-parameters that is fitted to the trials.

Of stock parts: the imagined devices and the polynomial are inner products of what they say of each configuration (dense
ones: GPyTorch's linear kernels add up by a decomposition that takes longer and fails now and then), the residual is a
Matérn kernel, and ``fit_gpytorch_mll`` maximises the posterior of the hyper-parameters under the
priors that our own path integrates over.
"""

from __future__ import annotations

import copy
import math
import warnings

import torch
from botorch.exceptions.errors import ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.utils.sampling import manual_seed
from gpytorch.kernels import ConstantKernel, Kernel, MaternKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.means import ZeroMean
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from tuner.search import hyperparameters
from tuner.search.evidence import Evidence
from tuner.search.hyperparameters import LogNormal
from tuner.search.prior import Belief, Prior
from tuner.search.surrogate import Prediction

_FEWEST_TO_FIT = 4
"""Fewer trials leave hyper-parameters at the medians of their priors."""


class _InnerProduct(Kernel):  # type: ignore[misc]  # GPyTorch is not typed
    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: object) -> Tensor:
        return (x1 * x2).sum(-1) if diag else x1 @ x2.transpose(-1, -2)


class FittedSurrogate:
    """A model an output; for a study that has neither arrival rates nor earlier studies."""

    def __init__(self, prior: Prior, evidence: Evidence) -> None:
        """Fits a model to each output of the evidence, which must not be empty."""
        self._prior = prior
        belief = prior(evidence.features)
        self._level = evidence.outputs[0] - belief.means[:, 0]
        misfit = evidence.outputs.T - belief.means - self._level.unsqueeze(1)
        self._models = [
            _fitted(belief, output, misfit[output], float(free)) for output, free in enumerate(prior.freedom)
        ]

    def predict(self, features: Tensor) -> Prediction:
        """Returns what is expected of candidates (features ``n x d``)."""
        belief = self._prior(features)
        means, variances = belief.means + self._level.unsqueeze(1), torch.empty_like(belief.means)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for output, model in enumerate(self._models):
                posterior = model.posterior(_inputs(belief, output))
                means[output] += posterior.mean.squeeze(-1)
                variances[output] = posterior.variance.squeeze(-1).clamp_min(1e-10)
        energy = [0, -2, -1]
        return Prediction(means[:-2], variances[:-2].sqrt(), means[energy].sum(0), variances[energy].sum(0).sqrt())


def _inputs(belief: Belief, output: int) -> Tensor:
    return torch.cat([belief.features, belief.physics[output], belief.polynomial], dim=1)


def _fitted(belief: Belief, output: int, targets: Tensor, freedom: float) -> SingleTaskGP:
    likelihood = GaussianLikelihood(noise_prior=_prior_of_variance(hyperparameters.NOISE_SD))
    likelihood.noise = hyperparameters.NOISE_SD.median**2
    model = SingleTaskGP(
        _inputs(belief, output),
        targets.unsqueeze(1),
        likelihood=likelihood,
        covar_module=_kernel(belief, freedom),
        mean_module=ZeroMean(),
        outcome_transform=None,
    ).to(torch.float64)
    if len(targets) >= _FEWEST_TO_FIT:
        _fit(model)
    return model.eval()


def _fit(model: SingleTaskGP) -> None:
    """Maximises the posterior of the hyper-parameters; where that fails, the medians of their priors serve."""
    medians = copy.deepcopy(model.state_dict())
    with warnings.catch_warnings(), manual_seed(0):
        warnings.simplefilter("ignore")
        try:
            fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        except (ModelFittingError, torch.linalg.LinAlgError):
            model.load_state_dict(medians)


def _kernel(belief: Belief, freedom: float) -> Kernel:
    columns, devices = belief.features.shape[1], belief.physics.shape[-1]
    functions = belief.polynomial.shape[1]
    residual = ScaleKernel(
        MaternKernel(
            nu=2.5,
            ard_num_dims=columns,
            active_dims=tuple(range(columns)),
            lengthscale_prior=LogNormalPrior(
                math.log(hyperparameters.LENGTHSCALE.median), hyperparameters.LENGTHSCALE.sd
            ),
        ),
        outputscale_prior=_prior_of_variance(hyperparameters.RESIDUAL_SD, freedom),
    )
    residual.base_kernel.lengthscale = hyperparameters.LENGTHSCALE.median
    residual.outputscale = hyperparameters.RESIDUAL_SD.median**2 * freedom
    level = ConstantKernel()
    level.constant = torch.tensor(1.0)
    level.raw_constant.requires_grad_(False)
    physics = _linear(columns, devices, hyperparameters.PHYSICS_SCALE)
    return physics + _linear(columns + devices, functions, hyperparameters.POLYNOMIAL_SCALE, freedom) + residual + level


def _linear(first: int, count: int, scale: LogNormal, freedom: float = 1.0) -> ScaleKernel:
    inner = _InnerProduct(active_dims=tuple(range(first, first + count)))
    kernel = ScaleKernel(inner, outputscale_prior=_prior_of_variance(scale, freedom))
    kernel.outputscale = scale.median**2 * freedom
    return kernel


def _prior_of_variance(sd: LogNormal, factor: float = 1.0) -> LogNormalPrior:
    return LogNormalPrior(2 * math.log(sd.median) + math.log(factor), 2 * sd.sd)
