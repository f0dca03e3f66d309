from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import PowerCoefficients, Provenance, Quantity, Reading
from serving_adapter.contract import Completion, Slice
from tests.unit.tuner.scripted_bench import METER
from tuner.measuring.window import Window, percentile, student_t
from tuner.objective import Slo
from tuner.trial import Interval, Verdict

SLOS = (Slo.parse("p90 <= 50 ms"),)


def test_student_t_agrees_with_published_tables():
    published = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042}
    for degrees, value in published.items():
        assert student_t(degrees) == pytest.approx(value, rel=0.01)


@given(st.lists(st.floats(0, 1e3), min_size=1), st.floats(1, 99))
def test_a_percentile_is_a_value_that_was_seen_and_covers_its_share(values, percent):
    values.sort()
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-9


def test_energy_is_what_the_counter_grew_by_per_completed_request():
    window = Window(METER, SLOS)
    window.open(Reading(10.0, 100.0))
    window.add(
        Slice(10.0, 11.0, (Completion((10.0, 10.0), 10.5), Completion((10.5, 10.5), 11.0))), Reading(11.0, 108.0)
    )
    window.add(Slice(11.0, 12.0, (Completion((11.0, 11.0), 12.0),)), Reading(12.0, 112.0))
    energy = window.energy()
    assert energy.per_request_j == pytest.approx(12.0 / 6)
    assert energy.mean_power_w == pytest.approx(6.0)
    assert energy.interval.low <= energy.per_request_j <= energy.interval.high
    assert window.queries == 3
    assert window.late == [3]


def test_power_is_integrated_by_trapezoids():
    window = Window(replace(METER, quantity=Quantity.POWER_W), SLOS)
    window.open(Reading(0.0, 10.0))
    for instant in (1.0, 2.0):
        window.add(
            Slice(instant - 1, instant, (Completion((instant - 1,), instant),)), Reading(instant, 10.0 * (instant + 1))
        )
    assert window.energy().per_request_j == pytest.approx((15.0 + 25.0) / 2)


@given(st.lists(st.tuples(st.floats(0.01, 5), st.integers(1, 20)), min_size=2, max_size=20))
def test_slices_lose_no_energy_and_no_request(pieces):
    window = Window(METER, SLOS)
    window.open(Reading(0.0, 0.0))
    instant_s, energy_j = 0.0, 0.0
    for power_w, requests in pieces:
        completion = Completion((instant_s,) * requests, instant_s + 0.01)
        instant_s, energy_j = instant_s + 1.0, energy_j + power_w
        window.add(Slice(instant_s - 1.0, instant_s, (completion,)), Reading(instant_s, energy_j))
    total = sum(requests for _, requests in pieces)
    assert window.requests == total
    assert window.energy().per_request_j * total == pytest.approx(energy_j)


def test_an_estimate_carries_its_band_and_the_cpu_time_behind_it():
    meter = replace(
        METER,
        provenance=Provenance.ESTIMATED,
        coefficients=PowerCoefficients(static_w=(1.0, 2.0, 4.0), cpu_core_w=(2.0, 3.0, 6.0)),
    )
    window = Window(meter, SLOS)
    window.open(Reading(0.0, 0.0, cpu_s=5.0))
    for instant in (1.0, 2.0):
        window.add(
            Slice(instant - 1, instant, (Completion((instant - 1,), instant),)),
            Reading(instant, 5.0 * instant, cpu_s=5 + instant),
        )
    energy = window.energy()
    assert energy.cpu_s_per_request == pytest.approx(1.0)
    assert energy.band == Interval(pytest.approx(3.0), pytest.approx(10.0))


def test_a_batch_counts_once_however_many_requests_it_holds():
    window = Window(METER, SLOS)
    window.open(Reading(0.0, 0.0))
    window.add(
        Slice(0.0, 1.0, tuple(Completion((0.1 * n,) * 100, 0.1 * n + 0.01) for n in range(10))), Reading(1.0, 1.0)
    )
    assert window.requests == 1000
    assert window.verdict is Verdict.UNDECIDED
