"""The emulated cards against what real cards report, and against what their physics must be good for."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.model import DeviceModel, WorkloadProfile
from simulation.physics import Clocks, batch_activity, batch_timing, steady_power
from tests.emulated.nvml.catalogue import (
    A100_SXM_80GB,
    H100_NVL,
    H100_SXM,
    L4,
    MACHINES,
    P100,
    RTX_3060_LAPTOP,
    RTX_4090,
    T4,
    V100,
)
from tests.emulated.nvml.clock_lists import grid
from tests.emulated.nvml.profile import GpuProfile

DUMPS_VARIABLE = "SUPPORTED_CLOCKS_OF_REAL_CARDS"
"""Path of a JSON file ``{"NAME|source": {"supported": {"MEMORY MHZ": [CORE MHZ, ...]}}}`` made from dumps."""

CARDS = {profile.name: profile for machine in MACHINES.values() for profile in machine}
LOADED = [profile for profile in CARDS.values() if not profile.silent]


@pytest.mark.parametrize(
    ("profile", "memory_mhz", "count", "first", "last"),
    [
        (A100_SXM_80GB, 1593, 81, (1410, 1395), (225, 210)),
        (H100_NVL, 2619, 97, (1785, 1770), (360, 345)),
        (H100_NVL, 1593, 97, (1785, 1770), (360, 345)),
        (H100_SXM, 2619, 110, (1980, 1965), (360, 345)),
        (L4, 6251, 123, (2040, 2025), (225, 210)),
        (L4, 405, 30, (645, 630), (225, 210)),
        (T4, 5001, 87, (1590, 1575), (315, 300)),
        (T4, 405, 24, (645, 630), (315, 300)),
        (V100, 877, 167, (1380, 1372, 1365, 1357), (150, 142, 135)),
        (P100, 715, 63, (1328, 1316, 1303, 1290, 1278, 1265), (569, 556, 544)),
        (RTX_4090, 10501, 194, (3120, 3105), (240, 225)),
        (RTX_4090, 810, 194, (3105, 3090), (225, 210)),
        (RTX_3060_LAPTOP, 6001, 227, (2100, 2092, 2085), (420, 412, 405)),
        (RTX_3060_LAPTOP, 405, 3, (420, 412, 405), (420, 412, 405)),
    ],
)
def test_lists_are_those_of_dumps(
    profile: GpuProfile, memory_mhz: int, count: int, first: tuple[int, ...], last: tuple[int, ...]
) -> None:
    clocks = profile.clocks_mhz[memory_mhz]
    assert len(clocks) == count
    assert clocks[: len(first)] == first
    assert clocks[-len(last) :] == last


def test_every_list_of_the_dumps_is_met_exactly() -> None:
    path = Path(os.environ.get(DUMPS_VARIABLE, ""))
    if not path.is_file():
        pytest.skip(f"{DUMPS_VARIABLE} names no file with the dumps of real cards")
    dumps = json.loads(path.read_text(encoding="utf-8"))
    checked = 0
    for key, dump in dumps.items():
        profile = CARDS.get(key.partition("|")[0])
        if profile is None:
            continue
        assert {int(memory): tuple(clocks) for memory, clocks in dump["supported"].items()} == profile.clocks_mhz, key
        checked += 1
    assert checked >= 9


@given(top=st.integers(2, 250), below=st.integers(0, 200), step_mhz=st.sampled_from((7.5, 12.65625, 15.0)))
@settings(deadline=None)
def test_a_grid_begins_and_ends_with_the_clocks_it_was_asked_for(top: int, below: int, step_mhz: float) -> None:
    highest_mhz, lowest_mhz = int(top * step_mhz), int(max(1, top - below) * step_mhz)
    clocks = grid(highest_mhz, lowest_mhz, step_mhz)
    assert (clocks[0], clocks[-1]) == (highest_mhz, lowest_mhz)
    assert all(0.9 < (higher - lower) / step_mhz < 1.1 for higher, lower in pairwise(clocks))


@pytest.mark.parametrize("profile", LOADED, ids=lambda profile: profile.name)
def test_energy_of_a_batch_has_its_minimum_inside(profile: GpuProfile) -> None:
    model = profile.model()
    for workload in model.profiles:
        energies = [_batch_j(model, workload, clock) for clock in model.core_clocks_mhz]
        best = energies.index(min(energies))
        assert 0 < best < len(energies) - 1
        assert energies[0] > 1.02 * energies[best]
        assert energies[-1] > 1.02 * energies[best]


@pytest.mark.parametrize("profile", LOADED, ids=lambda profile: profile.name)
def test_the_power_limit_binds_where_demand_says_so(profile: GpuProfile) -> None:
    model = profile.model()
    drawn_w = _power_w(model, model.profiles[0], model.core_clocks_mhz[-1])
    assert drawn_w / profile.limit_w == pytest.approx(profile.demand, abs=0.1)


@pytest.mark.parametrize("profile", LOADED, ids=lambda profile: profile.name)
def test_batches_take_tens_of_milliseconds(profile: GpuProfile) -> None:
    model = profile.model()
    for workload in model.profiles:
        seconds = batch_timing(model, workload, 8, _clocks(model, model.core_clocks_mhz[-1])).total_s
        assert 0.01 < seconds < 0.06


def test_the_classifier_is_bound_by_the_core_and_the_decoder_by_memory() -> None:
    model = H100_NVL.model()
    classifier, decoder = model.profiles
    top, memory = model.core_clocks_mhz[-1], model.memory_clocks_mhz
    half = min(model.core_clocks_mhz, key=lambda clock: abs(clock - top / 2))

    def slowdown(workload: WorkloadProfile, clocks: Clocks) -> float:
        return (
            batch_timing(model, workload, 8, clocks).total_s
            / batch_timing(model, workload, 8, Clocks(top, memory[-1], 1.0)).total_s
        )

    assert slowdown(classifier, Clocks(half, memory[-1], 1.0)) > 1.7
    assert slowdown(decoder, Clocks(half, memory[-1], 1.0)) < 1.4
    assert slowdown(decoder, Clocks(top, memory[0], 1.0)) > 1.4
    assert slowdown(classifier, Clocks(top, memory[0], 1.0)) < 1.2


def _clocks(model: DeviceModel, core_mhz: float) -> Clocks:
    return Clocks(core_mhz, model.memory_clocks_mhz[-1], 1.0)


def _power_w(model: DeviceModel, workload: WorkloadProfile, core_mhz: float) -> float:
    clocks = _clocks(model, core_mhz)
    activity = batch_activity(workload, 8, batch_timing(model, workload, 8, clocks))
    return steady_power(model, clocks, activity)[0].board_w


def _batch_j(model: DeviceModel, workload: WorkloadProfile, core_mhz: float) -> float:
    return _power_w(model, workload, core_mhz) * batch_timing(model, workload, 8, _clocks(model, core_mhz)).total_s
