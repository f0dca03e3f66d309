"""The surrogate: a Gaussian process whose prior already knows what a clock, a batch and a cap do.

Three outputs are modelled as natural logarithms: latency at the SLO's percentile, seconds per request, and mean power.
Energy per request is the product of the last two. Each of the three is monotone or nearly so in every knob, and a
short polynomial in logarithms describes it; their product, the energy, has the interior minimum in the clock that
makes it hard to model directly.

Each output is ``polynomial + residual``. The polynomial has a slope and a curvature for every number, one offset for
every category, and an interaction for every pair; its coefficients have normal priors by kind of parameter
(:mod:`tuner.search.priors`) and are integrated out exactly, as a Bayesian linear model is a Gaussian process whose
kernel is the inner product of its basis functions (Rasmussen and Williams, *Gaussian Processes for Machine Learning*,
sections 2.1 and 2.7). The residual is a Matérn-5/2 process with one lengthscale for every column; its hyper-parameters
are estimated by maximum a posteriori. The noise of each trial follows from its measurement's own interval.

Trials of an earlier study enter through basis functions of their own: an offset and a change of every slope, which
are zero for this study's trials. So the earlier trials say what is common and the first own trials say what differs.

What each part is worth, as mean trials to within 5 % of the optimum on published tables (``wattune bench replay``; 8
tasks of inference / 30 of stress): everything 4.6 / 7.5; energy as one output 4.8 / 8.0; no interactions 5.0 / 8.7; no
residual 5.8 / 8.2; no curvature 6.4 / 9.1; priors as wide but centred on zero 6.8 / 9.0; random search 31.0 / 26.9. The
constants were chosen with these tables in sight, all tables alike, so the figures are no held-out estimate.
"""

from __future__ import annotations

import logging
import math
import warnings
from dataclasses import dataclass

import torch
from botorch.exceptions.errors import ModelFittingError
from botorch.exceptions.warnings import BotorchWarning
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.utils.sampling import manual_seed
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel, MaternKernel, ScaleKernel
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood
from gpytorch.means import Mean
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from tuner.search import priors
from tuner.search.basis import Basis
from tuner.search.evidence import Evidence, Output

_logger = logging.getLogger(__name__)

_MAX_FIT_STEPS = 40
_MIN_TRIALS_TO_FIT = 4


@dataclass(frozen=True)
class Prediction:
    """Normal distributions of logarithms, one a candidate.

    Attributes:
        latency_mean: Mean of log latency at the SLO's percentile, ``n``.
        latency_sd: Its standard deviation, ``n``.
        energy_mean: Mean of log energy per request, ``n``.
        energy_sd: Its standard deviation, ``n``.
    """

    latency_mean: Tensor
    latency_sd: Tensor
    energy_mean: Tensor
    energy_sd: Tensor


class _PolynomialMean(Mean):  # type: ignore[misc]  # GPyTorch is not typed
    """The polynomial at the prior means of its coefficients."""

    def __init__(self, basis: Basis) -> None:
        super().__init__()
        self._basis = basis

    def forward(self, x: Tensor) -> Tensor:
        return (self._basis(x) * self._basis.means.unsqueeze(-2)).sum(-1)


class _PolynomialKernel(Kernel):  # type: ignore[misc]  # GPyTorch is not typed
    """What the coefficients' prior variances make two configurations have in common."""

    def __init__(self, basis: Basis) -> None:
        super().__init__(batch_shape=torch.Size([len(Output)]))
        self._basis = basis

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: object) -> Tensor:
        left = self._basis(x1) * self._basis.variances.unsqueeze(-2)
        right = self._basis(x2)
        return (left * right).sum(-1) if diag else left @ right.transpose(-1, -2)


class Surrogate:
    """Predicts latency and energy of untried configurations from the trials so far."""

    def __init__(self, basis: Basis, evidence: Evidence) -> None:
        """Fits the hyper-parameters to the evidence, which must not be empty."""
        inputs = torch.cat([evidence.features, evidence.is_earlier.unsqueeze(1).to(torch.float64)], dim=1)
        self._level = evidence.outputs[0] - (basis(inputs[:1]) @ basis.means.transpose(0, 1))[0]
        self._model = _model(basis, inputs, evidence.outputs - self._level, evidence.variances)
        if len(evidence) >= _MIN_TRIALS_TO_FIT:
            _fit(self._model)
        self._condition()

    def _condition(self) -> None:
        """Prepares predictions: Cholesky factor and weights (Rasmussen and Williams, algorithm 2.1)."""
        with torch.no_grad():
            model = self._model
            model.eval()
            self._inputs = model.train_inputs[0]
            noise = model.likelihood.noise
            covariance = model.covar_module(self._inputs).to_dense() + torch.diag_embed(noise)
            self._factor = torch.linalg.cholesky(covariance)
            misfit = (model.train_targets - model.mean_module(self._inputs)).unsqueeze(-1)
            self._weights = torch.cholesky_solve(misfit, self._factor)

    def predict(self, features: Tensor) -> Prediction:
        """Returns what is expected of candidates.

        Args:
            features: Encoded candidates, ``n x d``; their number bounds the memory needed.
        """
        with torch.no_grad():
            inputs = torch.cat([features, features.new_zeros(len(features), 1)], dim=1)
            inputs = inputs.expand(len(Output), *inputs.shape)
            model = self._model
            common = model.covar_module(self._inputs, inputs).to_dense()
            mean = model.mean_module(inputs) + (common * self._weights).sum(-2) + self._level.unsqueeze(-1)
            explained = torch.linalg.solve_triangular(self._factor, common, upper=False).square().sum(-2)
            variance = (model.covar_module(inputs, diag=True) - explained).clamp_min(1e-10)
            energy_parts = [Output.SECONDS_PER_REQUEST, Output.POWER]
            return Prediction(
                latency_mean=mean[Output.LATENCY],
                latency_sd=variance[Output.LATENCY].sqrt(),
                energy_mean=mean[energy_parts].sum(0),
                energy_sd=variance[energy_parts].sum(0).sqrt(),
            )


def _model(basis: Basis, inputs: Tensor, outputs: Tensor, variances: Tensor) -> SingleTaskGP:
    batch = torch.Size([len(Output)])
    columns = inputs.shape[-1] - 1
    residual = ScaleKernel(
        MaternKernel(
            nu=2.5,
            ard_num_dims=columns,
            active_dims=tuple(range(columns)),
            batch_shape=batch,
            lengthscale_prior=LogNormalPrior(math.log(priors.LENGTHSCALE.mean), priors.LENGTHSCALE.sd),
            lengthscale_constraint=GreaterThan(0.05, initial_value=priors.LENGTHSCALE.mean),
        ),
        batch_shape=batch,
        outputscale_prior=LogNormalPrior(2 * math.log(priors.RESIDUAL_SD.mean), 2 * priors.RESIDUAL_SD.sd),
        outputscale_constraint=GreaterThan(1e-6, initial_value=priors.RESIDUAL_SD.mean**2),
    )
    return SingleTaskGP(
        inputs,
        outputs,
        train_Yvar=variances,
        likelihood=FixedNoiseGaussianLikelihood(noise=variances.transpose(0, 1), batch_shape=batch),
        covar_module=_PolynomialKernel(basis) + residual,
        mean_module=_PolynomialMean(basis),
        outcome_transform=None,
    ).to(torch.float64)


def _fit(model: SingleTaskGP) -> None:
    """Maximises the posterior of the hyper-parameters; where that fails, their prior medians serve.

    BoTorch starts again from samples of the priors when the optimiser fails: the seed makes those repeatable.
    """
    likelihood = ExactMarginalLogLikelihood(model.likelihood, model)
    with warnings.catch_warnings(), manual_seed(0):
        warnings.simplefilter("ignore", BotorchWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            fit_gpytorch_mll(likelihood, optimizer_kwargs={"options": {"maxiter": _MAX_FIT_STEPS}})
        except ModelFittingError as error:
            _logger.info("The hyper-parameters stay at their prior medians: %s", error)
