"""The contract of the CPU knobs on the kernel's own cpufreq core and CPU hotplug, and under a real thermal cap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knobs.contract import DeviceError, Knob, RestoreOutcome
from knobs.drivers.cpufreq.find import find_cpu
from knobs.found import Wishes
from knobs.sysfs import KernelFiles
from tests.contract.test_cpufreq import (
    BoostContract,
    CoresOnlineContract,
    GovernorContract,
    MaxContract,
    MinContract,
)
from tests.kernel.silicon_control import Silicon, until

CAPPED_MHZ = 1420.8


class OnOrinNano:
    """Two clusters that are alike."""

    @pytest.fixture
    def files(self) -> KernelFiles:
        return KernelFiles()


class OnDesktop(OnOrinNano):
    """A policy for each CPU, and boost."""

    @pytest.fixture(autouse=True)
    def desktop(self, silicon: Silicon) -> Iterator[None]:
        with silicon.board("desktop"):
            yield


class TestMax(OnOrinNano, MaxContract):
    pass


class TestMin(OnOrinNano, MinContract):
    pass


class TestGovernor(OnOrinNano, GovernorContract):
    pass


class TestCoresOnline(OnOrinNano, CoresOnlineContract):
    pass


class TestMaxOnDesktop(OnDesktop, MaxContract):
    pass


class TestBoostOnDesktop(OnDesktop, BoostContract):
    pass


@pytest.fixture
def maximum(files: KernelFiles) -> Iterator[Knob]:
    [knob] = [knob for knob in find_cpu(files, Wishes()).knobs if knob.spec.id == MaxContract.knob_id]
    captured = knob.capture()
    yield knob
    knob.restore(captured)


class TestUnderAThermalCap:
    """The cap of a cooling device arrives through the same file as the user's limit."""

    def test_what_is_captured_is_never_the_cap(self, maximum: Knob, silicon: Silicon, files: KernelFiles) -> None:
        before = maximum.capture()
        with silicon.hot("cpu-thermal"):
            until(lambda: maximum.read() == pytest.approx(CAPPED_MHZ))
            impatient = impatiently(files)
            with pytest.raises(DeviceError, match="thermal cap cpufreq-cpu0 is at state 4"):
                impatient.capture()
        until(lambda: maximum.read() == maximum.spec.values[-1])
        assert maximum.capture() == before

    def test_what_is_restored_under_a_cap_is_pending_and_there_once_it_is_cool(
        self, maximum: Knob, silicon: Silicon, files: KernelFiles
    ) -> None:
        captured = maximum.capture()
        maximum.write(maximum.spec.values[3])
        with silicon.hot("cpu-thermal"):
            assert maximum.restore(captured) is RestoreOutcome.PENDING
        assert maximum.restore(captured) is RestoreOutcome.RESTORED
        assert maximum.read() == maximum.spec.values[-1]

    def test_the_monitor_names_it(self, silicon: Silicon, files: KernelFiles) -> None:
        [monitor] = find_cpu(files, Wishes()).monitors
        assert monitor.observe().obstacles == ()
        with silicon.hot("cpu-thermal"):
            assert any("cpufreq-cpu0" in obstacle for obstacle in monitor.observe().obstacles)


def impatiently(files: KernelFiles) -> Knob:
    """Returns the knob with a clock that jumps, so that it does not wait for the cap to go."""
    now_s = iter(range(0, 10_000, 60))
    found = find_cpu(files, Wishes(), clock=lambda: float(next(now_s)), sleep=lambda _: None)
    [knob] = [knob for knob in found.knobs if knob.spec.id == MaxContract.knob_id]
    return knob
