"""What measuring a candidate is worth, in logarithms, over the finite grid.

Expected constrained improvement is ``P(SLO holds) x EI(energy)`` (Gardner et al., *Bayesian Optimization with
Inequality Constraints*, ICML 2014). Its logarithm keeps an order among candidates whose value would underflow (Ament
et al., *Unexpected Improvements to Expected Improvement*, NeurIPS 2023). Energy is modelled as a logarithm, so the
improvement is relative: one per cent counts the same for a small and a large network.

That latency and energy go together is left out here: averaging the improvement over the latencies that hold the SLO
made steps bolder, and broke the SLO twice as often without finding the optimum sooner.
"""

from __future__ import annotations

import math

import torch

# The one numerically safe log(phi(u) + u * Phi(u)); BoTorch's own acquisition functions wrap models, not distributions.
from botorch.acquisition.analytic import _log_ei_helper
from botorch.utils.probability.utils import log_ndtr
from torch import Tensor

from tuner.objective import Slo
from tuner.search.surrogate import Prediction


def log_feasibility(prediction: Prediction, slos: tuple[Slo, ...]) -> Tensor:
    """Returns the logarithm of the probability that every SLO holds, ``n``.

    SLOs are taken for independent, which is cautious: mostly, one configuration breaks all of them.
    """
    bounds = torch.tensor([math.log(slo.bound_s) for slo in slos], dtype=torch.float64).unsqueeze(1)
    each: Tensor = log_ndtr((bounds - prediction.latency_means) / prediction.latency_sds)
    return each.sum(0)


def log_improvement(prediction: Prediction, log_incumbent_j: Tensor | float) -> Tensor:
    """Returns the logarithm of the expected relative improvement of energy, ``n``.

    Args:
        prediction: What is expected of the candidates.
        log_incumbent_j: Logarithm of the energy per request to be improved on; one for all, or ``n``.
    """
    margin = (log_incumbent_j - prediction.energy_mean) / prediction.energy_sd
    improvement: Tensor = _log_ei_helper(margin) + torch.log(prediction.energy_sd)
    return improvement
