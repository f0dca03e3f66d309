"""Searching a grid that is too large to be listed: a quasi-random sample, then a climb from the best of it.

Each sweep tries whole coordinate lines, one parameter after the other, so that every start may move in every parameter
for the price of one look around; BoTorch's ``optimize_acqf_discrete_local_search`` pays that price for one move of one
start. The choices of a clock or a batch are ordered, so a start that no line improves tries two parameters at once, by
growing steps: that is how it follows a ridge (twice the batch at a higher clock). Parameters that an order constraint
ties together get out of each other's way, so that neither stops the other. Starts that fall behind are given up, those
that meet are merged.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from tuner.configuration import Configuration
from tuner.search.grid import Grid, Row, RowValuation

MAX_EVALUATIONS = 20_000
"""Rows that are valued in one search, at most."""
SAMPLES = 2048
"""Rows all over the grid, among which the climb looks for starts."""
NEIGHBOURS = 512
"""Further ones, shared among the surroundings of the anchors."""
REACH = 2
"""How many choices of each parameter the surroundings of an anchor extend."""
STARTS = 16
"""The best rows of both, from which the climb starts."""
ANCHOR_STARTS = 4
"""The anchors, from which it starts as well."""
FEWEST_STARTS = 4
"""The starts that are never given up for being behind."""


class LocalSearch:
    """Searches one grid, the same way each time."""

    def __init__(self, grid: Grid, seed: int) -> None:
        """Draws the sample."""
        self._grid = grid
        self._seed = seed
        self._sample = grid.draw(self._units(SAMPLES))

    def best(
        self,
        value: RowValuation,
        tried: Iterable[Configuration],
        anchors: Sequence[Configuration],
        count: int,
    ) -> tuple[Tensor, Tensor]:
        """Values at most :data:`MAX_EVALUATIONS` legal rows, none of them tried.

        Args:
            value: What is to be highest.
            tried: What is not to be returned.
            anchors: Where the best is likely to be near, most likely first; they need not be legal.
            count: How many to return.

        Returns:
            The best of these rows above minus infinity, best first, at most ``count``, and their values.
        """
        known = {self._grid.row(configuration) for configuration in tried}
        evaluations = Evaluations(value, (row for row in known if row is not None), MAX_EVALUATIONS)
        centres = self._grid.rows(self._grid.nearest(anchor) for anchor in anchors[:NEIGHBOURS])
        evaluations.of(torch.cat([*self._surroundings(centres), self._sample]))
        legal_centres = centres[self._grid.is_legal(centres)]
        best = self._grid.rows(evaluations.best(STARTS))
        climb(self._grid, evaluations, torch.cat([legal_centres[:ANCHOR_STARTS], best]))
        rows = self._grid.rows(evaluations.best(count))
        return rows, evaluations.of(rows)

    def _surroundings(self, centres: Tensor) -> list[Tensor]:
        shares = self._units(NEIGHBOURS).tensor_split(max(len(centres), 1))
        return [self._grid.around(centre, units, REACH) for centre, units in zip(centres, shares, strict=False)]

    def _units(self, count: int) -> Tensor:
        """Returns quasi-random points of the unit cube, ``count x parameters``."""
        engine = SobolEngine(len(self._grid.choice_counts), scramble=True, seed=self._seed)
        units: Tensor = engine.draw(count, dtype=torch.float64)
        return units


class Evaluations:
    """Values of rows, none computed twice and no more of them than the budget allows."""

    def __init__(self, value: RowValuation, barred: Iterable[Row], budget: int) -> None:
        """Keeps what to call.

        Args:
            value: What a row is worth.
            barred: Rows whose value is minus infinity, whatever they are worth.
            budget: How many rows may be computed.
        """
        self._value = value
        self._values: dict[Row, float] = dict.fromkeys(barred, -math.inf)
        self._left = budget

    @property
    def is_spent(self) -> bool:
        """Whether the budget is spent."""
        return self._left <= 0

    def of(self, rows: Tensor) -> Tensor:
        """Returns the rows' values, ``n``; minus infinity for what the budget no longer allows."""
        asked = [tuple(row) for row in rows.tolist()]
        new = list(dict.fromkeys(row for row in asked if row not in self._values))[: self._left]
        if new:
            self._left -= len(new)
            self._values.update(zip(new, self._value(torch.tensor(new, dtype=torch.int16)).tolist(), strict=True))
        return torch.tensor([self._values.get(row, -math.inf) for row in asked], dtype=torch.float64)

    def best(self, count: int) -> list[Row]:
        """Returns the best rows above minus infinity, best first; ties in the order of the choices."""
        known = ((-value, row) for row, value in self._values.items() if value > -math.inf)
        return [row for _, row in heapq.nsmallest(count, known)]


def climb(grid: Grid, evaluations: Evaluations, starts: Tensor) -> None:
    """Improves legal rows until neither a line nor a diagonal improves any, or the budget is spent.

    Args:
        grid: Where to move.
        evaluations: What is to be improved; afterwards it knows every row on the way.
        starts: ``n x parameters``, int16.
    """
    if not len(starts):
        return
    search = _Climb(grid, evaluations, starts)
    while not evaluations.is_spent and (search.sweep() or search.turn()):
        pass


class _Climb:
    """Where each start has got to."""

    def __init__(self, grid: Grid, evaluations: Evaluations, starts: Tensor) -> None:
        self._grid = grid
        self._evaluations = evaluations
        self._rows = starts
        self._values = evaluations.of(starts)

    def sweep(self) -> bool:
        """Moves every row along each parameter in turn; tells whether any has improved."""
        before = self._values
        for column in range(self._rows.shape[1]):
            self._take_best(self._grid.lines(self._rows, column))
        has_improved = bool((self._values > before).any())
        self._keep(max(FEWEST_STARTS, len(self._rows) // 2))
        return has_improved

    def turn(self) -> bool:
        """Moves the foremost rows along two parameters at once; tells whether any has improved."""
        self._keep(FEWEST_STARTS)
        before = self._values
        for first, second in combinations(range(self._rows.shape[1]), 2):
            self._take_best(self._grid.diagonals(self._rows, first, second))
        return bool((self._values > before).any())

    def _take_best(self, moves: Tensor) -> None:
        """Moves each row to the best of its moves (``n x moves x parameters``), if that is better than to stay."""
        if not moves.shape[1]:
            return
        flat = moves.flatten(0, 1)
        is_legal = self._grid.is_legal(flat)
        values = torch.full((len(flat),), -math.inf, dtype=torch.float64)
        values[is_legal] = self._evaluations.of(flat[is_legal])
        best, place = values.reshape(moves.shape[:2]).max(dim=1)
        is_better = best > self._values
        chosen = moves[torch.arange(len(moves)), place]
        self._rows = torch.where(is_better.unsqueeze(1), chosen, self._rows)
        self._values = torch.where(is_better, best, self._values)

    def _keep(self, count: int) -> None:
        """Gives up all but the best rows, and those that have met another."""
        order = self._values.argsort(descending=True, stable=True).tolist()
        place_by_row = {tuple(self._rows[place].tolist()): place for place in order}
        kept = list(place_by_row.values())[:count]
        self._rows, self._values = self._rows[kept], self._values[kept]
