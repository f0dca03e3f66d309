"""Load flows until nothing moves any more, or until it has taken too long, which is then said."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from knobs.contract import Conditions, Reading
from serving_adapter.contract import Completion, Load, Slice
from tests.unit.tuner.scripted_bench import ScriptedDevice, bench
from tuner.config_record import MeasurementSettings
from tuner.measuring.warm_up import Heat, WarmUp, warm_up
from tuner.measuring.watch import Bounds, Watch

SETTINGS = MeasurementSettings()
SLICE_S = SETTINGS.slice_s
ONE_SLICE_S = SLICE_S + 0.1
"""A slice, with the batch that it ends in."""
BEGIN_S = ScriptedDevice().now_s


def never() -> bool:
    return False


def warm(
    device: ScriptedDevice,
    settings: MeasurementSettings = SETTINGS,
    heat: Heat | None = None,
    should_end: Callable[[], bool] = never,
    scenario: str = "multi-stream",
    is_even: bool = True,
) -> WarmUp:
    device.start_load(Load(scenario, 1))
    return warm_up(lambda: device.run(SLICE_S), bench(device).sample, settings, should_end, heat, is_even)


def slowing_down(device: ScriptedDevice) -> ScriptedDevice:
    """Makes latency grow from slice to slice."""

    def slower(call: str) -> None:
        if call == "run":
            device.clock_mhz = float(device.clock_mhz) * 0.9

    device.fault = slower
    return device


def heating_up() -> ScriptedDevice:
    """Returns a device whose power grows by half within the longest warm-up."""
    return ScriptedDevice(drift=lambda now_s: 1.0 + (now_s - BEGIN_S) / 12.0)


def test_load_that_is_steady_from_its_begin_is_warm_at_once():
    device = ScriptedDevice()
    warmed = warm(device)
    assert warmed.complaint == ""
    assert warmed.duration_s == pytest.approx(device.now_s - BEGIN_S)
    assert warmed.duration_s < SETTINGS.warm_up_s / 2
    assert warmed.last is not None
    assert warmed.last.end_s == device.now_s


def test_power_that_was_high_at_first_is_forgotten():
    device = ScriptedDevice(drift=lambda now_s: 5.0 if now_s < BEGIN_S + 1.0 else 1.0)
    warmed = warm(device)
    assert warmed.complaint == ""
    assert warmed.duration_s < SETTINGS.warm_up_s


def test_the_shortest_warm_up_is_kept_even_where_load_is_steady_at_once():
    warmed = warm(ScriptedDevice(), MeasurementSettings(min_warm_up_s=5.0))
    assert warmed.complaint == ""
    assert 5.0 <= warmed.duration_s <= 5.0 + ONE_SLICE_S


@pytest.mark.parametrize(
    ("device", "what"), [(slowing_down(ScriptedDevice()), "Latency"), (heating_up(), "Power")], ids=["latency", "power"]
)
def test_load_that_never_becomes_steady_is_given_up_and_that_is_said(device: ScriptedDevice, what: str) -> None:
    warmed = warm(device)
    assert warmed.complaint.startswith(f"{what} may still change")
    assert SETTINGS.warm_up_s <= warmed.duration_s <= SETTINGS.warm_up_s + ONE_SLICE_S


def test_real_traffic_warms_up_for_the_shortest_time_and_is_not_blamed_for_its_ups_and_downs():
    warmed = warm(slowing_down(ScriptedDevice()), is_even=False)
    assert warmed.complaint == ""
    assert SETTINGS.min_warm_up_s <= warmed.duration_s < SETTINGS.warm_up_s / 2


def test_temperatures_are_waited_for_under_real_traffic_too():
    heat = Heat(longest_s=30.0, stands_still=never)
    warmed = warm(slowing_down(ScriptedDevice()), heat=heat, is_even=False)
    assert warmed.duration_s >= heat.longest_s


def test_the_latency_of_real_traffic_must_be_steady_too():
    assert warm(ScriptedDevice(), scenario="live").complaint == ""
    assert warm(slowing_down(ScriptedDevice()), scenario="live").complaint.startswith("Latency may still change")


def test_a_batch_is_as_slow_as_its_request_that_waited_longest():
    """A queue that grows shows in the requests that came first; those that came last hardly wait."""
    slices = (
        Slice(now_s, now_s + 1.0, (Completion((now_s - 0.3 * now_s, now_s + 0.9), now_s + 0.9, now_s + 1.0),))
        for now_s in map(float, range(60))
    )
    warmed = warm_up(lambda: next(slices), lambda: Reading(0.0, 0.0), SETTINGS, never)
    assert warmed.complaint.startswith("Latency may still change")


def test_what_fails_has_no_latency():
    device = ScriptedDevice(failing=lambda _: True)
    assert "none of" in warm(device).complaint


def test_the_meter_is_read_before_load_flows():
    """A meter that has rested knows its counter's rhythm when the window opens."""
    device = ScriptedDevice()
    warm(device)
    assert device.calls[1:5] == ["sample", "run", "sample", "run"]


def test_nobody_waits_for_what_is_in_vain():
    device = slowing_down(ScriptedDevice())
    warmed = warm(device, should_end=lambda: device.calls.count("run") == 2)
    assert warmed.complaint == ""
    assert warmed.duration_s <= 2 * ONE_SLICE_S


class TestSoaking:
    """Before a confirming measurement, temperatures must have come to a stand."""

    def test_load_flows_until_temperatures_stand_still(self) -> None:
        device = ScriptedDevice()
        warmed = warm(device, heat=Heat(30.0, lambda: device.now_s >= BEGIN_S + 20.0))
        assert warmed.complaint == ""
        assert 20.0 <= warmed.duration_s <= 20.0 + ONE_SLICE_S

    def test_temperatures_that_stand_still_from_the_begin_cost_no_time(self) -> None:
        assert warm(ScriptedDevice(), heat=Heat(30.0, lambda: True)) == warm(ScriptedDevice())

    def test_temperatures_that_never_stand_still_are_given_up_and_that_is_said(self) -> None:
        warmed = warm(ScriptedDevice(), heat=Heat(30.0, never))
        assert warmed.complaint == "Temperatures still moved."
        assert 30.0 <= warmed.duration_s <= 30.0 + ONE_SLICE_S

    def test_a_short_soak_does_not_shorten_the_warm_up(self) -> None:
        warmed = warm(ScriptedDevice(), heat=Heat(1.0, never))
        assert SETTINGS.warm_up_s <= warmed.duration_s <= SETTINGS.warm_up_s + ONE_SLICE_S

    def test_load_that_is_not_steady_is_not_waited_for_longer_because_of_temperatures(self) -> None:
        warmed = warm(slowing_down(ScriptedDevice()), heat=Heat(30.0, lambda: True))
        assert warmed.complaint.startswith("Latency may still change")
        assert warmed.duration_s <= SETTINGS.warm_up_s + ONE_SLICE_S

    def test_every_sensor_must_stand_still(self) -> None:
        """Most are level at once; one approaches its end with a time constant of ten seconds."""
        device, level = ScriptedDevice(), tuple((f"core {number}", 50.0 + number) for number in range(6))

        def board_c(now_s: float) -> float:
            return 60.0 - 20.0 * math.exp(-(now_s - BEGIN_S) / 10.0)

        device.conditions = lambda: Conditions(temperatures_c=(*level, ("board", board_c(device.now_s))))
        warmed = warm(device, heat=Heat(200.0, looking_at(device)))
        assert warmed.complaint == ""
        assert board_c(device.now_s + 30.0) - board_c(device.now_s) < 1.0
        assert board_c(BEGIN_S + 20.0 + 30.0) - board_c(BEGIN_S + 20.0) > 1.0
        assert 20.0 < warmed.duration_s < 80.0


def looking_at(device: ScriptedDevice) -> Callable[[], bool]:
    """Returns what looks at a device once, on its own clock, and tells whether its temperatures stand still."""
    watch = Watch(device.observe, Bounds(), pause_s=60.0, clock=lambda: device.now_s)

    def look_and_tell() -> bool:
        with watch.looking():
            pass
        return watch.temperatures_stand_still()

    return look_and_tell
