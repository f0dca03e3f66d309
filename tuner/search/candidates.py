"""The legal configurations of a space as an index matrix: small in memory, quick to encode in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace, Parameter, Value
from tuner.search.encoding import Encoding

CHUNK_SIZE = 4096
"""Candidates that are encoded and predicted at a time: bounds the memory, whatever the size of the space."""


class Candidates:
    """Every legal configuration of a space, by position, in the order in which the space yields them."""

    def __init__(self, space: ConfigurationSpace, encoding: Encoding) -> None:
        """Enumerates the space as choice numbers (``size x parameters``, int16), not as configurations."""
        self._parameters = space.parameters
        self._position_of_choice: tuple[Mapping[Value, int], ...] = tuple(
            {choice: position for position, choice in enumerate(parameter.choices)} for parameter in space.parameters
        )
        self._rows = _pool_rows(space, self._position_of_choice) if space.pool is not None else _grid_rows(space)
        self._encoded_choices = tuple(encoding.encode_choices(parameter) for parameter in space.parameters)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, position: int) -> Configuration:
        """Returns the configuration at a position."""
        row = self._rows[position].tolist()
        return Configuration(
            {parameter.id: parameter.choices[number] for parameter, number in zip(self._parameters, row, strict=True)}
        )

    def untried(self, tried: Iterable[Configuration]) -> Tensor:
        """Returns the positions of the configurations that are not among these, ascending (int64)."""
        is_untried = torch.ones(len(self), dtype=torch.bool)
        for configuration in tried:
            row = self._row_of(configuration)
            if row is not None:
                is_untried &= (self._rows != row).any(dim=1)
        return is_untried.nonzero().flatten()

    def chunks(self, positions: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields these positions a chunk at a time, with their feature vectors (``chunk x d``, float64)."""
        for chunk in positions.split(CHUNK_SIZE):
            rows = self._rows[chunk].long()
            encoded = [choices[rows[:, number]] for number, choices in enumerate(self._encoded_choices)]
            yield chunk, torch.cat(encoded, dim=1)

    def _row_of(self, configuration: Configuration) -> Tensor | None:
        """Returns a configuration's choice numbers, or None if it has a value that is no choice."""
        try:
            numbers = [
                positions[configuration[parameter.id]]
                for parameter, positions in zip(self._parameters, self._position_of_choice, strict=True)
            ]
        except KeyError:
            return None
        return torch.tensor(numbers, dtype=torch.int16)


def _pool_rows(space: ConfigurationSpace, position_of_choice: tuple[Mapping[Value, int], ...]) -> Tensor:
    rows = [
        [
            positions[one[parameter.id]]
            for parameter, positions in zip(space.parameters, position_of_choice, strict=True)
        ]
        for one in space.pool or ()
    ]
    return torch.tensor(rows, dtype=torch.int16).reshape(len(rows), len(space.parameters))


def _grid_rows(space: ConfigurationSpace) -> Tensor:
    """Extends the rows by one parameter at a time, dropping what breaks an order as soon as both sides are known."""
    rows = torch.zeros((1, 0), dtype=torch.int16)
    for depth, parameter in enumerate(space.parameters):
        choices = torch.arange(len(parameter.choices), dtype=torch.int16)
        repeated = rows.repeat_interleave(len(choices), dim=0)
        rows = torch.cat([repeated, choices.repeat(len(rows)).unsqueeze(1)], dim=1)
        known = {one.id: column for column, one in enumerate(space.parameters[: depth + 1])}
        for constraint in space.constraints:
            if parameter.id in (constraint.lower, constraint.upper) and {constraint.lower, constraint.upper} <= set(
                known
            ):
                lower = _values(space.parameters[known[constraint.lower]], rows[:, known[constraint.lower]])
                upper = _values(space.parameters[known[constraint.upper]], rows[:, known[constraint.upper]])
                rows = rows[lower <= constraint.factor * upper]
    return rows


def _values(parameter: Parameter, numbers: Tensor) -> Tensor:
    return torch.tensor([float(choice) for choice in parameter.choices], dtype=torch.float64)[numbers.long()]
