"""Configurations as vectors: logarithms of numbers, one column a category, all scaled over the space.

A clock that doubles does the same thing to latency wherever it starts, so numbers enter as logarithms. The span of
each logarithm is kept, so that prior knowledge can be stated per octave whatever range a device happens to offer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace, Parameter, ParameterKind, Value


@dataclass(frozen=True)
class Column:
    """One column of the encoding.

    Attributes:
        parameter_id: The parameter that it encodes.
        kind: What that parameter physically is.
        low: The value that is encoded as 0 (its logarithm where ``is_logarithmic``).
        span: What is encoded as 1, counted from ``low``; natural logarithm where ``is_logarithmic``.
        is_logarithmic: Whether logarithms are taken.
        category: The category that is encoded as 1, for categories.
        is_constant: Whether there is one choice only.
    """

    parameter_id: str
    kind: ParameterKind
    low: float = 0.0
    span: float = 1.0
    is_logarithmic: bool = False
    category: Value | None = None
    is_constant: bool = False

    @property
    def log_span(self) -> float:
        """The span in natural logarithms; 1 where none are taken."""
        return self.span if self.is_logarithmic else 1.0

    def encode(self, value: Value) -> float:
        """Returns a value as a number; the smallest choice is 0 and the largest is 1."""
        if self.kind is ParameterKind.CATEGORY:
            return float(value == self.category)
        number = float(value)
        if self.is_logarithmic:
            number = math.log(number) if number > 0 else self.low
        return (number - self.low) / self.span


class Encoding:
    """Turns the configurations of one space into feature vectors.

    Values that are no choices (the baseline's, an earlier study's) are encoded all the same, beyond 0 to 1 where they
    lie outside of the choices; an unknown category is 0 in every column of its parameter.
    """

    def __init__(self, space: ConfigurationSpace) -> None:
        """Derives the columns from the space's parameters."""
        self.columns: tuple[Column, ...] = tuple(
            column for parameter in space.parameters for column in _columns(parameter)
        )

    def encode(self, configurations: Iterable[Configuration]) -> Tensor:
        """Returns the feature vectors.

        Args:
            configurations: ``n`` configurations that have a value for every parameter.

        Returns:
            Tensor of shape ``n x d``, float64.
        """
        rows = [[column.encode(one[column.parameter_id]) for column in self.columns] for one in configurations]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(self.columns))

    def encode_choices(self, parameter: Parameter) -> Tensor:
        """Returns the columns of one parameter for each of its choices, shape ``choices x columns``, float64."""
        own = [column for column in self.columns if column.parameter_id == parameter.id]
        rows = [[column.encode(choice) for column in own] for choice in parameter.choices]
        return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(own))


def _columns(parameter: Parameter) -> Sequence[Column]:
    if parameter.kind is ParameterKind.CATEGORY or any(isinstance(choice, str) for choice in parameter.choices):
        return [Column(parameter.id, ParameterKind.CATEGORY, category=choice) for choice in parameter.choices]
    numbers = [float(choice) for choice in parameter.choices]
    is_logarithmic = min(numbers) > 0
    if is_logarithmic:
        numbers = [math.log(number) for number in numbers]
    span = (max(numbers) - min(numbers)) or 1.0
    is_constant = len(numbers) == 1
    return [Column(parameter.id, parameter.kind, min(numbers), span, is_logarithmic, is_constant=is_constant)]
