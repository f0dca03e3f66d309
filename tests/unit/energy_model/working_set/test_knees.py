"""Knees are found where they were put, and none where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.unit.energy_model.working_set.curves import SIZES, curve
from tuner.energy_model.working_set.knees import find_knees
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.energy_model.working_set.probe import ReadCost, measured, read_costs
from tuner.errors import BadInputError

MIB = 1 << 20


@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_two_knees_are_found_where_they_are(sharpness: float) -> None:
    found = find_knees(SIZES, curve({MIB: 0.5, 9 * MIB: 5.0}, sharpness, noise=0.02))
    assert [knee.n_bytes for knee in found.knees] == pytest.approx([MIB, 9 * MIB], rel=0.2)
    assert found.error < 0.03
    for knee, truth in zip(found.knees, (MIB, 9 * MIB), strict=True):
        assert knee.low_bytes <= truth <= knee.high_bytes
        assert knee.evidence > 10
    assert [knee.rise for knee in found.knees] == pytest.approx([0.5, 5.0 / 1.5], rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_a_flat_curve_has_no_knee_of_any_height(seed: int) -> None:
    found = find_knees(SIZES, curve({}, 1.0, noise=0.03, seed=seed))
    assert all(knee.rise < 0.1 for knee in found.knees)


def test_a_curve_that_only_falls_has_none() -> None:
    assert find_knees(SIZES, [1.0 / math.sqrt(size) for size in SIZES]).knees == ()


def test_the_order_of_the_points_does_not_matter() -> None:
    costs = curve({MIB: 3.0}, 1.0, noise=0.02)
    order = np.random.default_rng(0).permutation(len(SIZES))
    turned = find_knees([SIZES[k] for k in order], [costs[k] for k in order])
    straight = find_knees(SIZES, costs)
    assert [knee.n_bytes for knee in turned.knees] == pytest.approx([knee.n_bytes for knee in straight.knees])


@pytest.mark.parametrize(("sizes", "costs"), [(SIZES[:7], [1.0] * 7), (SIZES, [0.0] * len(SIZES))])
def test_too_few_points_and_costs_of_zero_are_refused(sizes: list[float], costs: list[float]) -> None:
    with pytest.raises(BadInputError):
        find_knees(sizes, costs)


STATED = MemoryHierarchy(
    "a machine",
    (
        MemoryLevel("L1", 32 << 10, units=2),
        MemoryLevel("L2", MIB, units=2),
        MemoryLevel("L3", 32 * MIB, shared_by=2),
        MemoryLevel("memory", 24 << 30, shared_by=2),
    ),
    "what it says",
)


def reads(knees: dict[int, float]) -> list[ReadCost]:
    costs = curve(knees, 2.0, noise=0.02)
    return [ReadCost(round(size), cost * 1e-9) for size, cost in zip(SIZES, costs, strict=True)]


def test_a_cache_that_is_smaller_than_stated_is_found_out() -> None:
    found = measured(STATED, reads({MIB: 0.4, 9 * MIB: 6.0}))
    sizes = {level.name: level.bytes_per_unit for level in found.hierarchy.levels}
    assert sizes["L1"] == 32 << 10
    assert sizes["L2"] == pytest.approx(MIB, rel=0.25)
    assert sizes["L3"] == pytest.approx(9 * MIB, rel=0.15)
    assert [level.units for level in found.hierarchy.levels] == [2, 2, 1, 1]
    assert found.hierarchy.remarks[0] == "No knee was found for L1: its size is as stated."
    assert "32 MiB are stated" in found.hierarchy.remarks[-1]


def test_a_knee_far_from_every_level_belongs_to_none() -> None:
    found = measured(STATED, reads({300_000: 2.0}))
    assert set(found.knees) == {"L2"}
    assert found.hierarchy.levels[2] == STATED.levels[2]


def test_every_size_is_read_and_timed() -> None:
    clock = iter(range(1_000_000))
    tiny = MemoryHierarchy("tiny", (MemoryLevel("L1", 16 << 10), MemoryLevel("memory", 1 << 30)), "a test")
    found = read_costs(tiny, turns=2, clock=lambda: float(next(clock)))
    assert [round(each.n_bytes / 1024) for each in found] == [16, 20, 25, 32, 40, 51, 64]
    assert all(0 < each.line_s <= 1 for each in found)
