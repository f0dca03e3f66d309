"""Grids that are never listed: the search finds the top of the surfaces that a surrogate draws."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.unit.search.grids import Surface, candidates_of, clocks, polynomial
from tests.unit.search.records import batch, governor
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint
from tuner.search.candidates import EXHAUSTIVE_SIZE, Candidates
from tuner.search.encoding import Encoding
from tuner.search.grid import Grid
from tuner.search.listing import CHUNK_SIZE
from tuner.search.local_search import MAX_EVALUATIONS

COUNTS = [(10,) * 5, (140, 90, 12), (4, 5, 6, 7, 8, 9), (1000, 1000), (100, 100, 100), (2,) * 17, (20_000,)]
"""100,000 to 1,000,000 points; few long parameters and many short ones."""
FEW = settings(max_examples=8, deadline=None)


def highest(space: ConfigurationSpace, surface: Surface) -> float:
    """The top of the surface by looking at every point."""
    columns = [Encoding(space).encode_choices(parameter) for parameter in space.parameters]
    best = -math.inf
    for rows in Grid(space).every_row().split(65_536):
        features = torch.cat([choices[rows[:, number].long()] for number, choices in enumerate(columns)], dim=1)
        best = max(best, float(surface(features).max()))
    return best


@FEW
@given(st.sampled_from(COUNTS), st.integers(0, 10_000))
def test_it_finds_the_top_of_a_separable_surface(counts: tuple[int, ...], seed: int) -> None:
    space, surface = clocks(counts), polynomial(len(counts), interaction=0.0, seed=seed)
    assert space.size > EXHAUSTIVE_SIZE
    ranking = candidates_of(space, seed).best(surface, tried=[])
    assert float(ranking.values[0]) == pytest.approx(highest(space, surface), abs=1e-12)


@FEW
@given(st.sampled_from(COUNTS), st.integers(0, 10_000))
def test_it_finds_the_top_where_parameters_interact(counts: tuple[int, ...], seed: int) -> None:
    space, surface = clocks(counts), polynomial(len(counts), interaction=0.5, seed=seed)
    ranking = candidates_of(space, seed).best(surface, tried=[])
    assert float(ranking.values[0]) == pytest.approx(highest(space, surface), abs=1e-12)


@FEW
@given(st.integers(0, 10_000))
def test_it_finds_the_top_among_legal_points(seed: int) -> None:
    space = clocks((60, 60, 40, 3), (OrderConstraint("p0", "p1"), OrderConstraint("p2", "p0", 1.5)))
    surface = polynomial(4, interaction=0.5, seed=seed)
    candidates = candidates_of(space, seed)
    ranking = candidates.best(surface, tried=[], count=50)
    assert all(candidates.configuration(row) in space for row in ranking.rows)
    assert float(ranking.values[0]) == pytest.approx(highest(space, surface), abs=1e-12)


def test_it_climbs_a_ridge_that_no_single_parameter_can_follow() -> None:
    space = clocks((200, 200, 5))
    ranking = candidates_of(space).best(lambda x: x.sum(1) - 1000.0 * (x[:, 0] - x[:, 1]).abs(), tried=[])
    assert ranking.rows.tolist() == [[199, 199, 4]]


def test_it_passes_an_order_that_lets_neither_parameter_move_alone() -> None:
    space = clocks((300, 300), (OrderConstraint("p0", "p1"),))
    ranking = candidates_of(space).best(lambda x: 10.0 * x[:, 0] - 11.0 * (x[:, 1] - 0.1).abs(), tried=[])
    assert ranking.rows.tolist() == [[30, 30]]


def test_categories_are_searched_like_everything_else() -> None:
    space = ConfigurationSpace((*clocks((80, 80)).parameters, batch(), governor()))
    wanted = torch.tensor([[0.3, 0.8, 0.5, 0.0, 1.0, 0.0]], dtype=torch.float64)
    candidates = candidates_of(space)
    ranking = candidates.best(lambda x: -((x - wanted) ** 2).sum(1), tried=[])
    found = candidates.configuration(ranking.rows[0])
    assert (found["cpu.governor"], found["batch_size"]) == ("performance", 4)
    assert ranking.rows[0, :2].tolist() == [24, 63]


@FEW
@given(st.integers(0, 10_000))
def test_the_best_that_was_tried_gives_way_to_the_next(seed: int) -> None:
    space, surface = clocks((40, 30, 20)), polynomial(3, interaction=0.5, seed=seed)
    candidates = candidates_of(space, seed)
    tried: list[Configuration] = []
    values = []
    for _ in range(4):
        ranking = candidates.best(surface, tried, anchors=tried)
        tried.append(candidates.configuration(ranking.rows[0]))
        values.append(float(ranking.values[0]))
    assert len(set(tried)) == len(tried)
    assert values == sorted(values, reverse=True)
    together = candidates.best(surface, [], count=4)
    assert torch.equal(together.values.sort(descending=True).values, together.values)
    assert len({tuple(row) for row in together.rows.tolist()}) == 4


@FEW
@given(st.integers(0, 10_000))
def test_the_same_question_is_answered_in_the_same_way(seed: int) -> None:
    space, surface = clocks((30, 30, 30)), polynomial(3, interaction=2.0, seed=seed)

    def looks(candidates: Candidates) -> Tensor:
        seen: list[Tensor] = []

        def value(x: Tensor) -> Tensor:
            seen.append(x)
            return surface(x)

        anchor = [candidates.configuration(torch.tensor([3, 4, 5]))]
        ranking = candidates.best(value, anchor, anchor, count=9)
        return torch.cat([*seen, ranking.features])

    asked = candidates_of(space, seed)
    asked.best(surface, tried=[], count=3)
    assert torch.equal(looks(asked), looks(asked))
    assert torch.equal(looks(asked), looks(candidates_of(space, seed)))
    assert not torch.equal(looks(asked)[:500], looks(candidates_of(space, seed + 1))[:500])


@pytest.mark.parametrize("counts", [(50,) * 12, (64,) * 4, (1000, 1000)])
def test_the_work_of_a_call_is_bounded_and_nothing_is_valued_twice(counts: tuple[int, ...]) -> None:
    space = clocks(counts)
    seen: list[Tensor] = []

    def bumps(x: Tensor) -> Tensor:
        seen.append(x)
        return torch.sin(40.0 * x).sum(1)

    candidates_of(space).best(bumps, tried=[], anchors=[Configuration({}), Configuration({"p0": 400.0})])
    everything = torch.cat(seen)
    assert max(map(len, seen)) <= CHUNK_SIZE
    assert len(everything) <= MAX_EVALUATIONS
    assert len(everything.unique(dim=0)) == len(everything)


class TestAnchors:
    """A needle that only its surroundings give away: nothing is worth anything a few choices farther off."""

    SPACE = clocks((50, 50, 50, 8, 50, 50), (OrderConstraint("p0", "p1"),))
    NEEDLE = (20, 33, 41, 5, 10, 44)

    def value(self, x: Tensor) -> Tensor:
        needle = Encoding(self.SPACE).encode([self.configuration(self.NEEDLE)])
        distance = ((x - needle).abs() * torch.tensor([49, 49, 49, 7, 49, 49])).max(dim=1).values
        return torch.where(distance < 2.5, -distance, -math.inf)

    def configuration(self, numbers: tuple[int, ...]) -> Configuration:
        return Configuration(
            {one.id: one.choices[number] for one, number in zip(self.SPACE.parameters, numbers, strict=True)}
        )

    def found(self, *anchors: Configuration) -> list[list[int]]:
        rows: list[list[int]] = candidates_of(self.SPACE, seed=1).best(self.value, anchors, anchors).rows.tolist()
        return rows

    def test_it_is_found_next_to_an_anchor(self) -> None:
        assert self.found(self.configuration((22, 31, 42, 6, 10, 43))) == [list(self.NEEDLE)]

    def test_it_is_found_next_to_any_of_many_anchors(self) -> None:
        others = [self.configuration((0, number % 50, number // 50, 0, 0, 0)) for number in range(100)]
        assert self.found(*others, self.configuration((20, 33, 42, 5, 11, 44))) == [list(self.NEEDLE)]

    def test_an_anchor_may_have_values_that_are_no_choices(self) -> None:
        anchor = self.configuration((20, 33, 42, 5, 11, 44))
        assert self.found(Configuration({**anchor, "p2": float(anchor["p2"]) + 0.5})) == [list(self.NEEDLE)]

    def test_it_is_found_in_line_with_an_anchor_however_far(self) -> None:
        def value(x: Tensor) -> Tensor:
            values = self.value(x)
            return values.where(values > -0.5, -math.inf)

        anchor = [self.configuration((*self.NEEDLE[:2], 7, *self.NEEDLE[3:]))]
        assert candidates_of(self.SPACE, seed=1).best(value, anchor, anchor).rows.tolist() == [list(self.NEEDLE)]

    def test_without_an_anchor_it_is_not_found(self) -> None:
        assert self.found() == []


def test_a_large_grid_is_exhausted_by_nothing_but_its_own_points() -> None:
    space = clocks((130, 130))
    outside = [Configuration({"p0": number, "p1": 100.0}) for number in range(20_000)]
    assert not candidates_of(space).is_exhausted(outside)
    assert candidates_of(space).is_exhausted(space)
