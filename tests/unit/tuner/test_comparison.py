import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import PowerCoefficients
from tests.unit.tuner.records import measurement, trial
from tuner.study.comparison import compare
from tuner.study.sensitivity import rivals, saving_over_band

COEFFICIENTS = PowerCoefficients(static_w=(2.0, 8.0, 20.0), cpu_core_w=(2.0, 5.0, 12.0))


def test_the_saving_is_the_share_of_energy_that_goes_away():
    comparison = compare([measurement(4.0)] * 3, [measurement(3.0)] * 3)
    assert comparison.saving == pytest.approx(0.25)
    assert comparison.saving_interval.low == pytest.approx(0.25)
    assert comparison.rounds == 3


def test_the_knobs_share_is_against_the_same_serving_parameters():
    comparison = compare([measurement(8.0)] * 2, [measurement(3.0)] * 2, [measurement(4.0)] * 2)
    assert comparison.saving == pytest.approx(0.625)
    assert comparison.knob_saving == pytest.approx(0.25)


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)), min_size=2, max_size=8))
def test_the_interval_holds_the_saving_and_never_exceeds_all(pairs):
    comparison = compare([measurement(a) for a, _ in pairs], [measurement(b) for _, b in pairs])
    interval = comparison.saving_interval
    assert interval.low <= comparison.saving + 1e-9
    assert comparison.saving <= interval.high + 1e-9
    assert interval.high <= 1.0


def test_drift_that_both_share_does_not_widen_the_interval():
    drift = [1.0, 1.5, 2.0, 3.0]
    comparison = compare([measurement(4.0 * d) for d in drift], [measurement(3.0 * d) for d in drift])
    assert comparison.saving_interval.high - comparison.saving_interval.low < 1e-9


def test_nineteen_of_twenty_intervals_hold_the_true_saving():
    generator = random.Random(3)
    hits = 0
    for _ in range(400):
        before = [measurement(generator.lognormvariate(0.0, 0.03)) for _ in range(3)]
        after = [measurement(0.8 * generator.lognormvariate(0.0, 0.03)) for _ in range(3)]
        interval = compare(before, after).saving_interval
        hits += interval.low <= 0.2 <= interval.high
    assert hits / 400 > 0.92


def _estimated(number, wall_s, cpu_s):
    return trial(number, 8.0 * wall_s + 5.0 * cpu_s, cpu_s=cpu_s, throughput_hz=1.0 / wall_s)


def test_a_slower_trial_with_less_cpu_time_wins_where_static_power_is_small():
    fast, frugal = _estimated(1, wall_s=1.0, cpu_s=2.0), _estimated(2, wall_s=1.5, cpu_s=1.5)
    found = rivals(fast, [fast, frugal], COEFFICIENTS, margin=0.0)
    assert [rival.trial.number for rival in found] == [2]
    assert found[0].static_to_core_ratio == pytest.approx(2.0 / 12.0)


def test_a_trial_that_needs_less_of_both_has_no_rival():
    better, worse = _estimated(1, wall_s=1.0, cpu_s=1.0), _estimated(2, wall_s=1.1, cpu_s=1.2)
    assert rivals(better, [better, worse], COEFFICIENTS, margin=0.0) == ()


@given(*[st.floats(0.1, 10)] * 4, st.floats(2, 20), st.floats(2, 12))
def test_no_coefficients_within_the_band_leave_the_saving_over_the_band(wall_a, cpu_a, wall_b, cpu_b, static_w, core_w):
    one, other = _estimated(0, wall_a, cpu_a), _estimated(1, wall_b, cpu_b)
    band = saving_over_band([one.measurement], [other.measurement], COEFFICIENTS)
    saving = 1.0 - (static_w * wall_b + core_w * cpu_b) / (static_w * wall_a + core_w * cpu_a)
    assert band.low - 1e-6 <= saving <= band.high + 1e-6


def test_measured_joules_have_no_band():
    assert saving_over_band([measurement(2.0)], [measurement(1.0)], COEFFICIENTS) is None
