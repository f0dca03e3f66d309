"""A new device from a few of its runs, and a device that is known.

Hardware does the same things at other prices. So each coefficient of the known device is multiplied by a factor of its
own, whose logarithm lies around one that all share::

    min over d, g of  sum_i (log E_i - log sum_k exp(d_k) w_k x_ik)^2 / s^2 + sum_k (d_k - g)^2 / t^2 + g^2 / u^2

What that leaves over is smoothed like the known device's own (see
:mod:`tuner.energy_model.operations.device_model`), with the hyper-parameters that were learned there: a few runs cannot
teach them. The three widths are stated, not fitted: there is one pair of devices to fit them to.

Which runs to measure is chosen before any is, from shapes alone: one after the other, that which most lowers the mean
variance of all predictions (Cohn et al., "Active learning with statistical models", JAIR 4, 1996, section 3), with the
form above taken as linear in ``d``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares

from tuner.energy_model.operations.demand import Demand
from tuner.energy_model.operations.device_model import Array, DeviceModel, LinearModel, spending

_ERROR = 0.15
"""``s``: what the sum alone is off by."""

_PRICE_SPREAD = 0.7
"""``t``: one price may well change twice as much as another."""

_DEVICE_SPREAD = 2.0
"""``u``: a device may well take a seventh of another's joules, or seven times as many."""


def transfer(known: DeviceModel, demands: Sequence[Demand], energies_j: Array) -> TransferredModel:
    """Returns the model of a new device.

    Args:
        known: A device that is known.
        demands: What some runs demand.
        energies_j: What each took on the new device, in J.
    """
    linear = _reprice(known.linear, demands, energies_j)
    return TransferredModel(linear, known, demands, energies_j)


class TransferredModel:
    """A device's joules, from another device's prices and a few runs."""

    def __init__(self, linear: LinearModel, known: DeviceModel, demands: Sequence[Demand], energies_j: Array) -> None:
        """Takes the new prices, and smooths what they leave over."""
        self.linear = linear
        self._known = known
        self._seen = self._spending(demands)
        self._kernel = known.process.kernel_.k1
        covariance = known.process.kernel_(self._seen)
        self._weights = np.linalg.solve(covariance, np.log(energies_j / linear.predict(demands)))

    def predict(self, demands: Sequence[Demand]) -> Array:
        """Returns the joules of each run."""
        left_over = self._kernel(self._spending(demands), self._seen) @ self._weights
        return np.asarray(self.linear.predict(demands) * np.exp(left_over))

    def _spending(self, demands: Sequence[Demand]) -> Array:
        """How the known device would spend: there the hyper-parameters were learned."""
        return spending(self._known.linear.parts_j(demands))


def choose_runs(known: DeviceModel, demands: Sequence[Demand], count: int) -> list[int]:
    """Returns which runs to measure on a new device, in order; nothing of it has to be known.

    Args:
        known: A device that is known.
        demands: The runs to choose from, and to predict.
        count: How many to choose.
    """
    parts_j = known.linear.parts_j(demands)
    shares = parts_j / parts_j.sum(axis=1, keepdims=True)
    terms = shares.shape[1]
    covariance = _PRICE_SPREAD**2 * np.eye(terms) + _DEVICE_SPREAD**2 * np.ones((terms, terms))
    chosen: list[int] = []
    for _ in range(min(count, len(demands))):
        directions = shares @ covariance
        variances = np.einsum("ij,ij->i", directions, shares) + _ERROR**2
        gains = np.square(directions @ shares.T).mean(axis=1) / variances
        gains[chosen] = -np.inf
        best = int(np.argmax(gains))
        chosen.append(best)
        covariance = covariance - np.outer(directions[best], directions[best]) / variances[best]
    return chosen


def _reprice(known: LinearModel, demands: Sequence[Demand], energies_j: Array) -> LinearModel:
    parts_j = known.parts_j(demands)
    terms = parts_j.shape[1]
    logarithms = np.log(energies_j)

    def residuals(unknowns: Array) -> Array:
        factors, common = unknowns[:terms], unknowns[terms]
        errors = (np.log(parts_j @ np.exp(factors)) - logarithms) / _ERROR
        return np.concatenate([errors, (factors - common) / _PRICE_SPREAD, [common / _DEVICE_SPREAD]])

    found = least_squares(residuals, np.zeros(terms + 1)).x
    return LinearModel(known.terms, known.coefficients_j * np.exp(found[:terms]))
