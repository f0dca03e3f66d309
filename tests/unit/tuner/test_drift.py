"""What the baseline drifts by is taken out of every trial."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tuner.records import trial
from tuner.study.drift import drift_of, levelled, present_factor
from tuner.trial import Interval, Purpose


def reference(number, energy_j, half_width=0.001):
    made = trial(number, energy_j, purpose=Purpose.REFERENCE if number else Purpose.BASELINE)
    interval = Interval(energy_j * (1 - half_width), energy_j * (1 + half_width))
    energy = replace(made.measurement.energy, interval=interval)
    return replace(made, measurement=replace(made.measurement, energy=energy))


def energies(trials):
    return [made.measurement.energy.per_request_j for made in trials]


@given(rate=st.floats(-0.02, 0.02), count=st.integers(2, 30), every=st.integers(1, 6))
def test_a_steady_drift_is_removed(rate, count, every):
    """Every trial takes a second and costs 2 J, the baseline 3 J, all times the drift of its moment."""
    trials = [reference(0, 3.0)]
    for number in range(1, count):
        factor = math.exp(rate * number)
        looks = number % (every + 1) == 0 or number == count - 1
        trials.append(reference(number, 3.0 * factor) if looks else trial(number, 2.0 * factor))
    found = energies(levelled(trials))
    assert found == pytest.approx([3.0, *[2.0] * (len(found) - 1)], rel=2e-3)


def test_looks_for_drift_are_no_trials_of_the_search():
    assert [made.number for made in levelled([reference(0, 3.0), trial(1, 2.0), reference(2, 3.3)])] == [0, 1]


def test_what_noise_explains_is_no_drift():
    trials = [reference(0, 3.0, half_width=0.05), trial(1, 2.0), reference(2, 3.03, half_width=0.05)]
    assert levelled(trials) == (trials[0], trials[1])


def test_noise_takes_its_part_of_a_drift():
    sharp = [reference(0, 3.0), reference(1, 3.3)]
    blurred = [reference(0, 3.0, half_width=0.06), reference(1, 3.3, half_width=0.06)]
    assert present_factor(sharp) == pytest.approx(1.1, rel=1e-3)
    assert 1.05 < present_factor(blurred) < 1.099


def test_without_a_baseline_nothing_is_known_to_drift():
    assert present_factor([]) == 1.0
    assert drift_of([trial(1, 2.0)]).factor(0.5) == 1.0


def test_latency_and_verdict_stay_as_they_were_seen():
    made = trial(1, 2.0, latency_s=0.04)
    [_, level] = levelled([reference(0, 3.0), made, reference(2, 3.6)])
    assert level.measurement.slo_latency_s == 0.04
    assert level.measurement.verdict is made.measurement.verdict
    assert level.measurement.energy.per_request_j < 2.0


def test_a_rejected_reference_tells_nothing():
    rejected = trial(2, None, purpose=Purpose.REFERENCE)
    assert present_factor([reference(0, 3.0), trial(1, 2.0), rejected]) == 1.0
