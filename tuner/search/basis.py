"""What the imagined devices may miss: slopes, curvatures and interactions of any sign, by parameter."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from tuner.configuration import ParameterKind
from tuner.search.encoding import Encoding

SLOPE_SD = 0.30
CURVATURE_SD = 0.25
INTERACTION_SD = 0.10
"""Standard deviations of the derivatives of log output by log value; categories have a slope alone."""


class Basis:
    """Basis functions of a polynomial in logarithms, each times the standard deviation of its coefficient.

    Logarithms count from the largest choice. A Bayesian linear model is a Gaussian process whose kernel is the inner
    product of such functions (Rasmussen and Williams, *Gaussian Processes for Machine Learning*, section 2.1).
    """

    def __init__(self, encoding: Encoding) -> None:
        """Derives the functions from the columns of an encoding."""
        columns = encoding.columns
        is_number = [column.kind is not ParameterKind.CATEGORY for column in columns]
        self._numbers = [place for place, holds in enumerate(is_number) if holds]
        self._pairs = list(combinations(self._numbers, 2))
        self._origin = torch.tensor(is_number, dtype=torch.float64)
        self._span = torch.tensor([column.log_span for column in columns], dtype=torch.float64)

    def __call__(self, features: Tensor) -> Tensor:
        """Evaluates all functions (``n x functions``, for features ``n x d``)."""
        logs = (features - self._origin) * self._span
        numbers = logs[:, self._numbers]
        products = logs[:, [first for first, _ in self._pairs]] * logs[:, [second for _, second in self._pairs]]
        return torch.cat([SLOPE_SD * logs, CURVATURE_SD * numbers.square() / 2, INTERACTION_SD * products], dim=1)
