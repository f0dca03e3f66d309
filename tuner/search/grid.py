"""Configurations as rows of choice numbers: small in memory, legal by arithmetic, moved by adding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint, Parameter, Value
from tuner.errors import BadInputError

Row: TypeAlias = tuple[int, ...]
RowValuation: TypeAlias = Callable[[Tensor], Tensor]
"""Rows (``n x parameters``, int16) to what they are worth (``n``, float64; minus infinity: never)."""

MAX_CHOICES = torch.iinfo(torch.int16).max
LONGEST_LINE = 64
"""A parameter with more choices is searched in steps of 1, 2, 4, ... both ways, not choice by choice."""


@dataclass(frozen=True)
class _Order:
    """An order constraint between two columns.

    Attributes:
        lower: Column of the parameter that must not exceed the other.
        upper: Column of the other.
        lower_values: Value of each choice of the first, float64.
        limits: What each choice of the other allows, float64.
    """

    lower: int
    upper: int
    lower_values: Tensor
    limits: Tensor

    def holds(self, rows: Tensor) -> Tensor:
        """Tells for each row whether it keeps the order, ``n`` (bool)."""
        kept: Tensor = self.lower_values[rows[:, self.lower].long()] <= self.limits[rows[:, self.upper].long()]
        return kept

    def partner(self, column: int) -> int | None:
        """Returns the column at the other end; None if this one is at neither."""
        return {self.lower: self.upper, self.upper: self.lower}.get(column)

    def possible(self, rows: Tensor, column: int) -> Tensor:
        """Tells which choices of one column keep the order with each row's other one, ``n x choices`` (bool)."""
        if column == self.lower:
            return self.lower_values <= self.limits[rows[:, self.upper].long()].unsqueeze(1)
        return self.lower_values[rows[:, self.lower].long()].unsqueeze(1) <= self.limits


class Grid:
    """The rows of one space: ``n x parameters``, int16, one choice number a parameter. Nothing is listed unasked."""

    def __init__(self, space: ConfigurationSpace) -> None:
        """Reads choices and orders off the space; a pool's points are not looked at.

        Raises:
            BadInputError: A parameter has more choices than can be numbered.
        """
        for parameter in space.parameters:
            if len(parameter.choices) > MAX_CHOICES:
                raise BadInputError(f"{parameter.id} has more than {MAX_CHOICES:,} choices: search a coarser list.")
        self._parameters = space.parameters
        self._numbers: tuple[dict[Value, int], ...] = tuple(
            {choice: number for number, choice in enumerate(parameter.choices)} for parameter in space.parameters
        )
        self.choice_counts: tuple[int, ...] = tuple(len(parameter.choices) for parameter in space.parameters)
        columns = {parameter.id: column for column, parameter in enumerate(space.parameters)}
        self._orders = tuple(_order(constraint, space.parameters, columns) for constraint in space.constraints)

    def row(self, configuration: Configuration) -> Row | None:
        """Returns a configuration's choice numbers, or None if it has a value that is no choice."""
        try:
            return tuple(
                numbers[configuration[parameter.id]]
                for parameter, numbers in zip(self._parameters, self._numbers, strict=True)
            )
        except KeyError:
            return None

    def nearest(self, configuration: Configuration) -> Row:
        """Returns the choice numbers nearest to a configuration's values; they may break an order."""
        return tuple(_nearest_choice(parameter, configuration.get(parameter.id)) for parameter in self._parameters)

    def configuration(self, row: Tensor) -> Configuration:
        """Returns the configuration that a row stands for."""
        return Configuration(
            {
                parameter.id: parameter.choices[number]
                for parameter, number in zip(self._parameters, row.tolist(), strict=True)
            }
        )

    def rows(self, rows: Iterable[Row | None]) -> Tensor:
        """Returns rows as a tensor, ``n x parameters``; None is left out."""
        known = [row for row in rows if row is not None]
        return torch.tensor(known, dtype=torch.int16).reshape(len(known), len(self.choice_counts))

    def is_legal(self, rows: Tensor) -> Tensor:
        """Tells for each row whether it keeps every order, ``n`` (bool)."""
        legal = torch.ones(len(rows), dtype=torch.bool)
        for order in self._orders:
            legal &= order.holds(rows)
        return legal

    def every_row(self) -> Tensor:
        """Lists all legal rows, first parameter slowest: extends by one parameter, drops what breaks an order."""
        rows = torch.zeros((1, 0), dtype=torch.int16)
        for column, count in enumerate(self.choice_counts):
            choices = torch.arange(count, dtype=torch.int16).repeat(len(rows)).unsqueeze(1)
            rows = torch.cat([rows.repeat_interleave(count, dim=0), choices], dim=1)
            for order in self._orders_up_to(column):
                rows = rows[order.holds(rows)]
        return rows

    def draw(self, units: Tensor) -> Tensor:
        """Turns points of the unit cube into legal rows.

        Each parameter takes its share of those choices that the parameters before it leave. A point is dropped only
        where these leave none.

        Args:
            units: ``n x parameters``, each in [0, 1).

        Returns:
            At most ``n`` rows.
        """
        rows = torch.zeros(units.shape, dtype=torch.int16)
        for column, count in enumerate(self.choice_counts):
            possible = torch.ones((1, count), dtype=torch.bool)
            for order in self._orders_up_to(column):
                possible = possible & order.possible(rows, column)
            rank = possible.cumsum(dim=1, dtype=torch.int16)
            wanted = (units[:, column] * rank[:, -1]).to(torch.int16)
            rows[:, column] = (rank <= wanted.unsqueeze(1)).sum(dim=1).clamp(max=count - 1).to(torch.int16)
        return rows[self.is_legal(rows)]

    def around(self, row: Tensor, units: Tensor, reach: int) -> Tensor:
        """Turns points of the unit cube into legal rows within so many choices of a row, at most ``n``."""
        steps = (units * (2 * reach + 1)).to(torch.int16) - reach
        rows = self._inside(row + steps)
        return rows[self.is_legal(rows)]

    def lines(self, rows: Tensor, column: int) -> Tensor:
        """Changes one parameter of each row in every way, or by 1, 2, 4, ... choices if it has many.

        What an order ties to it yields, by as few choices as possible.

        Returns:
            ``n x moves x parameters``; those that nothing can make legal break an order.
        """
        count = self.choice_counts[column]
        if count > LONGEST_LINE:
            moved = self._moved(rows, column, _strides(count))
        else:
            moved = rows.unsqueeze(1).repeat(1, count, 1)
            moved[:, :, column] = torch.arange(count, dtype=torch.int16)
        return self._yielding(moved, [column])

    def diagonals(self, rows: Tensor, first: int, second: int) -> Tensor:
        """Changes two parameters of each row at once, each by 1, 2, 4, ... choices up or down; others yield likewise.

        Returns:
            ``n x moves x parameters``; those that nothing can make legal break an order.
        """
        ups, asides = (_strides(self.choice_counts[column]) for column in (first, second))
        moved = self._moved(self._moved(rows, first, ups).flatten(0, 1), second, asides)
        return self._yielding(moved.reshape(len(rows), len(ups) * len(asides), rows.shape[1]), [first, second])

    def _yielding(self, moved: Tensor, columns: list[int]) -> Tensor:
        """Moves the partners of these columns to the nearest choice that keeps the order, then theirs in turn."""
        rows, settled = moved.flatten(0, 1), list(columns)
        for column in settled:
            for partner in [order.partner(column) for order in self._orders]:
                if partner is not None and partner not in settled:
                    rows[:, partner] = self._nearest_possible(rows, partner, settled)
                    settled.append(partner)
        return rows.reshape(moved.shape)

    def _nearest_possible(self, rows: Tensor, column: int, settled: list[int]) -> Tensor:
        """Returns the choices of a column that keep each order with settled columns, those nearest to the rows' own."""
        choices = torch.arange(self.choice_counts[column], dtype=torch.int16)
        distance = (choices - rows[:, column].unsqueeze(1)).abs()
        for order in self._orders:
            if order.partner(column) in settled:
                distance = distance.where(order.possible(rows, column), MAX_CHOICES)
        return distance.argmin(dim=1).to(torch.int16)

    def _moved(self, rows: Tensor, column: int, strides: Tensor) -> Tensor:
        moved = rows.unsqueeze(1).repeat(1, len(strides), 1)
        moved[:, :, column] += strides
        return self._inside(moved)

    def _inside(self, rows: Tensor) -> Tensor:
        return rows.clamp(min=0).minimum(torch.tensor(self.choice_counts, dtype=torch.int16) - 1)

    def _orders_up_to(self, column: int) -> Iterator[_Order]:
        """Yields the orders that a column closes: both sides are known once it is."""
        return (order for order in self._orders if max(order.lower, order.upper) == column)


def _order(constraint: OrderConstraint, parameters: tuple[Parameter, ...], columns: dict[str, int]) -> _Order:
    lower, upper = columns[constraint.lower], columns[constraint.upper]
    return _Order(lower, upper, _values(parameters[lower]), constraint.factor * _values(parameters[upper]))


def _values(parameter: Parameter) -> Tensor:
    return torch.tensor([float(choice) for choice in parameter.choices], dtype=torch.float64)


def _nearest_choice(parameter: Parameter, value: Value | None) -> int:
    if value in parameter.choices:
        return parameter.choices.index(value)
    if value is None or any(isinstance(one, str) for one in (value, *parameter.choices)):
        return 0
    return min(range(len(parameter.choices)), key=lambda number: abs(float(parameter.choices[number]) - float(value)))


def _strides(count: int) -> Tensor:
    """Returns 1, 2, 4, ... below a number of choices, up and down."""
    up = [1 << power for power in range((count - 1).bit_length())]
    return torch.tensor([-step for step in reversed(up)] + up, dtype=torch.int16)
