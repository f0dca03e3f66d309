"""Rows of choice numbers: what they stand for, which are legal, where they can move to; and what they are worth."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.unit.search.grids import clocks, spaces
from tests.unit.search.records import SPACE, clock, governor
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint
from tuner.errors import BadInputError
from tuner.search.grid import LONGEST_LINE, MAX_CHOICES, Grid
from tuner.search.local_search import Evaluations, climb

QUICK = settings(deadline=None, max_examples=40)


def units(count: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def grids() -> st.SearchStrategy[ConfigurationSpace]:
    return spaces().filter(lambda space: space.pool is None)


@QUICK
@given(grids())
def test_every_row_is_what_the_space_yields_in_the_same_order(space: ConfigurationSpace) -> None:
    grid = Grid(space)
    assert [grid.configuration(row) for row in grid.every_row()] == list(space)


@QUICK
@given(grids())
def test_a_configuration_and_its_row_say_the_same(space: ConfigurationSpace) -> None:
    grid = Grid(space)
    for row in grid.every_row():
        assert grid.row(grid.configuration(row)) == grid.nearest(grid.configuration(row)) == tuple(row.tolist())


@QUICK
@given(grids(), st.integers(0, 100))
def test_what_is_drawn_is_legal_and_everything_legal_is_drawn(space: ConfigurationSpace, seed: int) -> None:
    grid = Grid(space)
    rows = grid.draw(units(20_000, len(space.parameters), seed))
    assert {tuple(row) for row in rows.unique(dim=0).tolist()} == {tuple(row) for row in grid.every_row().tolist()}


def test_no_draw_is_wasted_where_every_choice_has_a_partner() -> None:
    space = clocks((50, 7, 50), (OrderConstraint("p2", "p0"),))
    assert len(Grid(space).draw(units(1000, 3))) == 1000


def test_a_draw_takes_the_share_of_the_choices_that_are_left() -> None:
    space = clocks((3, 3), (OrderConstraint("p0", "p1"),))
    corners = torch.tensor([[0.0, 0.0], [0.0, 0.999], [0.4, 0.0], [0.4, 0.6], [0.999, 0.0]], dtype=torch.float64)
    assert Grid(space).draw(corners).tolist() == [[0, 0], [0, 2], [1, 1], [1, 2], [2, 2]]


@QUICK
@given(st.integers(0, 100), st.integers(0, 3))
def test_surroundings_reach_so_many_choices_and_no_farther(seed: int, reach: int) -> None:
    space = clocks((9, 9), (OrderConstraint("p0", "p1"),))
    centre = torch.tensor([1, 5], dtype=torch.int16)
    found = {tuple(row) for row in Grid(space).around(centre, units(5000, 2, seed), reach).tolist()}
    expected = {
        (one, other)
        for one in range(max(1 - reach, 0), 1 + reach + 1)
        for other in range(5 - reach, min(5 + reach, 8) + 1)
        if one <= other
    }
    assert found == expected


def test_a_short_line_has_every_choice() -> None:
    row = torch.tensor([[2, 3]], dtype=torch.int16)
    assert Grid(clocks((4, 6))).lines(row, 0).tolist() == [[[0, 3], [1, 3], [2, 3], [3, 3]]]


def test_a_long_line_has_growing_steps_both_ways_that_stay_inside() -> None:
    count = LONGEST_LINE + 36
    row = torch.tensor([[3, 10], [5, 90]], dtype=torch.int16)
    lines = Grid(clocks((7, count))).lines(row, 1)
    assert lines[:, :, 0].unique(dim=1).tolist() == [[3], [5]]
    assert set(lines[0, :, 1].tolist()) == {0, 2, 6, 8, 9, 11, 12, 14, 18, 26, 42, 74}
    assert set(lines[1, :, 1].tolist()) == {26, 58, 74, 82, 86, 88, 89, 91, 92, 94, 98, 99}


def test_a_diagonal_moves_two_parameters_by_steps_of_their_own() -> None:
    row = torch.tensor([[1, 1, 1]], dtype=torch.int16)
    moved = Grid(clocks((3, 4, 9))).diagonals(row, 0, 1)
    assert {tuple(one) for one in moved[0].tolist()} == {(a, b, 1) for a in (0, 2) for b in (0, 2, 3)}


CHAIN = (OrderConstraint("p0", "p1"), OrderConstraint("p1", "p2"))


def test_what_an_order_ties_to_a_line_yields_by_as_little_as_it_can() -> None:
    row = torch.tensor([[1, 3, 4, 2]], dtype=torch.int16)
    lines = Grid(clocks((6, 6, 6, 3), CHAIN)).lines(row, 1)
    assert lines.tolist() == [
        [[0, 0, 4, 2], [1, 1, 4, 2], [1, 2, 4, 2], [1, 3, 4, 2], [1, 4, 4, 2], [1, 5, 5, 2]],
    ]


def test_it_makes_its_own_partners_yield_in_turn() -> None:
    row = torch.tensor([[1, 3, 4]], dtype=torch.int16)
    lines = Grid(clocks((6, 6, 6), CHAIN)).lines(row, 0)
    assert lines[0, 5].tolist() == [5, 5, 5]


def test_neither_of_two_that_move_on_a_diagonal_yields() -> None:
    row = torch.tensor([[2, 3, 3]], dtype=torch.int16)
    grid = Grid(clocks((6, 6, 6), CHAIN))
    moved = grid.diagonals(row, 0, 2)[0]
    assert {(one, other) for one, _, other in moved.tolist()} == {
        (min(max(2 + up, 0), 5), min(max(3 + aside, 0), 5))
        for up in (-4, -2, -1, 1, 2, 4)
        for aside in (-4, -2, -1, 1, 2, 4)
    }
    for one, middle, other in moved.tolist():
        assert not one <= other or one <= middle <= other


@QUICK
@given(st.lists(st.integers(1, 9), min_size=3, max_size=3), st.integers(0, 100), st.integers(0, 2))
def test_every_choice_of_a_line_is_reached_legally_in_a_chain(counts: list[int], seed: int, column: int) -> None:
    grid = Grid(clocks(counts, CHAIN))
    rows = grid.draw(units(20, 3, seed))
    moved = grid.lines(rows, column)
    for line in moved:
        reached = line[grid.is_legal(line)]
        possible = {row[column] for row in grid.every_row().tolist()}
        assert set(reached[:, column].tolist()) == possible


def test_the_nearest_row_takes_the_nearest_number_and_the_first_of_unknown_categories() -> None:
    grid = Grid(ConfigurationSpace((clock("a", (100, 200, 400)), clock("b", (1, 2)), governor())))
    assert grid.nearest(Configuration({"a": 290.0, "b": 7, "cpu.governor": "schedutil"})) == (1, 1, 2)
    assert grid.nearest(Configuration({"a": "fast", "cpu.governor": "unheard-of"})) == (0, 0, 0)
    assert grid.row(Configuration({"a": 290, "b": 1, "cpu.governor": "schedutil"})) is None


def test_more_choices_than_can_be_numbered_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"p0 has more than 32,767 choices"):
        Grid(clocks((MAX_CHOICES + 1,)))
    assert Grid(clocks((MAX_CHOICES,))).every_row()[-1].tolist() == [MAX_CHOICES - 1]


class TestEvaluations:
    def asked(self) -> list[list[int]]:
        return [row for call in self.calls for row in call.tolist()]

    def value(self, rows: Tensor) -> Tensor:
        self.calls.append(rows)
        return rows.sum(dim=1).double()

    @pytest.fixture(autouse=True)
    def record_calls(self) -> None:
        self.calls: list[Tensor] = []

    def test_no_row_is_computed_twice(self) -> None:
        evaluations = Evaluations(self.value, [], budget=10)
        assert evaluations.of(torch.tensor([[1, 2], [3, 4], [1, 2]])).tolist() == [3, 7, 3]
        assert evaluations.of(torch.tensor([[3, 4], [5, 6]])).tolist() == [7, 11]
        assert self.asked() == [[1, 2], [3, 4], [5, 6]]

    def test_a_barred_row_is_worth_nothing_and_costs_nothing(self) -> None:
        evaluations = Evaluations(self.value, [(5, 6)], budget=1)
        assert evaluations.of(torch.tensor([[5, 6], [1, 1]])).tolist() == [-math.inf, 2]
        assert self.asked() == [[1, 1]]
        assert evaluations.best(9) == [(1, 1)]

    def test_beyond_the_budget_nothing_is_computed(self) -> None:
        evaluations = Evaluations(self.value, [], budget=2)
        assert not evaluations.is_spent
        assert evaluations.of(torch.tensor([[1, 1], [2, 2], [3, 3]])).tolist() == [2, 4, -math.inf]
        assert evaluations.is_spent
        assert evaluations.of(torch.tensor([[4, 4], [2, 2]])).tolist() == [-math.inf, 4]
        assert self.asked() == [[1, 1], [2, 2]]

    def test_a_climb_ends_when_the_budget_does(self) -> None:
        grid = Grid(clocks((500, 500)))
        climb(grid, Evaluations(self.value, [], budget=7), torch.tensor([[9, 9]], dtype=torch.int16))
        assert len(self.asked()) == 7

    def test_a_climb_without_starts_ends_at_once(self) -> None:
        climb(Grid(SPACE), Evaluations(self.value, [], budget=7), torch.empty((0, 2), dtype=torch.int16))
        assert self.calls == []

    def test_a_climb_needs_no_more_than_lines_and_diagonals(self) -> None:
        grid = Grid(clocks((30, 30)))
        evaluations = Evaluations(self.value, [], budget=10_000)
        climb(grid, evaluations, torch.tensor([[0, 0]], dtype=torch.int16))
        assert evaluations.best(1) == [(29, 29)]
        assert len(self.asked()) <= 2 * 30 + 2 * 30 + 10 * 10
