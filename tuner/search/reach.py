"""Stepping outwards: which candidates lie near a configuration that is known to hold every SLO."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace, ParameterKind
from tuner.search.encoding import Encoding


class Reach:
    """The surroundings of proven configurations.

    A proposal may lie a few choices away from a proven configuration in every parameter. Categories have no order, so
    that any other one is a step away; the arrival rate is no step at all.
    """

    def __init__(self, space: ConfigurationSpace, encoding: Encoding, max_steps: int | None) -> None:
        """Counts choices.

        Args:
            space: The legal configurations.
            encoding: Of that space.
            max_steps: How many choices of each parameter; None for any number.
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
        return (steps.abs() <= self._max_steps).all(-1).any(-1)

    def _numbers(self, features: Tensor) -> Tensor:
        """Returns the number of the choice nearest to each value, ``n x counted columns``."""
        return torch.stack([_nearest(choices, features[:, place]) for place, choices in self._counted], dim=1)


def _nearest(choices: Tensor, values: Tensor) -> Tensor:
    return (values.unsqueeze(1) - choices).abs().argmin(1)
