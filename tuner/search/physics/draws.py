"""Quasi-random draws: a few hundred of them cover a prior evenly, and always the same way."""

from __future__ import annotations

import math

import torch
from scipy.special import gammaincinv
from torch import Tensor
from torch.quasirandom import SobolEngine

_MARGIN = 1e-6
"""Keeps quantile functions finite."""


class Draws:
    """As many values of each random quantity, one coordinate of a scrambled Sobol sequence for each quantity."""

    def __init__(self, count: int, quantities: int, seed: int = 0) -> None:
        """Prepares the sequence.

        Args:
            count: Values of each quantity.
            quantities: The most quantities that will be drawn.
            seed: Of the scrambling.
        """
        engine = SobolEngine(quantities, scramble=True, seed=seed)
        self._columns = iter(engine.draw(count, dtype=torch.float64).clamp(_MARGIN, 1 - _MARGIN).unbind(1))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draws evenly from an interval (``count``)."""
        return low + (high - low) * next(self._columns)

    def normal(self, mean: float, sd: float) -> Tensor:
        """Draws from a normal distribution (``count``)."""
        return mean + sd * math.sqrt(2.0) * torch.erfinv(2.0 * next(self._columns) - 1.0)

    def log_uniform(self, low: float, high: float) -> Tensor:
        """Draws such that every octave is as likely as any other (``count``)."""
        return self.uniform(math.log(low), math.log(high)).exp()

    def log_normal(self, median: float, sd: float) -> Tensor:
        """Draws by a median and the standard deviation of the logarithm (``count``)."""
        return self.normal(math.log(median), sd).exp()

    def logit_normal(self, median: float, sd: float) -> Tensor:
        """Draws a share by its median and the standard deviation of its logit (``count``)."""
        return torch.sigmoid(self.normal(math.log(median / (1 - median)), sd))

    def shares(self, concentrations: list[float]) -> list[Tensor]:
        """Draws shares that add up to one from a Dirichlet distribution, one tensor (``count``) for each."""
        weights = [
            torch.from_numpy(gammaincinv(concentration, next(self._columns).numpy())).clamp_min(1e-9)
            for concentration in concentrations
        ]
        total = torch.stack(weights).sum(0)
        return [weight / total for weight in weights]
