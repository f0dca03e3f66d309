"""One emulated GPU on a clock that the test moves: settings, sensors, and reasons, exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulated.nvml.catalogue import A100_SXM_80GB, GH200, H100_NVL, L4, RTX_4090, T4, V100
from tests.emulated.nvml.codes import (
    CLOCK_LIMIT_TDP,
    CLOCK_LIMIT_UNLIMITED,
    EventReason,
    Field,
    NvmlRefusal,
    ReturnCode,
)
from tests.emulated.nvml.device import NvidiaDevice
from tests.emulated.nvml.fields import field_answers
from tests.emulated.nvml.gpu import EmulatedGpu
from tests.emulated.nvml.profile import GpuProfile, PowerSensor
from tests.emulated.nvml.releases import RELEASES
from tests.emulated.nvml.sensors import BEFORE_SWITCH_ON_MJ, CounterFault, Sensors
from tests.emulated.nvml.settings import Settings


class Bench:
    """A GPU whose time passes only when the test lets it."""

    def __init__(self, profile: GpuProfile) -> None:
        self.now_s = 100.0
        self.gpu = EmulatedGpu(profile, 0)
        device = NvidiaDevice(profile.model(), 0, clock=lambda: self.now_s, sleep=self.wait)
        self.gpu.device = device
        self.gpu.settings = Settings(profile, device)
        self.gpu.sensors = Sensors(profile, device)

    def wait(self, duration_s: float) -> None:
        self.now_s += duration_s

    def wait_until(self, time_s: float) -> None:
        """Waits until the device's own clock shows a time."""
        self.now_s = 100.0 + time_s

    def work(self, duration_s: float) -> None:
        until_s = self.now_s + duration_s
        while self.now_s < until_s:
            self.gpu.device.infer("classifier", 8)

    @property
    def core_mhz(self) -> float:
        return self.gpu.device.observe().core_mhz


def readings(bench: Bench, step_s: float, count: int) -> Iterator[int]:
    for _ in range(count):
        bench.wait(step_s)
        yield bench.gpu.sensors.energy_mj()


@pytest.mark.parametrize(("profile", "period_s"), [(A100_SXM_80GB, 0.1), (T4, 0.1), (V100, 0.02)])
def test_the_energy_counter_moves_once_a_period(profile: GpuProfile, period_s: float) -> None:
    bench = Bench(profile)
    assert bench.gpu.sensors.energy_mj() == BEFORE_SWITCH_ON_MJ
    bench.wait(0.0005)
    shown = list(readings(bench, 0.001, 1000))
    moves = [index for index in range(1, len(shown)) if shown[index] != shown[index - 1]]
    assert all(later - earlier == round(period_s * 1000) for earlier, later in pairwise(moves))
    assert len(moves) == pytest.approx(1.0 / period_s, abs=1)


def test_the_energy_counter_is_true_at_its_edges() -> None:
    bench = Bench(A100_SXM_80GB)
    bench.work(1.0)
    bench.wait_until(1.5)
    truth_j = bench.gpu.device.observe().energy_j
    bench.wait(0.05)
    assert bench.gpu.sensors.energy_mj() - BEFORE_SWITCH_ON_MJ == pytest.approx(truth_j * 1e3, abs=1)


def test_a_broken_energy_counter() -> None:
    bench = Bench(A100_SXM_80GB)
    bench.wait(1.0)
    sensors = bench.gpu.sensors
    before_mj = sensors.energy_mj()
    sensors.break_counter(CounterFault.FROZEN)
    bench.wait(1.0)
    assert sensors.energy_mj() == before_mj
    sensors.break_counter(CounterFault.ZERO)
    assert sensors.energy_mj() == 0
    sensors.break_counter(CounterFault.NONE)
    assert sensors.energy_mj() > before_mj
    sensors.step_counter_back()
    assert sensors.energy_mj() == 0
    bench.wait(1.0)
    assert 0 < sensors.energy_mj() < before_mj


def test_the_instant_sensor_of_an_a100_sees_a_quarter_of_the_time() -> None:
    """Work that is timed against the sensor's period is seen, or not: the same work, another power."""
    assert _mean_instant_w(A100_SXM_80GB, 0.0) > 1.6 * _mean_instant_w(A100_SXM_80GB, 0.05)
    everything_seen = dataclasses.replace(A100_SXM_80GB, sensor=PowerSensor(usage_averaged=False))
    assert _mean_instant_w(everything_seen, 0.0) == pytest.approx(_mean_instant_w(everything_seen, 0.05), rel=0.05)


def _mean_instant_w(profile: GpuProfile, offset_s: float) -> float:
    bench = Bench(profile)
    shown = []
    for period in range(1, 20):
        bench.wait_until(period * 0.1 + offset_s)
        bench.gpu.device.infer("classifier", 8)
        bench.wait_until(period * 0.1 + 0.099)
        shown.append(bench.gpu.sensors.instant_w())
    return sum(shown) / len(shown)


def test_power_usage_is_a_mean_of_a_second_where_the_architecture_says_so() -> None:
    averaged, instant = Bench(H100_NVL), Bench(A100_SXM_80GB)
    for bench in (averaged, instant):
        bench.wait(3.0)
        idle_w = bench.gpu.sensors.usage_w()
        bench.work(0.3)
        assert bench.gpu.sensors.instant_w() > 2.5 * idle_w
    assert averaged.gpu.sensors.usage_w() < 0.6 * averaged.gpu.sensors.instant_w()
    assert instant.gpu.sensors.usage_w() == instant.gpu.sensors.instant_w()
    averaged.work(1.2)
    assert averaged.gpu.sensors.usage_w() == pytest.approx(averaged.gpu.sensors.instant_w(), rel=0.05)


def test_utilization_looks_back_a_sixth_of_a_second() -> None:
    bench = Bench(L4)
    bench.work(0.5)
    assert bench.gpu.sensors.utilization_percent()[0] == 100
    bench.wait(1 / 12)
    assert bench.gpu.sensors.utilization_percent()[0] == pytest.approx(50, abs=3)
    bench.wait(0.1)
    assert bench.gpu.sensors.utilization_percent() == (0, 0)


def test_a_card_that_is_always_in_p0_keeps_to_its_lock_when_idle() -> None:
    bench = Bench(A100_SXM_80GB)
    bench.wait(1.0)
    assert bench.core_mhz == 210
    bench.gpu.settings.lock_core(1005, 1200)
    assert bench.core_mhz == 1005
    bench.work(0.2)
    assert (bench.core_mhz, bench.gpu.performance_state()) == (1200, 0)


def test_clocks_park_in_p8_below_the_lock_too() -> None:
    bench = Bench(L4)
    bench.gpu.settings.lock_core(1005, 1500)
    assert bench.core_mhz == 210
    bench.work(0.2)
    assert (bench.core_mhz, bench.gpu.device.observe().memory_mhz, bench.gpu.performance_state()) == (1500, 6251, 0)
    bench.wait(1.0)
    assert (bench.core_mhz, bench.gpu.device.observe().memory_mhz, bench.gpu.performance_state()) == (210, 405, 8)


def test_a_low_memory_clock_bounds_the_core_clock() -> None:
    bench = Bench(L4)
    bench.gpu.settings.lock_memory(405, 405)
    bench.work(0.3)
    observed = bench.gpu.device.observe()
    assert (observed.core_mhz, observed.memory_mhz) == (645, 405)
    bench.gpu.settings.unlock_memory()
    bench.work(0.1)
    assert bench.core_mhz > 645


def test_a_geforce_computes_one_memory_clock_below_the_highest() -> None:
    bench = Bench(RTX_4090)
    bench.gpu.settings.lock_memory(10501, 10501)
    bench.work(0.1)
    assert bench.gpu.device.observe().memory_mhz == 10251
    assert bench.gpu.performance_state() == 2


@given(low=st.integers(0, 4000), high=st.integers(0, 4000))
@settings(max_examples=50, deadline=None)
def test_any_range_is_snapped_into_the_list_or_refused(low: int, high: int) -> None:
    gpu = EmulatedGpu(L4, 0)
    if low > high:
        with pytest.raises(NvmlRefusal) as refused:
            gpu.settings.lock_core(low, high)
        assert refused.value.code == ReturnCode.INVALID_ARGUMENT
        assert gpu.settings.core_lock_mhz is None
        return
    gpu.settings.lock_core(low, high)
    snapped_low, snapped_high = gpu.settings.core_range_mhz
    listed = L4.clocks_mhz[6251]
    assert snapped_low in listed
    assert snapped_high in listed
    assert snapped_low <= snapped_high <= max(high, listed[-1])


_OPERATIONS = st.one_of(
    st.tuples(st.just("lock_core"), st.integers(0, 1500), st.integers(1500, 3000)),
    st.tuples(st.just("lock_memory"), st.integers(0, 1000), st.integers(1000, 9000)),
    st.tuples(st.just("lock_memory"), st.just(405), st.just(405)),
    st.tuples(st.just("set_application"), st.just(405), st.sampled_from(L4.clocks_mhz[405])),
    st.tuples(st.just("limit_power"), st.integers(40, 72)),
    st.tuples(st.sampled_from(("unlock_core", "unlock_memory", "reset_application", "forget"))),
)


@given(operations=st.lists(_OPERATIONS, max_size=12))
@settings(max_examples=50, deadline=None)
def test_whatever_is_set_the_delivered_clocks_are_a_listed_pair(operations: list[tuple[Any, ...]]) -> None:
    bench = Bench(L4)
    for name, *arguments in operations:
        getattr(bench.gpu.settings, name)(*arguments)
        bench.work(0.06)
        delivered = bench.gpu.device.observe()
        assert delivered.core_mhz in L4.clocks_mhz[int(delivered.memory_mhz)]
        assert delivered.core_mhz <= bench.gpu.settings.core_range_mhz[1]
        assert delivered.memory_mhz == bench.gpu.settings.memory_mhz
    bench.gpu.settings.forget()
    assert bench.gpu.settings.core_range_mhz == (210, 2040)
    assert bench.gpu.settings.limit_w == bench.gpu.device.model.power.cap_w == 72


def test_symbols_stand_for_clocks_but_not_beside_them() -> None:
    gpu = EmulatedGpu(A100_SXM_80GB, 0)
    gpu.settings.lock_core(CLOCK_LIMIT_TDP, CLOCK_LIMIT_UNLIMITED)
    assert gpu.settings.core_range_mhz == (1275, 1410)
    with pytest.raises(NvmlRefusal):
        gpu.settings.lock_core(210, CLOCK_LIMIT_UNLIMITED)


def test_the_power_limit_binds_under_load_and_says_so() -> None:
    bench = Bench(L4)
    bench.work(3.0)
    assert bench.gpu.event_reasons() == EventReason.SW_POWER_CAP
    assert bench.gpu.sensors.average_w() <= 72.5
    capped_mhz = bench.core_mhz
    bench.gpu.settings.limit_power(40)
    bench.work(3.0)
    assert bench.core_mhz < capped_mhz
    assert bench.gpu.sensors.average_w() <= 40.5
    bench.gpu.settings.limit_power(72)
    bench.gpu.settings.lock_core(210, 600)
    bench.work(3.0)
    assert bench.gpu.event_reasons() == EventReason.APPLICATIONS_CLOCKS_SETTING
    bench.wait(1.0)
    assert bench.gpu.event_reasons() == EventReason.GPU_IDLE


def test_heat_holds_the_clock_down_counts_and_lets_go() -> None:
    bench = Bench(H100_NVL)
    bench.gpu.hold_down(600, EventReason.HW_THERMAL_SLOWDOWN)
    bench.work(0.5)
    assert bench.core_mhz == 600
    assert EventReason.HW_THERMAL_SLOWDOWN in bench.gpu.event_reasons()
    held_s = bench.gpu.device.now().heat_capped_s
    assert held_s == pytest.approx(0.5, abs=0.1)
    bench.gpu.hold_down(None, EventReason.HW_THERMAL_SLOWDOWN)
    bench.work(4.0)
    assert bench.core_mhz > 1000
    assert EventReason.HW_THERMAL_SLOWDOWN not in bench.gpu.event_reasons()


def test_a_clock_that_never_arrives_without_a_reason() -> None:
    bench = Bench(A100_SXM_80GB)
    bench.gpu.hold_down(900, EventReason.NONE)
    bench.work(0.5)
    assert bench.core_mhz == 900
    assert bench.gpu.event_reasons() == EventReason.NONE


@pytest.mark.parametrize(
    ("profile", "branch", "field", "scope", "code"),
    [
        (H100_NVL, 570, Field.POWER_AVERAGE, 0, ReturnCode.SUCCESS),
        (H100_NVL, 570, Field.POWER_AVERAGE, 1, ReturnCode.NOT_SUPPORTED),
        (A100_SXM_80GB, 535, Field.POWER_AVERAGE, 0, ReturnCode.NOT_SUPPORTED),
        (A100_SXM_80GB, 535, Field.POWER_INSTANT, 0, ReturnCode.SUCCESS),
        (A100_SXM_80GB, 515, Field.POWER_INSTANT, 0, ReturnCode.INVALID_ARGUMENT),
        (A100_SXM_80GB, 515, Field.TOTAL_ENERGY_CONSUMPTION, 0, ReturnCode.SUCCESS),
        (GH200, 570, Field.POWER_INSTANT, 0, ReturnCode.NOT_SUPPORTED),
        (GH200, 570, Field.POWER_INSTANT, 1, ReturnCode.SUCCESS),
        (GH200, 570, Field.ENERGY, 0, ReturnCode.NOT_SUPPORTED),
        (GH200, 570, Field.ENERGY, 1, ReturnCode.SUCCESS),
        (A100_SXM_80GB, 535, 94, 0, ReturnCode.NOT_SUPPORTED),
    ],
)
def test_each_field_has_a_code_of_its_own(
    profile: GpuProfile, branch: int, field: int, scope: int, code: ReturnCode
) -> None:
    bench = Bench(profile)
    bench.wait(2.0)
    answer = field_answers(bench.gpu, RELEASES[branch], (field, scope))
    assert answer[0] == code
    assert (answer[2] > 0) == (code == ReturnCode.SUCCESS)


def test_the_module_of_a_grace_hopper_draws_more_than_its_gpu() -> None:
    bench = Bench(GH200)
    bench.wait(2.0)
    _, _, module_mw = field_answers(bench.gpu, RELEASES[570], (Field.POWER_INSTANT, 1))
    assert module_mw == pytest.approx((bench.gpu.sensors.instant_w() + 60) * 1e3, abs=1)
