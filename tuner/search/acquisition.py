"""What measuring a candidate is worth: constrained expected improvement, in logarithms, over the finite grid.

Expected constrained improvement is ``P(SLO holds) x EI(energy)`` (Gardner et al., *Bayesian Optimization with
Inequality Constraints*, ICML 2014). Its logarithm keeps an order among candidates whose value would underflow (Ament
et al., *Unexpected Improvements to Expected Improvement*, NeurIPS 2023). Energy is modelled as a logarithm, so the
improvement is relative: one per cent counts the same for a small and a large network.
"""

from __future__ import annotations

import math

import torch

# The one numerically safe log(phi(u) + u * Phi(u)); BoTorch's own acquisition functions wrap models, not distributions.
from botorch.acquisition.analytic import _log_ei_helper
from botorch.utils.probability.utils import log_ndtr, ndtr
from torch import Tensor

from tuner.search.surrogate import Prediction


def log_feasibility(prediction: Prediction, bound_s: float) -> Tensor:
    """Returns the logarithm of the probability that the latency is within its bound, ``n``."""
    return log_ndtr((math.log(bound_s) - prediction.latency_mean) / prediction.latency_sd)


def log_constrained_improvement(prediction: Prediction, bound_s: float, incumbent_j: float | None) -> Tensor:
    """Returns the logarithm of the expected constrained improvement, ``n``.

    Args:
        prediction: What is expected of the candidates.
        bound_s: The SLO's bound on latency.
        incumbent_j: Energy per request of the best feasible trial. While nothing is feasible (None), the value is
            the probability of feasibility alone.
    """
    feasibility = log_feasibility(prediction, bound_s)
    if incumbent_j is None:
        return feasibility
    margin = (math.log(incumbent_j) - prediction.energy_mean) / prediction.energy_sd
    log_improvement: Tensor = _log_ei_helper(margin) + torch.log(prediction.energy_sd)
    return feasibility + log_improvement


def gain_probability(prediction: Prediction, bound_s: float, incumbent_j: float | None, gain: float) -> Tensor:
    """Returns the probability that a candidate holds the SLO and saves more than a share of the energy, ``n``.

    Args:
        prediction: What is expected of the candidates.
        bound_s: The SLO's bound on latency.
        incumbent_j: Energy per request of the best feasible trial; None if the SLO alone is to be held.
        gain: The share to be saved, 0.02 for 2 %.
    """
    feasibility = log_feasibility(prediction, bound_s).exp()
    if incumbent_j is None:
        return feasibility
    threshold = math.log(incumbent_j * (1 - gain))
    probability: Tensor = feasibility * ndtr((threshold - prediction.energy_mean) / prediction.energy_sd)
    return probability
