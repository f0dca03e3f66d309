"""The contract of the meters on the kernel's own powercap, hwmon and power supply classes, and when parts fail."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest

from knobs.contract import DeviceError, Meter, NoValueError, Scope
from knobs.found import Found, Wishes
from knobs.meters.battery import find_battery
from knobs.meters.hwmon import find_hwmon
from knobs.meters.ina3221 import find_ina3221
from knobs.meters.rapl import find_rapl
from knobs.meters.sampling import Sampler
from knobs.sysfs import KernelFiles
from tests.contract.meter_contract import MeterContract
from tests.kernel.silicon_control import Silicon, until

BOARD = "hwmon.ltc2947.board-monitor"
WISHES = Wishes(scopes={f"{BOARD}.power1": Scope.BOARD, f"{BOARD}.energy1": Scope.BOARD})


@pytest.fixture
def sampler() -> Sampler:
    return Sampler()


class RealMeterContract(MeterContract):
    def advance(self, meter: Meter) -> None:
        """Until the next update, however long the guest takes to show it."""
        shown_s = meter.sample().time_s
        time.sleep(0.25)
        until(lambda: meter.sample().time_s > shown_s, limit_s=20.0)


class TestRapl(RealMeterContract):
    @pytest.fixture
    def meter(self, files: KernelFiles, sampler: Sampler) -> Meter:
        return rapl(files, sampler)


class TestIna3221(RealMeterContract):
    @pytest.fixture
    def meter(self, files: KernelFiles, sampler: Sampler) -> Meter:
        return only(find_ina3221(files, sampler), "board.power")


def hurried(factor: float) -> Sampler:
    """Returns a sampler whose time goes faster, for devices that take long for a new value."""
    return Sampler(clock=lambda: factor * time.monotonic())


class TestBattery(RealMeterContract):
    @pytest.fixture
    def meter(self, files: KernelFiles) -> Meter:
        return only(find_battery(files, Wishes(), hurried(200)), "board.battery")


@pytest.mark.parametrize("channel", ["power1", "energy1"])
class TestHwmon(RealMeterContract):
    @pytest.fixture
    def meter(self, channel: str, files: KernelFiles) -> Meter:
        return only(find_hwmon(files, WISHES, hurried(10)), f"{BOARD}.{channel}")


def only(found: Found, meter_id: str) -> Meter:
    [meter] = [meter for meter in found.meters if meter.spec.id == meter_id]
    return meter


def rapl(files: KernelFiles, sampler: Sampler) -> Meter:
    return only(find_rapl(files, sampler), "cpu.package.rapl")


def test_a_counter_that_wraps_goes_on(files: KernelFiles, silicon: Silicon, sampler: Sampler) -> None:
    silicon.set("powercap", "wraps_in_uj", 1_000_000)
    meter = rapl(files, sampler)
    values = [meter.sample().value]
    deadline_s = time.monotonic() + 1.5
    while time.monotonic() < deadline_s:
        values.append(meter.sample().value)
    assert values == sorted(values)
    assert 1 < values[-1] - values[0] < 60


def test_all_meters_of_one_board_tell_the_same(files: KernelFiles, sampler: Sampler) -> None:
    rails = only(find_ina3221(files, sampler), "board.power")
    counted = only(find_hwmon(files, WISHES, sampler), f"{BOARD}.energy1")
    for meter in (rails, counted):
        meter.sample()
    time.sleep(0.5)
    start = rails.sample(), counted.sample()
    time.sleep(2.0)
    end = rails.sample(), counted.sample()
    watts = [
        (after.value - before.value) / (after.time_s - before.time_s) for before, after in zip(start, end, strict=True)
    ]
    assert watts[0] == pytest.approx(watts[1], rel=0.1)


def test_a_counter_that_does_not_answer_for_long_has_no_value_and_goes_on_after_it(
    files: KernelFiles, silicon: Silicon, sampler: Sampler
) -> None:
    meter = rapl(files, sampler)
    before = meter.sample().value
    with silicon.failing("powercap", errno.EIO):
        until(lambda: has_no_value(meter))
    assert meter.sample().value > before


def has_no_value(meter: Meter) -> bool:
    try:
        meter.sample()
    except NoValueError:
        return True
    return False


def test_a_counter_that_is_gone_is_lost(files: KernelFiles, silicon: Silicon, sampler: Sampler) -> None:
    meter = rapl(files, sampler)
    meter.sample()
    with silicon.without("powercap"), pytest.raises(DeviceError, match="energy_uj"):
        meter.sample()


def test_a_sensor_that_is_gone_is_absent(files: KernelFiles, silicon: Silicon, sampler: Sampler) -> None:
    with silicon.without("ina3221"):
        assert find_ina3221(files, sampler).meters == ()
    with silicon.without("battery"):
        assert find_battery(files, Wishes(), sampler) == Found()
    with silicon.without("powercap"):
        assert find_rapl(files, sampler).meters == ()


def test_a_battery_that_charges_tells_nothing(files: KernelFiles, silicon: Silicon, sampler: Sampler) -> None:
    silicon.set("battery", "on_mains", 1)
    try:
        assert find_battery(files, Wishes(), sampler).meters == ()
    finally:
        silicon.set("battery", "on_mains", 0)


def test_a_channel_that_is_off_leaves_the_board_without_a_meter(
    files: KernelFiles, silicon: Silicon, sampler: Sampler
) -> None:
    [switch] = Path("/sys/bus/i2c/drivers/ina3221/1-0040/hwmon").glob("hwmon*/in1_enable")
    switch.write_text("0")
    try:
        found = find_ina3221(files, sampler)
    finally:
        switch.write_text("1")
    assert [absence.id for absence in found.absent] == ["board.power"]
