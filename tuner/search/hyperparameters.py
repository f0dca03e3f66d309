"""What the kernel leaves open: how far physics, polynomial and residual reach, and how noisy trials are.

Few trials cannot tell such numbers, and one best fit of them would be trusted too much. So they are integrated out:
points are drawn from their prior, weighed by how well they explain the trials (the marginal likelihood), drawn again
around where the weight lies, and weighed by importance (Cappé et al., *Population Monte Carlo*, 2004). The points are
quasi-random and always the same, so that equal trials give equal proposals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor


@dataclass(frozen=True)
class LogNormal:
    """A distribution of positive numbers: its median and the standard deviation of the logarithm."""

    median: float
    sd: float


PHYSICS_SCALE = LogNormal(1.3, 0.5)
"""How much more or less devices vary than the imagined ones."""

POLYNOMIAL_SCALE = LogNormal(0.15, 1.0)
"""How much of the polynomial's freedom is needed beyond physics."""

RESIDUAL_SD = LogNormal(0.12, 1.0)
"""What physics and polynomial miss, as a factor."""

LENGTHSCALE = LogNormal(0.7, 0.6)
"""Over which part of a parameter's range the residual changes, one for each column: a knob that does nothing has a long
one."""

NOISE_SD = LogNormal(0.01, 0.7)
"""What two trials of one configuration differ by beyond their own intervals (temperature, load)."""

DIFFERENCE_SCALE = LogNormal(0.8, 1.2)
"""How much of what devices may do at all an earlier study differs by."""

_POINTS, _KEPT = 96, 8
_FEWER_POINTS, _FEWER_KEPT = 24, 4
_MANY_TRIALS = 60
"""So many trials tell hyper-parameters well enough that fewer points will do."""

_ROUNDS = 2
_SMALLEST_SPREAD = 0.2


@dataclass(frozen=True)
class Scales:
    """Hyper-parameters as numbers, for any leading shape ``...``.

    Attributes:
        lengthscales: Of the residual, ``... x d``.
        residual: Its variance.
        noise: Variance of the noise.
        physics: Factor of the physics' covariance.
        polynomial: Factor of the polynomial's covariance.
        difference: Factor of the covariance of the difference to an earlier study.
    """

    lengthscales: Tensor
    residual: Tensor
    noise: Tensor
    physics: Tensor
    polynomial: Tensor
    difference: Tensor


def dimensions(columns: int) -> int:
    """Returns how many hyper-parameters a space with so many columns has."""
    return columns + 5


def scales(points: Tensor) -> Scales:
    """Returns the hyper-parameters that standard normal points (``... x dimensions``) stand for."""
    *others, difference = (PHYSICS_SCALE, POLYNOMIAL_SCALE, RESIDUAL_SD, NOISE_SD, DIFFERENCE_SCALE)
    columns = points.shape[-1] - len(others) - 1
    physics, polynomial, residual, noise, differing = (
        _variance(one, points[..., columns + place]) for place, one in enumerate((*others, difference))
    )
    lengthscales = LENGTHSCALE.median * (LENGTHSCALE.sd * points[..., :columns]).exp()
    return Scales(lengthscales, residual, noise, physics, polynomial, differing)


def _variance(distribution: LogNormal, points: Tensor) -> Tensor:
    return torch.exp(2 * (math.log(distribution.median) + distribution.sd * points))


@dataclass(frozen=True)
class Weighted:
    """The points that carry most of the weight, by output.

    Attributes:
        points: ``outputs x kept x dimensions``.
        weights: ``outputs x kept``, adding up to one.
    """

    points: Tensor
    weights: Tensor


def integrate(log_likelihood: Callable[[Tensor], Tensor], outputs: int, columns: int, trials: int) -> Weighted:
    """Finds the points that carry most of the posterior weight.

    Args:
        log_likelihood: From points (``outputs x points x dimensions``) to log marginal likelihoods
            (``outputs x points``).
        outputs: How many outputs, each with hyper-parameters of its own.
        columns: Of the space's encoding.
        trials: How many trials there are.
    """
    count, kept_count = (_POINTS, _KEPT) if trials <= _MANY_TRIALS else (_FEWER_POINTS, _FEWER_KEPT)
    standard = _standard_points(dimensions(columns), count).expand(outputs, -1, -1)
    points, log_importance = standard, torch.zeros(outputs, count, dtype=torch.float64)
    for _ in range(_ROUNDS):
        weights = torch.softmax(log_likelihood(points) + log_importance, dim=1)
        points, log_importance = _redrawn(standard, points, weights)
    log_weights = log_likelihood(points) + log_importance
    best = log_weights.topk(kept_count, dim=1)
    kept = torch.gather(points, 1, best.indices.unsqueeze(-1).expand(-1, -1, points.shape[-1]))
    return Weighted(kept, torch.softmax(best.values, dim=1))


def _redrawn(standard: Tensor, points: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Draws points from a normal distribution that covers the weight.

    Returns:
        The points, and the logarithm of prior over density up to a constant of each output.
    """
    heavy = weights.unsqueeze(-1)
    mean = (heavy * points).sum(1, keepdim=True)
    spread = ((heavy * (points - mean).square()).sum(1, keepdim=True) + _SMALLEST_SPREAD**2).sqrt()
    drawn = mean + spread * standard
    return drawn, (standard.square() - drawn.square()).sum(-1) / 2


@lru_cache(maxsize=8)
def _standard_points(dimension: int, count: int) -> Tensor:
    """Returns points of a standard normal distribution, its mean among them (``points x dimension``)."""
    points = draw_sobol_normal_samples(dimension, count, seed=0).to(torch.float64)
    points[0] = 0.0
    return points
