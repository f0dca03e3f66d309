import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.contract import MeterSpec, Provenance, Quantity, Reading, Scope
from tuner.measuring.energy import energy_of_window

METER = MeterSpec("gpu.energy", Quantity.ENERGY_J, Scope.GPU, Provenance.MEASURED, 0.1, 0.001, "gpu0")


def energy_j(time_s, mean_w=100.0, swing_w=80.0, period_s=0.7):
    """The exact integral of a power that swings around its mean."""
    return mean_w * time_s + swing_w * period_s / (2 * math.pi) * (1 - math.cos(2 * math.pi * time_s / period_s))


def readings_of(looks_s, period_s, error_j=0.0, noise=None):
    """What a counter shows at every look: its last step, off by up to ``error_j``."""
    noise = noise or random.Random(0)
    steps_s = [math.floor(look_s / period_s) * period_s for look_s in looks_s]
    off_j = {step_s: noise.uniform(-error_j, error_j) for step_s in steps_s}
    return [Reading(step_s, energy_j(step_s) + off_j[step_s], error_j=error_j) for step_s in steps_s]


def test_a_window_between_two_readings_has_their_errors_only():
    readings = [Reading(10.0, 5.0, error_j=0.5), Reading(12.0, 205.0, error_j=0.25)]
    window = energy_of_window(readings, 10.0, 12.0, METER)
    assert window.energy_j == 200.0
    assert window.error_j == pytest.approx(0.75 + 2 * METER.resolution)
    assert window.gap_s == 0.0


def test_readings_shortly_before_the_ends_give_the_energy_of_a_steady_load():
    readings = [Reading(9.95, 0.0), Reading(11.95, 200.0)]
    window = energy_of_window(readings, 10.0, 12.0, METER)
    assert window.energy_j == pytest.approx(200.0)
    assert window.error_j == pytest.approx(2 * 100.0 * 0.05 + 2 * METER.resolution)


def test_a_reading_that_is_seen_twice_counts_once():
    readings = [Reading(1.0, 0.0), Reading(1.0, 0.0), Reading(2.0, 100.0), Reading(2.0, 100.0)]
    assert energy_of_window(readings, 1.0, 2.0, METER).energy_j == 100.0


def test_a_gap_inside_widens_the_error_by_all_that_may_have_flowed():
    readings = [Reading(1.0, 0.0), Reading(2.0, 100.0), Reading(3.0, 200.0, gap_s=0.4), Reading(4.0, 300.0, gap_s=0.4)]
    assert energy_of_window(readings, 1.0, 2.0, METER).gap_s == 0.0
    window = energy_of_window(readings, 1.0, 3.0, METER)
    assert window.gap_s == 0.4
    assert window.error_j == pytest.approx(40.0 + 2 * METER.resolution)
    assert energy_of_window(readings, 3.0, 4.0, METER).error_j == pytest.approx(2 * METER.resolution)


def test_the_error_of_a_long_window_grows_with_the_root_of_its_length():
    readings = [Reading(0.0, 0.0, error_j=1.0), Reading(4.0, 400.0, error_j=1.0), Reading(64.0, 6400.0, error_j=1.0)]
    short = energy_of_window(readings, 0.0, 4.0, METER).error_j - 2 * METER.resolution
    long = energy_of_window(readings, 0.0, 64.0, METER).error_j - 2 * METER.resolution
    assert long == pytest.approx(4.0 * short)


def test_what_cannot_be_told_is_refused():
    with pytest.raises(ValueError, match="must end after"):
        energy_of_window([Reading(1.0, 0.0), Reading(2.0, 1.0)], 2.0, 2.0, METER)
    with pytest.raises(ValueError, match="two readings"):
        energy_of_window([Reading(1.0, 0.0), Reading(1.0, 0.0)], 1.0, 2.0, METER)


@settings(max_examples=200)
@given(
    period_s=st.sampled_from([0.001, 0.02, 0.1, 0.5, 1.0]),
    start_s=st.floats(3.0, 4.0),
    length_s=st.floats(2.0, 20.0),
    slice_s=st.floats(0.3, 1.5),
    error_j=st.floats(0.0, 2.0),
    seed=st.integers(0, 999),
)
def test_the_error_covers_the_truth_of_a_load_that_swings(period_s, start_s, length_s, slice_s, error_j, seed):
    """Looks at the ends of slices, as a measurement takes them, and power between nearly zero and twice its mean."""
    slice_s = max(slice_s, 2.0 * period_s)
    slices = max(1, round(length_s / slice_s))
    looks_s = [start_s + slice_s * number for number in range(slices + 1)]
    readings = readings_of(looks_s, period_s, error_j, random.Random(seed))
    window = energy_of_window(readings, looks_s[0], looks_s[-1], METER)
    truth_j = energy_j(looks_s[-1]) - energy_j(looks_s[0])
    assert abs(window.energy_j - truth_j) <= window.error_j
