"""The basis functions of the surrogate's polynomial, with the prior of each one's coefficient."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from tuner.configuration import ParameterKind
from tuner.search import priors
from tuner.search.encoding import Encoding
from tuner.search.evidence import Output

_LEVEL_SD = 1.0
"""How far the level at the top of every range may lie from what the first trial and the prior slopes suggest."""

_SHIFT_SD = 1.0
"""By which factor (as a logarithm) an earlier study's model differs as a whole."""

_SLOPE_SHIFT_SD = 0.08
"""By how much its slopes differ."""


class Basis:
    """Level, slopes, curvatures, interactions, and the difference to an earlier study.

    Slopes count from the largest choice (``z = 0`` there), in natural logarithms.

    Attributes:
        means: Prior means of the coefficients, ``outputs x functions``.
        variances: Prior variances, ``outputs x functions``.
    """

    def __init__(self, encoding: Encoding) -> None:
        """Derives functions and priors from the columns of an encoding."""
        columns = encoding.columns
        self._numbers = [place for place, column in enumerate(columns) if column.kind is not ParameterKind.CATEGORY]
        self._pairs = list(combinations(self._numbers, 2))
        self._origin = torch.tensor(
            [float(place in self._numbers) for place in range(len(columns))], dtype=torch.float64
        )
        self._span = torch.tensor([column.log_span for column in columns], dtype=torch.float64)
        coefficients = [[_coefficients(output, encoding, self._numbers, len(self._pairs))] for output in Output]
        table = torch.tensor(coefficients, dtype=torch.float64).squeeze(1)
        self.means = table[..., 0]
        self.variances = table[..., 1].square()

    def __call__(self, inputs: Tensor) -> Tensor:
        """Evaluates the functions.

        Args:
            inputs: Encoded configurations and, last, whether they stem from an earlier study, ``... x n x (d + 1)``.

        Returns:
            Tensor ``... x n x functions``.
        """
        is_earlier = inputs[..., -1:]
        z = (inputs[..., :-1] - self._origin) * self._span
        numbers = z[..., self._numbers]
        first = z[..., [pair[0] for pair in self._pairs]]
        second = z[..., [pair[1] for pair in self._pairs]]
        parts = [torch.ones_like(is_earlier), z, numbers.square() / 2, first * second, is_earlier, is_earlier * z]
        return torch.cat(parts, dim=-1)

    def prior_latency(self, features: Tensor) -> Tensor:
        """Returns the log latency that the prior alone expects, up to a constant (``n``, for features ``n x d``)."""
        inputs = torch.cat([features, features.new_zeros(len(features), 1)], dim=1)
        return self(inputs) @ self.means[Output.LATENCY]


def _coefficients(output: Output, encoding: Encoding, numbers: list[int], pairs: int) -> list[tuple[float, float]]:
    """Returns mean and standard deviation of each coefficient, in the order of the functions."""
    responses = [priors.response(output, column.kind) for column in encoding.columns]
    return [
        (0.0, _LEVEL_SD),
        *((one.slope.mean, one.slope.sd) for one in responses),
        *((responses[place].curvature.mean, responses[place].curvature.sd) for place in numbers),
        *((0.0, priors.INTERACTION_SD) for _ in range(pairs)),
        (0.0, _SHIFT_SD),
        *((0.0, _SLOPE_SHIFT_SD) for _ in responses),
    ]
