"""The emulated NVML through the official binding: what clocks, power and energy do while the GPU works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import pynvml
import pytest

from tests.emulated.nvml import (
    NO_COMPILER,
    EventReason,
    Load,
    compiler,
)
from tests.emulated.nvml.clients import connected, refusal, wait_until

pytestmark = pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)


def instant_w(handle: Any) -> float:
    """Returns the power by the field that is not averaged."""
    field = pynvml.nvmlDeviceGetFieldValues(handle, [pynvml.NVML_FI_DEV_POWER_INSTANT])[0]
    return float(field.value.uiVal) / 1e3


def delivers(handle: Any, core_mhz: int) -> bool:
    """Tells whether the core runs at a clock."""
    return bool(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM) == core_mhz)


def energy_edges(handle: Any, count: int) -> Iterator[tuple[float, int]]:
    """Yields the instants at which the counter was seen to move, and what it moved to."""
    before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    while count:
        shown = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        if shown != before:
            before, count = shown, count - 1
            yield time.monotonic(), shown
        time.sleep(0.001)


def counted_w(handle: Any) -> float:
    """Returns the power by the energy counter, from edge to edge."""
    (first_s, first_mj), _, (last_s, last_mj) = energy_edges(handle, 3)
    return (last_mj - first_mj) / (last_s - first_s) / 1e3


def test_a_lock_changes_clock_and_power_under_load_and_the_counter_agrees() -> None:
    """On a busy machine the load may starve, so each state is waited for; where none comes about, the test fails."""
    with connected("h100-nvl") as (driver, handle), Load(driver.gpus[0].device):
        powers_w: list[float] = []

        def agreed() -> bool:
            """Tells whether counter and sensor agree while the GPU has no pause, and keeps what they say."""
            power_w = counted_w(handle)
            powers_w.append(power_w)
            fully_busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu >= 90
            return fully_busy and instant_w(handle) == pytest.approx(power_w, rel=0.1)

        settled_w = []
        for core_mhz in (1200, 600):
            pynvml.nvmlDeviceSetGpuLockedClocks(handle, 345, core_mhz)
            wait_until(partial(delivers, handle, core_mhz))
            wait_until(agreed)
            settled_w.append(powers_w[-1])
        assert settled_w[1] < 0.75 * settled_w[0]
        locked = pynvml.nvmlClocksEventReasonApplicationsClocksSetting
        wait_until(lambda: pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle) == locked)
        pynvml.nvmlDeviceSetMemoryLockedClocks(handle, 1593, 1593)
        wait_until(lambda: pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM) == 1593)


def test_the_counter_moves_by_whole_periods_and_breaks_on_demand() -> None:
    """Whoever polls on a busy machine may miss an edge, and then sees two periods at once, but never a part."""
    with connected() as (driver, handle):
        shown_mj = [mj for _, mj in energy_edges(handle, 5)]
        period_mj = driver.gpus[0].device.observe().power_w * 100
        for earlier_mj, later_mj in pairwise(shown_mj):
            periods = round((later_mj - earlier_mj) / period_mj)
            assert periods >= 1
            assert later_mj - earlier_mj == pytest.approx(periods * period_mj, rel=0.02)
        driver.control.break_energy("frozen")
        frozen = set()
        for _ in range(3):
            frozen.add(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
            time.sleep(0.12)
        assert len(frozen) == 1
        driver.control.break_energy("zero")
        assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) == 0
        driver.control.break_energy("none")
        driver.control.step_energy_back()
        assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) < min(frozen)


def test_a_throttle_comes_and_goes() -> None:
    with connected() as (driver, handle), Load(driver.gpus[0].device):
        hot = EventReason.HW_THERMAL_SLOWDOWN
        driver.control.pulse(600, on_s=0.3, off_s=0.2, times=5, reasons=hot)
        wait_until(lambda: bool(pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle) & hot))
        wait_until(partial(delivers, handle, 600))
        assert pynvml.nvmlDeviceGetViolationStatus(handle, pynvml.NVML_PERF_POLICY_THERMAL).violationTime > 0
        wait_until(lambda: not pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle) & hot)


def test_the_power_limit_is_checked_kept_and_binding() -> None:
    with connected("l4") as (driver, handle):
        assert pynvml.nvmlDeviceGetPowerManagementLimitConstraints(handle) == [40_000, 72_000]
        for out_of_range_mw in (39_999, 72_001):
            assert (
                refusal(pynvml.nvmlDeviceSetPowerManagementLimit, handle, out_of_range_mw)
                == "NVMLError_InvalidArgument"
            )
        pynvml.nvmlDeviceSetPowerManagementLimit(handle, 45_000)
        assert pynvml.nvmlDeviceGetPowerManagementLimit(handle) == 45_000
        assert pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) == 45_000
        assert pynvml.nvmlDeviceGetPowerManagementDefaultLimit(handle) == 72_000
        with Load(driver.gpus[0].device):
            wait_until(lambda: pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM) < 1700)
            capped = pynvml.nvmlClocksEventReasonSwPowerCap
            wait_until(lambda: pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle) == capped)
            wait_until(lambda: pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM) == 6250)
