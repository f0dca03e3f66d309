"""What a formula leaves over, smoothed over sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

Array = Any
"""A ``numpy`` array of floats."""

_LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Distances, in doublings of a size, over which residuals resemble each other."""

_NOISES = (1e-3, 1e-2, 1e-1, 1.0)
"""Variances of noise, relative to that of the residuals."""

_LEAST_POINTS = 4


@dataclass(frozen=True)
class SmoothResiduals:
    """What a formula leaves over, as a smooth function of sizes: Gaussian-process regression.

    Rasmussen and Williams, *Gaussian Processes for Machine Learning* (2006), equations 2.25 and 2.26, with a squared
    exponential kernel. Length and noise are those of the least leave-one-out error (section 5.4.2).

    Attributes:
        points: Where residuals are known, a row each.
        weights: Weight of each of them in the mean.
        length: Distance over which residuals resemble each other.
        noise: Variance of the noise relative to that of the residuals.
        spread: Standard deviation of the residuals.
    """

    points: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    length: float
    noise: float
    spread: float

    @classmethod
    def fit(cls, points: Array, residuals: Array) -> SmoothResiduals | None:
        """Fits residuals; None if there are too few, or nothing is left over.

        Args:
            points: A row of logarithms of sizes for each residual.
            residuals: Logarithms of measured over predicted.
        """
        spread = float(np.sqrt(np.mean(residuals**2)))
        if len(residuals) < _LEAST_POINTS or spread < np.finfo(float).eps:
            return None
        distances = _squared_distances(points, points)
        length, noise = min(product(_LENGTHS, _NOISES), key=lambda pair: _left_out_error(distances, residuals, *pair))
        weights = np.linalg.solve(_covariance(distances, length, noise), residuals)
        rows = tuple(tuple(map(float, row)) for row in points)
        return cls(rows, tuple(map(float, weights)), length, noise, spread)

    def at(self, point: Sequence[float]) -> float:
        """Returns the residual to expect at a point: none far from all that was measured."""
        distances = _squared_distances(np.array([point]), np.array(self.points))[0]
        return float(np.exp(-distances / (2 * self.length**2)) @ np.array(self.weights))


def _covariance(distances: Array, length: float, noise: float) -> Array:
    return np.exp(-distances / (2 * length**2)) + noise * np.eye(len(distances))


def _left_out_error(distances: Array, residuals: Array, length: float, noise: float) -> float:
    """Mean squared error at each point when it is predicted from the others (equation 5.12)."""
    inverse = np.linalg.inv(_covariance(distances, length, noise))
    return float(np.mean((inverse @ residuals / np.diag(inverse)) ** 2))


def _squared_distances(some: Array, others: Array) -> Array:
    return ((some[:, None, :] - others[None, :, :]) ** 2).sum(axis=2)
