"""Encoding and candidates: numbers as logarithms, categories one-hot, the grid as an index matrix."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.search.records import SPACE, batch, clock, governor
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint, Parameter
from tuner.search import candidates as candidates_module
from tuner.search.candidates import Candidates
from tuner.search.encoding import Encoding


def test_the_smallest_choice_is_0_and_the_largest_is_1() -> None:
    encoded = Encoding(SPACE).encode(SPACE)
    assert encoded.dtype == torch.float64
    assert encoded.min(dim=0).values.tolist() == [0.0, 0.0]
    assert encoded.max(dim=0).values.tolist() == pytest.approx([1.0, 1.0])


def test_equal_ratios_are_equally_far_apart() -> None:
    encoded = Encoding(ConfigurationSpace((batch(),))).encode(
        Configuration({"batch_size": b}) for b in (1, 2, 4, 8, 16)
    )
    assert encoded.flatten().tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_the_span_keeps_how_many_octaves_a_parameter_has() -> None:
    (column,) = Encoding(ConfigurationSpace((batch(),))).columns
    assert column.log_span == pytest.approx(math.log(16))


def test_a_category_is_one_column_a_choice() -> None:
    space = ConfigurationSpace((governor(),))
    encoded = Encoding(space).encode(space)
    assert torch.equal(encoded, torch.eye(3, dtype=torch.float64))


def test_an_unknown_category_is_zero_everywhere() -> None:
    encoded = Encoding(ConfigurationSpace((governor(),))).encode([Configuration({"cpu.governor": "unheard-of"})])
    assert encoded.tolist() == [[0.0, 0.0, 0.0]]


def test_a_parameter_with_one_choice_tells_nothing_apart() -> None:
    space = ConfigurationSpace((clock(choices=(900,)),))
    assert Encoding(space).encode(space).tolist() == [[0.0]]


@st.composite
def spaces(draw: st.DrawFn) -> ConfigurationSpace:
    numbers = st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True).map(lambda one: tuple(sorted(one)))
    parameters: list[Parameter] = [clock(f"clock_{number}", draw(numbers)) for number in range(draw(st.integers(1, 3)))]
    constraints = []
    if len(parameters) > 1 and draw(st.booleans()):
        constraints.append(OrderConstraint("clock_1", "clock_0", draw(st.sampled_from([0.5, 1.0, 1.5]))))
    if draw(st.booleans()):
        parameters.append(governor())
    space = ConfigurationSpace(tuple(parameters), tuple(constraints))
    if draw(st.booleans()):
        return ConfigurationSpace(space.parameters, pool=tuple(space)[::2])
    return space


@given(spaces())
def test_candidates_are_what_the_space_yields_in_the_same_order(space: ConfigurationSpace) -> None:
    candidates = Candidates(space, Encoding(space))
    assert [candidates[position] for position in range(len(candidates))] == list(space)


@given(spaces(), st.data())
def test_the_untried_are_all_but_the_tried(space: ConfigurationSpace, data: st.DataObject) -> None:
    everything = list(space)
    tried = data.draw(st.lists(st.sampled_from(everything))) if everything else []
    candidates = Candidates(space, Encoding(space))
    untried = [candidates[int(position)] for position in candidates.untried(tried)]
    assert untried == [configuration for configuration in everything if configuration not in tried]


def test_chunks_hold_the_encoding_of_their_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates_module, "CHUNK_SIZE", 7)
    encoding = Encoding(SPACE)
    candidates = Candidates(SPACE, encoding)
    chunks = list(candidates.chunks(candidates.untried([])))
    assert [len(positions) for positions, _ in chunks] == [7] * 7 + [6]
    assert torch.equal(torch.cat([features for _, features in chunks]), encoding.encode(SPACE))


def test_the_grids_of_the_polythrottle_paper_have_5005_and_1820_points() -> None:
    for memory_clocks, points in ((11, 5005), (4, 1820)):
        space = ConfigurationSpace(
            (
                batch(),
                clock("gpu.core.min_mhz", tuple(range(100, 1400, 100))),
                clock("gpu.core.max_mhz", tuple(range(100, 1400, 100))),
                clock("memory.mhz", tuple(range(100, 100 + memory_clocks))),
            ),
            (OrderConstraint("gpu.core.min_mhz", "gpu.core.max_mhz"),),
        )
        assert len(Candidates(space, Encoding(space))) == points
