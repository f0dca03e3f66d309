"""Whether a trial is what it says, as the devices tell while load flows."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from knobs.contract import Conditions, Delivery, DeviceError, KnobKind, KnobSpec, Occupant, RestoreClass
from knobs.keeper.client import KeeperLostError
from tests.unit.tuner.scripted_bench import BASELINE, CLOCK, ScriptedDevice, bench
from tuner.config_record import MeasurementSettings
from tuner.configuration import Configuration
from tuner.measuring.procedure import MeasuringProcedure
from tuner.measuring.watch import Bounds, Watch
from tuner.trial import Measurement, Rejection, RejectionCause

LOCK = KnobSpec(
    id="gpu.core.max_mhz",
    unit="MHz",
    kind=KnobKind.CLOCK,
    values=(900, 1200, 1410),
    restore_class=RestoreClass.RESET,
    device="gpu",
    tolerance=0.011,
    delivery=Delivery.REACHED,
)
CAP = replace(LOCK, id="cpu.core.max_mhz", delivery=Delivery.CEILING)
KNOBS = {knob.id: knob for knob in (LOCK, CAP)}
BUSY = Conditions(utilization=0.98)


def at(mhz: float, knob: KnobSpec = LOCK, **changes: object) -> Conditions:
    return replace(BUSY, delivered=((knob.id, mhz),), **changes)


def watch_of(*looks: Conditions) -> Watch:
    """A watch that has had these looks."""
    script = iter((Conditions(), *looks))
    done = threading.Event()

    def observe() -> Conditions:
        found = next(script, None)
        if found is None:
            done.set()
            return looks[-1]
        return found

    watch = Watch(observe, Bounds(), pause_s=0.0)
    with watch.looking():
        assert done.wait(5)
    return watch


def verdict(watch: Watch, knob: KnobSpec = LOCK, value: float = 1200) -> Rejection | None:
    return watch.verdict(KNOBS, {knob.id: value})


def test_a_clock_that_is_delivered_counts():
    watch = watch_of(at(600, utilization=0.1), at(1200), at(1200))
    assert verdict(watch) is None
    assert watch.circumstances().delivered == {LOCK.id: pytest.approx(1200, rel=0.5)}


def test_a_clock_that_never_arrives_under_load_is_a_rejection_that_names_both():
    rejection = verdict(watch_of(at(900), at(1095)))
    assert rejection is not None
    assert rejection.cause is RejectionCause.NOT_VERIFIED
    assert rejection.reason == "Gpu.core.max_mhz was set to 1200 MHz and never ran above 1095 MHz."


def test_a_clock_held_down_by_a_power_cap_counts_and_is_recorded():
    watch = watch_of(at(1095, power_capped=True, remarks=("gpu: held down by its power cap",)))
    assert verdict(watch) is None
    assert watch.circumstances().power_capped_share > 0
    assert watch.circumstances().remarks == ("gpu: held down by its power cap",)


def test_an_idle_device_need_not_reach_its_clock():
    assert verdict(watch_of(at(210, utilization=0.02))) is None


def test_a_ceiling_may_be_stayed_below_but_not_broken():
    assert verdict(watch_of(at(600, CAP)), CAP) is None
    broken = verdict(watch_of(at(600, CAP), at(1300, CAP)), CAP)
    assert broken is not None
    assert "ran at up to 1300 MHz" in broken.reason


def test_a_throttle_that_comes_and_goes_is_noticed():
    rejection = verdict(watch_of(at(1200), at(1200, obstacles=("gpu: thermal slowdown",)), at(1200)))
    assert rejection == Rejection(RejectionCause.DISTURBED, "While it was measured: gpu: thermal slowdown.")


def test_what_happened_before_the_first_look_is_not_held_against_the_trial():
    script = iter((Conditions(obstacles=("gpu: thermal slowdown",)),))
    watch = Watch(lambda: next(script, at(1200)), Bounds(), pause_s=60.0)
    with watch.looking():
        pass
    assert verdict(watch) is None


def test_other_programs_on_the_device_and_the_highest_temperature_are_recorded():
    intruder = Occupant(77, "gpu", "blender", 10)
    watch = watch_of(at(1200, temperatures_c=(("gpu", 60.0),)), at(1200, occupants=(intruder,)))
    assert watch.circumstances().foreign == ("process 77 (blender) on gpu",)
    assert watch.circumstances().temperatures_c == {"gpu": 60.0}


def test_a_keeper_that_dies_meanwhile_is_noticed_at_the_end():
    asked = threading.Event()

    def observe() -> Conditions:
        if asked.is_set():
            raise KeeperLostError("it is gone")
        asked.set()
        return BUSY

    watch = Watch(observe, Bounds(), pause_s=0.0)
    with pytest.raises(KeeperLostError), watch.looking():
        asked.wait(1)
        threading.Event().wait(0.05)


QUICK = MeasurementSettings(window_s=1.0, min_window_s=0.2, slice_s=0.05, warm_up_s=0.2, min_warm_up_s=0.05)


def measure(device: ScriptedDevice) -> Measurement | Rejection:
    watched = replace(bench(device), is_watched=True)
    return (
        MeasuringProcedure(watched, BASELINE, QUICK, lambda: False)
        .measure(Configuration({**BASELINE, CLOCK.id: 500}))
        .result
    )


def test_a_disturbed_trial_is_measured_once_more_and_says_so():
    device = ScriptedDevice()
    hot = [Conditions(), Conditions(obstacles=("gpu: thermal slowdown",))]

    def conditions() -> Conditions:
        return hot.pop(0) if hot else Conditions()

    device.conditions = conditions
    measured = measure(device)
    assert isinstance(measured, Measurement)
    assert measured.notes[-1] == "Measured a second time. While it was measured: gpu: thermal slowdown."


def test_a_trial_that_is_always_disturbed_is_rejected():
    device = ScriptedDevice(conditions=lambda: Conditions(obstacles=("gpu: thermal slowdown",)))
    measured = measure(device)
    assert isinstance(measured, Rejection)
    assert measured.cause is RejectionCause.DISTURBED
    assert device.calls.count("apply") == 2


def test_a_device_that_is_lost_rejects_the_trial():
    def lost(name: str) -> None:
        if name == "sample":
            raise DeviceError("GPU 0 has fallen off the bus.")

    measured = measure(ScriptedDevice(fault=lost))
    assert isinstance(measured, Rejection)
    assert measured.cause is RejectionCause.METER
