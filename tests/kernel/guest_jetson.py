"""The contract of a Jetson's knobs on the kernel's own devfreq core, and over a memory clock that is made up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knobs.contract import DeviceError, Knob, RestoreOutcome
from knobs.drivers.jetson import find_jetson
from knobs.found import Found, Wishes
from knobs.meters.sampling import Sampler
from knobs.sysfs import KernelFiles
from tests.contract.test_jetson import (
    BoldMemoryContract,
    JetsonMeterContract,
    MaximumContract,
    MemoryContract,
    MinimumContract,
)
from tests.kernel.silicon_control import Silicon, until

GPU_MAX, GPU_MIN, MEMORY = "gpu.core.max_mhz", "gpu.core.min_mhz", "memory.max_mhz"


class OnOrinNano:
    """Everything that the guest's board has."""

    @pytest.fixture
    def files(self) -> KernelFiles:
        return KernelFiles()


class WithoutCap(OnOrinNano):
    """As where nvpmodel's module is not loaded: the memory clock is held through debugfs."""

    @pytest.fixture(autouse=True)
    def no_cap(self, silicon: Silicon) -> Iterator[None]:
        with silicon.without("memory_cap"):
            yield


class TestMaximum(OnOrinNano, MaximumContract):
    def test_the_clock_follows_it(self, knob: Knob, files: KernelFiles) -> None:
        captured = knob.capture()
        for value in knob.spec.values:
            knob.write(value)
            until(lambda value=value: current_mhz(files) == value)
        knob.restore(captured)


class TestMinimum(OnOrinNano, MinimumContract):
    pass


class TestMemory(OnOrinNano, MemoryContract):
    pass


class TestBoldMemory(OnOrinNano, BoldMemoryContract):
    pass


class TestHeldMemory(WithoutCap, MemoryContract):
    pass


class TestBoardMeter(OnOrinNano, JetsonMeterContract):
    pass


def find(files: KernelFiles) -> Found:
    return find_jetson(files, Wishes(), Sampler())


def knob_of(files: KernelFiles, knob_id: str) -> Knob:
    return {knob.spec.id: knob for knob in find(files).knobs}[knob_id]


def current_mhz(files: KernelFiles) -> float:
    return int(files.read_text("/sys/class/devfreq/17000000.gpu/cur_freq")) / 1e6


class TestUnderAThermalCap:
    @pytest.fixture
    def maximum(self, files: KernelFiles) -> Iterator[Knob]:
        knob = knob_of(files, GPU_MAX)
        captured = knob.capture()
        yield knob
        knob.restore(captured)

    def test_what_is_captured_is_never_the_cap(self, maximum: Knob, silicon: Silicon, files: KernelFiles) -> None:
        now_s = iter(range(0, 10_000, 60))
        found = find_jetson(files, Wishes(), Sampler(), clock=lambda: float(next(now_s)), sleep=lambda _: None)
        impatient = next(knob for knob in found.knobs if knob.spec.id == GPU_MAX)
        with silicon.hot("gpu-thermal"), pytest.raises(DeviceError, match="thermal cap"):
            impatient.capture()

    def test_what_is_restored_under_a_cap_is_pending_and_there_once_it_is_cool(
        self, maximum: Knob, silicon: Silicon
    ) -> None:
        captured = maximum.capture()
        maximum.write(maximum.spec.values[0])
        with silicon.hot("gpu-thermal"):
            assert maximum.restore(captured) is RestoreOutcome.PENDING
        assert maximum.restore(captured) is RestoreOutcome.RESTORED
        assert maximum.read() == maximum.spec.values[-1]


def test_the_monitor_sees_the_clock_that_runs_and_the_cap_that_holds_it_down(
    silicon: Silicon, files: KernelFiles
) -> None:
    [monitor] = find(files).monitors
    conditions = monitor.observe()
    assert dict(conditions.delivered)[GPU_MAX] == 1020
    assert conditions.obstacles == ()
    with silicon.hot("gpu-thermal"):
        until(lambda: current_mhz(files) == 612)
        conditions = monitor.observe()
    assert dict(conditions.delivered)[GPU_MAX] == 612
    assert any("devfreq" in obstacle for obstacle in conditions.obstacles)


@pytest.mark.parametrize("part", ["devfreq", "bpmp"])
def test_a_part_that_is_gone_is_absent_and_the_rest_is_there(silicon: Silicon, files: KernelFiles, part: str) -> None:
    with silicon.without(part), silicon.without("memory_cap"):
        found = find(files)
    ids = {knob.spec.id for knob in found.knobs}
    gone = {"devfreq": {GPU_MAX, GPU_MIN}, "bpmp": {MEMORY}}[part]
    assert ids.isdisjoint(gone)
    assert gone <= {absence.id for absence in found.absent}
