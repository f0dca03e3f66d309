"""Encoding and candidates: numbers as logarithms, categories one-hot, the grid as an index matrix."""

from __future__ import annotations

import math

import pytest
import torch

from tests.unit.search.records import SPACE, batch, clock, governor
from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint
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
        assert space.size == points
