"""What every ranking promises, in spaces that are valued as a whole and, made small, in those that are searched."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.unit.search.grids import Surface, candidates_of, clocks, draws, spaces
from tests.unit.search.records import SPACE, clock
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.search import candidates as candidates_module
from tuner.search.candidates import Candidates, Ranking
from tuner.search.encoding import Encoding
from tuner.search.listing import CHUNK_SIZE

FIXTURE_IS_KEPT = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(params=["valued as a whole", "searched"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes even the smallest grid be searched, or leaves it."""
    if request.param == "searched":
        monkeypatch.setattr(candidates_module, "EXHAUSTIVE_SIZE", 0)
    yield


def rough(width: int, seed: int) -> Surface:
    """Values without any shape that a search could follow, and with ties."""
    weights = 100.0 * draws(width, seed=seed)
    return lambda x: torch.round(5.0 * torch.sin(x @ weights))


def configurations(candidates: Candidates, ranking: Ranking) -> list[Configuration]:
    return [candidates.configuration(row) for row in ranking.rows]


def brute_force(space: ConfigurationSpace, surface: Surface, tried: list[Configuration]) -> list[Configuration]:
    untried = [one for one in space if one not in tried]
    values = surface(Encoding(space).encode(untried)).tolist()
    return [one for _, one in sorted(zip(values, untried, strict=True), key=lambda pair: -pair[0])]


@FIXTURE_IS_KEPT
@given(spaces(), st.integers(0, 100), st.integers(1, 40), st.data())
def test_the_ranking_is_that_of_brute_force(
    way: None, space: ConfigurationSpace, seed: int, count: int, data: st.DataObject
) -> None:
    everything = list(space)
    tried = data.draw(st.lists(st.sampled_from(everything), max_size=5)) if everything else []
    surface = rough(len(Encoding(space).columns), seed)
    candidates = candidates_of(space)
    ranking = candidates.best(surface, tried, count=count)
    expected = brute_force(space, surface, tried)[:count]
    assert configurations(candidates, ranking) == expected
    assert torch.equal(ranking.features, Encoding(space).encode(expected))
    assert torch.equal(ranking.values, surface(ranking.features))


@pytest.mark.usefixtures("way")
class TestEachWay:
    def test_ties_go_in_the_order_of_the_choices(self) -> None:
        candidates = candidates_of(SPACE)
        ranking = candidates.best(lambda x: torch.zeros(len(x), dtype=torch.float64), tried=[], count=7)
        assert configurations(candidates, ranking) == list(SPACE)[:7]

    def test_a_space_of_one_point_has_one_candidate(self) -> None:
        space = ConfigurationSpace((clock(choices=(900,)),))
        candidates, (only,) = candidates_of(space), tuple(space)
        assert configurations(candidates, candidates.best(lambda x: x[:, 0], tried=[], count=3)) == [only]
        assert len(candidates.best(lambda x: x[:, 0], tried=[only])) == 0

    def test_nothing_is_left_once_everything_was_tried(self) -> None:
        candidates = candidates_of(SPACE)
        everything = [*SPACE, Configuration({"gpu.core.max_mhz": 1, "batch_size": 1})]
        ranking = candidates.best(lambda x: x[:, 0], tried=everything, anchors=everything[:1], count=3)
        assert (ranking.rows.shape, ranking.features.shape, ranking.values.shape) == ((0, 2), (0, 2), (0,))
        assert candidates.is_exhausted(everything)
        assert candidates.is_exhausted(everything * 2)
        assert not candidates.is_exhausted(everything[1:])
        assert not candidates.is_exhausted(everything[1:] * 2)

    def test_what_is_worth_minus_infinity_or_nothing_known_is_never_returned(self) -> None:
        candidates = candidates_of(SPACE)

        def value(x: Tensor) -> Tensor:
            return torch.where(x[:, 0] > 0.6, math.nan, torch.where(x[:, 0] < 0.3, -math.inf, x[:, 1]))

        expected = [one for one in SPACE if 0.3 <= float(Encoding(SPACE).encode([one])[0, 0]) <= 0.6]
        for count in (len(expected), SPACE.size):
            ranking = candidates.best(value, tried=[], count=count)
            assert set(configurations(candidates, ranking)) == set(expected)
            assert len(ranking) == len(expected) > 0

    def test_everything_may_be_worth_minus_infinity(self) -> None:
        value = torch.full((SPACE.size,), -math.inf, dtype=torch.float64)
        assert len(candidates_of(SPACE).best(lambda x: value[: len(x)], tried=[], anchors=list(SPACE)[:2])) == 0


@pytest.mark.parametrize("is_pool", [False, True])
def test_a_space_that_is_valued_as_a_whole_is_valued_once_in_chunks(is_pool: bool) -> None:
    space = clocks((100, 90))
    pool = ConfigurationSpace(space.parameters, pool=tuple(space)) if is_pool else space
    seen: list[Tensor] = []

    def value(x: Tensor) -> Tensor:
        seen.append(x)
        return x[:, 0]

    tried = list(space)[:17]
    candidates_of(pool).best(value, tried)
    assert max(map(len, seen)) <= CHUNK_SIZE
    assert torch.equal(torch.cat(seen), Encoding(space).encode(list(space)[17:]))


def test_a_pool_larger_than_any_grid_that_is_listed_is_still_valued_as_a_whole() -> None:
    space = clocks((200, 100))
    pool = ConfigurationSpace(space.parameters, pool=tuple(space)[::-1])
    needle = Encoding(space).encode([list(space)[12_345]])
    candidates = candidates_of(pool)
    ranking = candidates.best(lambda x: (x == needle).all(dim=1).double(), tried=[])
    assert configurations(candidates, ranking) == [list(space)[12_345]]
