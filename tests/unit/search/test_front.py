"""The Pareto front and its expected growth, against other ways to compute the same."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from botorch.acquisition.multi_objective.analytic import ExpectedHypervolumeImprovement
from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
from botorch.utils.testing import MockModel, MockPosterior
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tuner.search.front import Point, expected_improvement, hypervolume, non_dominated
from tuner.search.surrogate import Prediction

REFERENCE = (1.0, 1.0)
DRAWS = 500
coordinates = st.floats(-1.5, 1.5)
points = st.lists(st.tuples(coordinates, coordinates), max_size=7)
deviations = st.floats(0.05, 1.0)


def candidate(mean: Point, latency_sd: float, energy_sd: float) -> Prediction:
    latency, energy = (torch.tensor([one], dtype=torch.float64) for one in mean)
    latency_sds, energy_sds = (torch.tensor([one], dtype=torch.float64) for one in (latency_sd, energy_sd))
    return Prediction(latency.unsqueeze(0), latency_sds.unsqueeze(0), energy, energy_sds)


def dominates(one: Point, other: Point) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def area(front: list[Point], reference: Point) -> float:
    """The dominated area, strip by strip."""
    total, end = 0.0, reference[0]
    for latency, energy in sorted(non_dominated(front), reverse=True):
        if latency < end and energy < reference[1]:
            total, end = total + (end - latency) * (reference[1] - energy), latency
    return total


class TestNonDominated:
    @given(points)
    def test_nothing_on_the_front_is_beaten_and_all_else_is(self, all_points: list[Point]) -> None:
        front = non_dominated(all_points)
        assert set(front) == {one for one in all_points if not any(dominates(other, one) for other in all_points)}
        assert front == sorted(front)
        assert len(front) == len(set(front))

    @given(points)
    def test_the_front_of_a_front_is_itself(self, all_points: list[Point]) -> None:
        front = non_dominated(all_points)
        assert non_dominated(front) == front

    @given(points, st.tuples(coordinates, coordinates))
    def test_another_point_never_shrinks_it(self, all_points: list[Point], another: Point) -> None:
        before, after = non_dominated(all_points), non_dominated([*all_points, another])
        assert hypervolume(after, REFERENCE) >= hypervolume(before, REFERENCE) - 1e-12


class TestHypervolume:
    @given(points)
    def test_it_is_the_area_that_is_dominated(self, all_points: list[Point]) -> None:
        front = non_dominated(all_points)
        assert hypervolume(front, REFERENCE) == pytest.approx(area_by_corners(front), abs=1e-9)

    def test_no_front_dominates_nothing(self) -> None:
        assert hypervolume([], REFERENCE) == 0.0

    def test_what_lies_beyond_the_reference_counts_nothing(self) -> None:
        assert hypervolume([(2.0, -5.0), (1.0, -6.0)], REFERENCE) == 0.0


def area_by_corners(front: list[Point]) -> float:
    """The dominated area: of every cell between the points' coordinates, whether a point lies below its corner."""
    across = sorted({REFERENCE[0], *(one for one, _ in front if one < REFERENCE[0])})
    along = sorted({REFERENCE[1], *(one for _, one in front if one < REFERENCE[1])})
    return sum(
        (right - left) * (top - bottom)
        for left, right in pairwise(across)
        for bottom, top in pairwise(along)
        if any(latency <= left and energy <= bottom for latency, energy in front)
    )


class TestExpectedImprovement:
    @given(points, st.tuples(coordinates, coordinates), deviations, deviations)
    def test_it_is_botorchs(self, all_points: list[Point], mean: Point, latency_sd: float, energy_sd: float) -> None:
        front = non_dominated(all_points)
        found = expected_improvement(candidate(mean, latency_sd, energy_sd), front, REFERENCE)
        reference = -torch.tensor(REFERENCE, dtype=torch.float64)
        outcomes = -torch.tensor(front, dtype=torch.float64).reshape(-1, 2)
        model = MockModel(
            MockPosterior(
                mean=-torch.tensor([[mean]], dtype=torch.float64),
                variance=torch.tensor([[[latency_sd**2, energy_sd**2]]], dtype=torch.float64),
            )
        )
        theirs = ExpectedHypervolumeImprovement(
            model, reference.tolist(), FastNondominatedPartitioning(reference, outcomes)
        )
        torch.testing.assert_close(found, theirs(torch.zeros(1, 1, 1, dtype=torch.float64)), rtol=1e-6, atol=1e-9)

    @settings(max_examples=5)
    @given(points, st.tuples(coordinates, coordinates), deviations, deviations)
    def test_it_is_the_mean_of_what_may_happen(
        self, all_points: list[Point], mean: Point, latency_sd: float, energy_sd: float
    ) -> None:
        front = non_dominated(all_points)
        found = expected_improvement(candidate(mean, latency_sd, energy_sd), front, REFERENCE).item()
        normals = torch.randn(DRAWS, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        outcomes = torch.tensor(mean) + normals * torch.tensor([latency_sd, energy_sd])
        gains = growths(front, outcomes)
        assert found == pytest.approx(gains.mean().item(), abs=5 * gains.std().item() / DRAWS**0.5 + 1e-3)

    def test_many_candidates_are_valued_as_each_by_itself(self) -> None:
        front = [(-0.5, 0.5), (0.2, -0.3)]
        both = Prediction(
            *(torch.tensor(one, dtype=torch.float64) for one in ([[0.0, -1.0]], [[0.2, 0.3]], [0.1, 0.4], [0.3, 0.1]))
        )
        each = [candidate((0.0, 0.1), 0.2, 0.3), candidate((-1.0, 0.4), 0.3, 0.1)]
        expected = torch.cat([expected_improvement(one, front, REFERENCE) for one in each])
        torch.testing.assert_close(expected_improvement(both, front, REFERENCE), expected)

    def test_what_is_surely_dominated_gains_nothing(self) -> None:
        assert expected_improvement(candidate((0.5, 0.5), 0.01, 0.01), [(0.0, 0.0)], REFERENCE).item() < 1e-12


def growths(front: list[Point], outcomes: Tensor) -> Tensor:
    before = area(front, REFERENCE)
    return torch.tensor([area([*front, (x, y)], REFERENCE) - before for x, y in outcomes.tolist()])
