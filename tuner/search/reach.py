"""Stepping outwards: which candidates lie near a configuration that is known to hold every SLO."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace, ParameterKind
from tuner.search.encoding import Encoding

_ROUNDING = 1e-9

STEPS_IN_RANGE = 8
"""Where choices lie closer together, a step is this part of the whole range."""


class Reach:
    """The surroundings of proven configurations.

    A proposal may lie a few steps away from a proven configuration in every parameter. A step is a choice, or an
    eighth of the choices where there are many: nobody wants to walk through a hundred clocks two at a time. Categories
    have no order, so that any other one is within reach; the arrival rate is no step at all.
    """

    def __init__(self, space: ConfigurationSpace, encoding: Encoding, max_steps: int | None) -> None:
        """Counts choices.

        Args:
            space: The legal configurations.
            encoding: Of that space.
            max_steps: How many steps in each parameter; None for any number.
        """
        self._encoding = encoding
        self._max_steps = max_steps
        choices = {parameter.id: encoding.encode_choices(parameter) for parameter in space.parameters}
        self._counted = [
            (place, choices[column.parameter_id].flatten().sort().values)
            for place, column in enumerate(encoding.columns)
            if column.kind not in (ParameterKind.CATEGORY, ParameterKind.RATE)
        ]

    def holds(self, features: Tensor, proven: Sequence[Configuration]) -> Tensor:
        """Tells which candidates are within reach, ``n`` (features ``n x d``); all of them if nothing is proven."""
        if self._max_steps is None or not proven or not self._counted:
            return torch.ones(len(features), dtype=torch.bool)
        steps = self._numbers(features).unsqueeze(1) - self._numbers(self._encoding.encode(proven)).unsqueeze(0)
        return (steps.abs() <= self._max_steps + _ROUNDING).all(-1).any(-1)

    def _numbers(self, features: Tensor) -> Tensor:
        """Returns how many steps up each value lies, ``n x counted columns``."""
        steps = [_nearest(choices, features[:, place]) * _step(len(choices)) for place, choices in self._counted]
        return torch.stack(steps, dim=1)


def _step(choices: int) -> float:
    """Returns which part of a step lies between two neighbours among so many choices."""
    return min(1.0, STEPS_IN_RANGE / max(choices - 1, 1))


def _nearest(choices: Tensor, values: Tensor) -> Tensor:
    return (values.unsqueeze(1) - choices).abs().argmin(1)
