"""Joules of one device from what runs demand of it.

Two parts. A sum with coefficients that cannot be negative, fitted to relative errors (so that small runs count as much
as large ones)::

    min over w >= 0 of  sum_i (w . x_i / E_i - 1)^2

and what this form leaves over, the logarithm of measured over predicted, as a Gaussian process (Rasmussen and Williams,
*Gaussian Processes for Machine Learning*, 2006, chapter 2). The process sees which share of the joules each term has
(as square roots, between which distances are those of Hellinger) and how large the run is: runs that spend alike err
alike. Its hyper-parameters maximise the marginal likelihood of the runs that it is fitted to.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from tuner.energy_model.operations.demand import Demand
from tuner.energy_model.relative_fit import relative_fit
from tuner.errors import BadInputError

Array = np.ndarray[Any, np.dtype[np.float64]]

_SMOOTHNESS = 1.5
_TYPICAL_VARIANCE, _TYPICAL_NOISE, _TYPICAL_LENGTH = 0.05, 0.01, 0.5
"""Where the search for hyper-parameters starts."""

_NEPERS_A_UNIT = 4.0
"""How much the logarithm of energy has to differ to count like shares that have nothing in common."""

_LEAST_J = 1e-9
"""Less than any run takes: one of which no term has a price lies far from all others, so that its interval is wide."""

_LEAST_RUNS = 3


@dataclass(frozen=True)
class Prediction:
    """Joules of runs.

    Attributes:
        energy_j: Expected joules.
        relative_error: Standard deviation of their logarithm.
    """

    energy_j: Array
    relative_error: Array

    def interval_j(self, deviations: float) -> tuple[Array, Array]:
        """Returns the ends of the interval of so many standard deviations to each side."""
        factor = np.exp(deviations * self.relative_error)
        return self.energy_j / factor, self.energy_j * factor


class LinearModel:
    """The sum with coefficients that cannot be negative."""

    def __init__(self, terms: Sequence[str], coefficients_j: Array) -> None:
        """Takes the coefficients as they are.

        Args:
            terms: Names of the terms.
            coefficients_j: Joules for one unit of each.
        """
        self.terms = tuple(terms)
        self.coefficients_j = coefficients_j

    @classmethod
    def fit(cls, demands: Sequence[Demand], energies_j: Array) -> LinearModel:
        """Fits coefficients by relative least squares.

        Args:
            demands: What each run demanded.
            energies_j: What each took, in J, above zero.

        Raises:
            BadInputError: There are too few runs.
        """
        if len(demands) < _LEAST_RUNS:
            raise BadInputError(f"{len(demands)} runs cannot be fitted: measure at least {_LEAST_RUNS}.")
        terms = tuple(sorted({term for demand in demands for term in demand}))
        amounts = amounts_of(demands, terms)
        return cls(terms, relative_fit(amounts, energies_j, energies_j))

    def parts_j(self, demands: Sequence[Demand]) -> Array:
        """Returns the joules of each term, of shape (runs, terms). A term that the fit never saw counts nothing."""
        return amounts_of(demands, self.terms) * self.coefficients_j

    def predict(self, demands: Sequence[Demand]) -> Array:
        """Returns the joules of each run."""
        return np.asarray(self.parts_j(demands).sum(axis=1))


class DeviceModel:
    """A device's joules: the sum, and what it leaves over."""

    def __init__(self, linear: LinearModel, process: GaussianProcessRegressor) -> None:
        """Takes both parts, fitted."""
        self.linear = linear
        self.process = process

    @classmethod
    def fit(cls, demands: Sequence[Demand], energies_j: Array) -> DeviceModel:
        """Fits both parts to measured runs.

        Args:
            demands: What each run demanded.
            energies_j: What each took, in J, above zero.

        Raises:
            BadInputError: There are too few runs.
        """
        linear = LinearModel.fit(demands, energies_j)
        parts_j = linear.parts_j(demands)
        kernel = ConstantKernel(_TYPICAL_VARIANCE) * Matern(_TYPICAL_LENGTH, nu=_SMOOTHNESS) + WhiteKernel(
            _TYPICAL_NOISE
        )
        process = GaussianProcessRegressor(kernel, random_state=0)
        with warnings.catch_warnings():
            # A hyper-parameter at the end of its range is a fact about the data, not a failure.
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(spending(parts_j), np.log(energies_j / parts_j.sum(axis=1)))
        return cls(linear, process)

    def predict(self, demands: Sequence[Demand]) -> Prediction:
        """Returns the joules of runs, with their uncertainty."""
        parts_j = self.linear.parts_j(demands)
        mean, deviation = self.process.predict(spending(parts_j), return_std=True)
        return Prediction(parts_j.sum(axis=1) * np.exp(mean), deviation)


def amounts_of(demands: Sequence[Demand], terms: Sequence[str]) -> Array:
    """Returns demands as an array of shape (runs, terms)."""
    return np.array([[demand.get(term, 0.0) for term in terms] for demand in demands], dtype=float)


def spending(parts_j: Array) -> Array:
    """Returns what the process sees of runs: roots of the terms' shares, and the scaled logarithm of the joules.

    Args:
        parts_j: Joules of each term, of shape (runs, terms).
    """
    totals_j = np.maximum(parts_j.sum(axis=1, keepdims=True), _LEAST_J)
    return np.hstack([np.sqrt(parts_j / totals_j), np.log(totals_j) / _NEPERS_A_UNIT])
