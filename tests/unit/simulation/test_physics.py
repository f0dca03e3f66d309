"""The steady formulas: what must hold whatever the constants are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.catalogue import DEVICES, device_model
from simulation.model import DeviceModel, VoltageCurve, WorkloadProfile
from simulation.physics import (
    IDLE,
    Clocks,
    batch_activity,
    batch_timing,
    core_voltage_v,
    power,
    soft_maximum,
    steady_power,
)

ORIN = device_model("virtual:agx-orin")
devices = st.sampled_from(DEVICES)
batches = st.integers(1, 64)
cpu_ratios = st.floats(0.1, 1.0)


def energy_per_item_j(model: DeviceModel, profile: WorkloadProfile, items: int, clocks: Clocks) -> float:
    timing = batch_timing(model, profile, items, clocks)
    drawn, _ = steady_power(model, clocks, batch_activity(profile, items, timing))
    return drawn.board_w * timing.total_s / items


def highest(model: DeviceModel, core_mhz: float) -> Clocks:
    return Clocks(core_mhz, model.memory_clocks_mhz[-1], cpu_ratio=1.0)


@given(st.floats(0, 1e3), st.floats(0, 1e3), st.floats(1, 20))
def test_a_soft_maximum_lies_between_maximum_and_sum(first: float, second: float, order: float) -> None:
    result = soft_maximum(first, second, order)
    assert max(first, second) * (1 - 1e-9) <= result <= (first + second) * (1 + 1e-9)
    assert result == soft_maximum(second, first, order)


@given(devices, batches, cpu_ratios, st.data())
def test_a_higher_clock_never_slows_a_batch(
    model: DeviceModel, items: int, cpu_ratio: float, data: st.DataObject
) -> None:
    profile = data.draw(st.sampled_from(model.profiles))
    low_mhz, high_mhz = sorted(data.draw(st.tuples(*[st.sampled_from(model.core_clocks_mhz)] * 2)))
    low_memory_mhz, high_memory_mhz = sorted(data.draw(st.tuples(*[st.sampled_from(model.memory_clocks_mhz)] * 2)))
    slow = batch_timing(model, profile, items, Clocks(low_mhz, low_memory_mhz, cpu_ratio))
    fast = batch_timing(model, profile, items, Clocks(high_mhz, high_memory_mhz, 1.0))
    assert fast.total_s <= slow.total_s
    assert fast.total_s <= batch_timing(model, profile, items + 1, Clocks(high_mhz, high_memory_mhz, 1.0)).total_s


@given(devices, batches, cpu_ratios, st.floats(0, 110), st.data())
def test_power_and_utilisation_are_possible(
    model: DeviceModel, items: int, cpu_ratio: float, temperature_c: float, data: st.DataObject
) -> None:
    profile = data.draw(st.sampled_from(model.profiles))
    clocks = Clocks(
        data.draw(st.sampled_from(model.core_clocks_mhz)),
        data.draw(st.sampled_from(model.memory_clocks_mhz)),
        cpu_ratio,
    )
    activity = batch_activity(profile, items, batch_timing(model, profile, items, clocks))
    assert 0 < activity.core_utilisation <= 1
    assert 0 < activity.host_utilisation <= 1
    assert activity.traffic_gb_s <= model.bandwidth_gb_s * (1 + 1e-9)
    busy, idle = power(model, clocks, activity, temperature_c), power(model, clocks, IDLE, temperature_c)
    assert 0 < busy.core_w < busy.board_w
    assert idle.board_w < busy.board_w
    assert power(model, clocks, activity, temperature_c + 10).board_w > busy.board_w


@pytest.mark.parametrize("model", DEVICES, ids=lambda model: model.name)
def test_voltage_rises_in_the_regulators_steps(model: DeviceModel) -> None:
    curve = model.voltage
    voltages = [core_voltage_v(curve, clock) for clock in model.core_clocks_mhz]
    assert voltages == sorted(voltages)
    assert voltages[0] == curve.floor_v
    assert len(set(voltages)) < len(voltages), "some neighbouring clocks share a voltage"
    for voltage in voltages:
        steps = (voltage - curve.floor_v) / curve.step_v
        assert steps == pytest.approx(round(steps))


@pytest.mark.parametrize("steps", range(1, 30))
def test_a_rise_of_whole_steps_is_not_rounded_up(steps: int) -> None:
    curve = VoltageCurve(floor_v=0.6, knee_mhz=300, slope_v_per_ghz=0.3, step_v=0.03)
    assert core_voltage_v(curve, 300 + 100 * steps) == pytest.approx(0.6 + 0.03 * steps)
    assert core_voltage_v(curve, 301 + 100 * steps) == pytest.approx(0.6 + 0.03 * (steps + 1))


@pytest.mark.parametrize("model", DEVICES, ids=lambda model: model.name)
@pytest.mark.parametrize("items", [1, 4, 16])
def test_energy_against_gpu_clock_has_an_interior_minimum(model: DeviceModel, items: int) -> None:
    energies_j = [
        energy_per_item_j(model, model.profiles[0], items, highest(model, mhz)) for mhz in model.core_clocks_mhz
    ]
    best = energies_j.index(min(energies_j))
    assert 0 < best < len(energies_j) - 1
    assert energies_j[best] < 0.95 * min(energies_j[0], energies_j[-1])


def test_stationary_temperature_balances_the_power() -> None:
    clocks = highest(ORIN, 1300.5)
    profile = ORIN.profiles[0]
    activity = batch_activity(profile, 8, batch_timing(ORIN, profile, 8, clocks))
    drawn, temperature_c = steady_power(ORIN, clocks, activity)
    heated_c = ORIN.thermal.ambient_c + ORIN.thermal.resistance_c_per_w * drawn.board_w
    assert temperature_c == pytest.approx(heated_c, abs=1e-6)
    assert power(ORIN, clocks, activity, temperature_c).board_w == pytest.approx(drawn.board_w)


def test_a_slower_cpu_slows_only_what_the_host_limits() -> None:
    full, slow_cpu = highest(ORIN, 1300.5), Clocks(1300.5, 3199, cpu_ratio=0.5)
    host_bound = ORIN.profiles[0]
    core_bound = replace(host_bound, host_s=1e-6)
    assert batch_timing(ORIN, host_bound, 1, slow_cpu).total_s > 1.5 * batch_timing(ORIN, host_bound, 1, full).total_s
    unchanged_s = batch_timing(ORIN, core_bound, 1, full).total_s
    assert batch_timing(ORIN, core_bound, 1, slow_cpu).total_s == pytest.approx(unchanged_s)
