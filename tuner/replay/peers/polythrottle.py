"""PolyThrottle's search: constrained Bayesian optimization on normalised knobs.

Yan, Wang and Venkataraman (arXiv 2310.19991) choose the configuration with the highest expected constrained
improvement ``P(latency holds) x EI(energy)`` (Gardner et al., ICML 2014). They publish neither code nor
hyper-parameters; what is open is filled in to its advantage: Matérn-5/2 with one lengthscale a knob, log energy and
log latency standardised, the acquisition evaluated over every untried configuration and not rounded to one.
"""

from __future__ import annotations

from typing import ClassVar

from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.analytic import LogConstrainedExpectedImprovement, LogProbabilityOfFeasibility
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.utils.gpytorch_modules import (
    get_gaussian_likelihood_with_gamma_prior,
    get_matern_kernel_with_gamma_prior,
)
from torch import Tensor

from tuner.replay.peers.gaussian_process import ENERGY, LATENCY, GaussianProcessProposer
from tuner.replay.peers.pool import by_value
from tuner.search.contract import SearchTask

_HOLDS = {LATENCY: (None, 0.0)}


class PolyThrottleProposer(GaussianProcessProposer):
    """Proposes by expected constrained improvement, after five initial points."""

    initial_points: ClassVar[int] = 5

    def __init__(self, task: SearchTask) -> None:
        """Lists the space, each knob normalised to 0..1."""
        super().__init__(task, by_value)

    def output_model(self, inputs: Tensor, output: Tensor) -> SingleTaskGP:
        """Returns a Matérn-5/2 process with the priors that BoTorch had for it."""
        return SingleTaskGP(
            inputs,
            output,
            covar_module=get_matern_kernel_with_gamma_prior(ard_num_dims=inputs.shape[-1]),
            likelihood=get_gaussian_likelihood_with_gamma_prior(),
        )

    def acquisition(self, model: ModelListGP, inputs: Tensor, outputs: Tensor, seed: int) -> AcquisitionFunction:  # noqa: ARG002
        """Returns expected constrained improvement; while nothing is feasible, the probability of feasibility."""
        feasible_energies = outputs[outputs[:, LATENCY] <= 0.0, ENERGY]
        if not len(feasible_energies):
            return LogProbabilityOfFeasibility(model, constraints=_HOLDS)
        return LogConstrainedExpectedImprovement(
            model, best_f=feasible_energies.min(), objective_index=ENERGY, constraints=_HOLDS, maximize=False
        )
