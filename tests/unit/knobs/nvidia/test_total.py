import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.contract import DeviceError, Meter, MeterSpec, Provenance, Quantity, Reading, Scope
from knobs.meters.total import TotalMeter

STEP_S = 0.1


def spec(**changes: object) -> MeterSpec:
    facts = {
        "id": "gpu0.energy",
        "quantity": Quantity.ENERGY_J,
        "scope": Scope.GPU,
        "provenance": Provenance.MEASURED,
        "update_period_s": STEP_S,
        "resolution": 0.001,
        "device": "gpu0",
        **changes,
    }
    return MeterSpec(**facts)


class SteppingMeter(Meter):
    """A counter of constant power that steps at instants of its own."""

    def __init__(self, power_w: float, phase_s: float, clock, error_j: float = 0.0, gap_s: float = 0.0) -> None:
        self.power_w, self.phase_s, self.clock = power_w, phase_s, clock
        self.error_j, self.gap_s = error_j, gap_s

    @property
    def spec(self) -> MeterSpec:
        return spec()

    def sample(self) -> Reading:
        step_s = math.floor((self.clock() - self.phase_s) / STEP_S) * STEP_S + self.phase_s
        return Reading(step_s, self.power_w * (1000 + step_s), error_j=self.error_j, gap_s=self.gap_s)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


gpus = st.lists(st.tuples(st.floats(0, 700), st.floats(0, STEP_S)), min_size=1, max_size=8)


@settings(deadline=None)
@given(gpus, st.lists(st.floats(0.3, 20), min_size=2, max_size=6))
def test_the_energy_of_a_window_is_right_within_the_error_that_is_stated(parts, pauses_s):
    clock = Clock()
    meter = TotalMeter("gpu.energy", "gpu", [SteppingMeter(power, phase, clock) for power, phase in parts])
    meter.sample()
    readings = []
    for pause_s in pauses_s:
        clock.now_s += pause_s
        readings.append(meter.sample())
    first, last = readings[0], readings[-1]
    true_j = sum(power for power, _ in parts) * (last.time_s - first.time_s)
    assert last.time_s > first.time_s
    assert abs(last.value - first.value - true_j) <= first.error_j + last.error_j + 1e-5
    assert [reading.value for reading in readings] == sorted(reading.value for reading in readings)


@settings(deadline=None)
@given(st.lists(st.floats(0, STEP_S), min_size=1, max_size=8))
def test_for_gpus_of_equal_power_it_is_exact_from_the_first_sample_on(phases_s):
    clock = Clock()
    meter = TotalMeter("gpu.energy", "gpu", [SteppingMeter(300.0, phase, clock) for phase in phases_s])
    first = meter.sample()
    clock.now_s += 2.34
    last = meter.sample()
    assert last.value - first.value == pytest.approx(300.0 * len(phases_s) * (last.time_s - first.time_s))
    assert last.error_j == pytest.approx(0.0, abs=1e-6)


def test_errors_add_up_and_a_gap_of_one_in_two_counts_half():
    clock = Clock()
    parts = [SteppingMeter(100, 0, clock, error_j=2.0, gap_s=1.0), SteppingMeter(100, 0, clock, error_j=3.0)]
    reading = TotalMeter("gpu.energy", "gpu", parts).sample()
    assert (reading.error_j, reading.gap_s) == (5.0, 0.5)


def test_a_sum_without_one_part_is_no_sum():
    class Lost(SteppingMeter):
        def sample(self) -> Reading:
            raise DeviceError("gpu1 is lost.")

    clock = Clock()
    with pytest.raises(DeviceError, match="gpu1 is lost"):
        TotalMeter("gpu.energy", "gpu", [SteppingMeter(1, 0, clock), Lost(1, 0, clock)]).sample()


def test_the_spec_is_the_most_cautious_of_all():
    class Other(SteppingMeter):
        @property
        def spec(self) -> MeterSpec:
            return spec(update_period_s=0.5, accuracy=0.05, duty=0.25, provenance=Provenance.SIMULATED, note="B.")

    clock = Clock()
    joint = TotalMeter("gpu.energy", "gpu", [SteppingMeter(1, 0, clock), Other(1, 0, clock)]).spec
    assert joint == spec(
        id="gpu.energy",
        device="gpu",
        update_period_s=0.5,
        resolution=0.002,
        accuracy=0.05,
        duty=0.25,
        provenance=Provenance.SIMULATED,
        note="Sum of 2. B.",
    )


def test_joules_of_different_scopes_are_not_added_up():
    class Wall(SteppingMeter):
        @property
        def spec(self) -> MeterSpec:
            return spec(scope=Scope.WALL)

    clock = Clock()
    with pytest.raises(ValueError, match="one scope"):
        TotalMeter("x", "x", [SteppingMeter(1, 0, clock), Wall(1, 0, clock)])
    with pytest.raises(ValueError, match="one scope"):
        TotalMeter("x", "x", [])
