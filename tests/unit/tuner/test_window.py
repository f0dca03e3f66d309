import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import PowerCoefficients, Provenance, Reading
from serving_adapter.contract import Completion, Slice, Traffic
from tests.unit.tuner.load_slices import batch, closed_loop
from tests.unit.tuner.scripted_bench import METER
from tuner.measuring.confidence import student_t
from tuner.measuring.tally import RequestTally, TrafficTally
from tuner.measuring.window import Window
from tuner.objective import Slo
from tuner.trial import Interval, Verdict

SLOS = (Slo.parse("p90 <= 50 ms"),)


def opened(reading, before=None, meter=METER):
    return Window(meter, RequestTally(SLOS), reading, before)


def test_student_t_agrees_with_published_tables():
    published = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042}
    for degrees, value in published.items():
        assert student_t(degrees) == pytest.approx(value, rel=0.01)


def test_energy_is_what_the_counter_grew_by_per_completed_request():
    window = opened(Reading(10.0, 100.0))
    window.add(
        Slice(10.0, 11.0, (Completion((10.0, 10.0), 10.0, 10.5), Completion((10.5, 10.5), 10.5, 11.0))),
        Reading(11.0, 108.0),
    )
    window.add(Slice(11.0, 12.0, (Completion((11.0, 11.0), 11.0, 12.0),)), Reading(12.0, 112.0))
    energy = window.energy()
    assert energy.per_request_j == pytest.approx(12.0 / 6)
    assert energy.mean_power_w == pytest.approx(6.0)
    assert energy.interval.low <= energy.per_request_j <= energy.interval.high
    assert window.tally.queries == 3
    assert window.tally.late_queries == 3


@given(
    period_s=st.sampled_from([0.01, 0.02, 0.1, 0.25]),
    phase=st.floats(0, 1),
    latency_s=st.sampled_from([0.003, 0.02, 0.07]),
)
def test_a_counter_that_moves_in_steps_costs_no_accuracy(period_s, phase, latency_s):
    """Readings belong to the last step: up to a period before the slice has ended, or begun."""
    power_w, slice_s = 80.0, 0.5

    def reading(now_s):
        step_s = (math.floor(now_s / period_s - phase) + phase) * period_s
        return Reading(step_s, power_w * step_s)

    warm_up = closed_loop(10.0 - slice_s, 10.0, latency_s)
    window = opened(reading(10.0), warm_up)
    for number in range(6):
        start_s = 10.0 + number * slice_s
        window.add(closed_loop(start_s, start_s + slice_s, latency_s), reading(start_s + slice_s))
    energy = window.energy()
    assert energy.per_request_j == pytest.approx(power_w * slice_s / round(slice_s / latency_s), rel=0.01)
    assert energy.mean_power_w == pytest.approx(power_w)
    assert energy.interval.low <= energy.per_request_j <= energy.interval.high


def test_the_interval_is_wider_by_what_the_meter_itself_does_not_know():
    def interval(error_j):
        window = opened(Reading(0.0, 0.0, error_j=error_j))
        for instant in map(float, range(1, 11)):
            window.add(closed_loop(instant - 1, instant, 0.1), Reading(instant, 100.0 * instant, error_j=error_j))
        return window.energy().interval

    sharp, blurred = interval(0.0), interval(3.0)
    assert (blurred.high - blurred.low) - (sharp.high - sharp.low) == pytest.approx(
        2 * 2 * 3.0 * math.sqrt(10 / 4) / 100
    )


def test_a_reading_from_before_the_known_work_is_not_counted_from():
    """Its joules were spent on work of which nobody has told."""
    window = opened(Reading(8.0, 0.0), closed_loop(9.5, 10.0, 0.1))
    for instant in (11.0, 12.0, 13.0):
        window.add(closed_loop(instant - 1, instant, 0.1), Reading(instant, 100.0 * (instant - 8.0)))
    assert window.energy().per_request_j == pytest.approx(10.0)
    assert window.duration_s == 2.0


def test_joules_of_work_that_is_still_under_way_are_not_counted_yet():
    """They would be divided by requests of which nobody knows yet how much was worked on them."""
    window = opened(Reading(0.0, 0.0))
    for instant in (1.0, 2.0):
        window.add(closed_loop(instant - 1, instant, 0.1), Reading(instant, 100.0 * instant))
    window.add(Slice(2.0, 3.0, (batch(2.0, 2.1),), under_way_since_s=2.1), Reading(3.0, 900.0))
    assert [reading.time_s for reading in window.readings] == [0.0, 1.0, 2.0]
    assert window.energy().per_request_j == pytest.approx(10.0)
    assert window.energy().mean_power_w == pytest.approx(100.0)
    assert (window.duration_s, window.items, window.throughput_hz()) == (2.0, 20.0, pytest.approx(10.0))


def test_joules_of_work_count_once_it_has_come_to_its_end():
    window = opened(Reading(0.0, 0.0))
    window.add(Slice(0.0, 1.0, (batch(0.0, 0.5),), under_way_since_s=0.5), Reading(1.0, 10.0))
    assert (window.duration_s, window.items) == (0.0, 0.0)
    window.add(Slice(1.0, 2.0, (batch(0.5, 2.0, 3),)), Reading(2.0, 40.0))
    assert window.duration_s == 2.0
    assert window.energy().per_request_j == pytest.approx(40.0 / 4)


def test_a_reading_at_the_very_begin_of_what_is_under_way_counts():
    window = opened(Reading(0.0, 0.0))
    window.add(Slice(0.0, 1.0, (batch(0.0, 1.0),), under_way_since_s=1.0), Reading(1.0, 10.0))
    assert window.duration_s == 1.0


def test_joules_are_divided_by_what_was_answered_and_not_by_what_failed():
    window = opened(Reading(0.0, 0.0))
    for instant in (1.0, 2.0):
        lost = Completion((instant - 0.5,) * 3, instant - 0.5, instant, failure="no answer")
        window.add(
            Slice(instant - 1, instant, (batch(instant - 1, instant - 0.5), lost)), Reading(instant, 8 * instant)
        )
    assert window.energy().per_request_j == pytest.approx(8.0)
    assert window.throughput_hz() == pytest.approx(1.0)


def test_joules_of_real_traffic_are_divided_by_what_was_answered_and_not_by_what_failed():
    window = Window(METER, TrafficTally(SLOS), Reading(0.0, 0.0))
    for instant in (1.0, 2.0):
        window.add(Slice(instant - 1, instant, (), Traffic(4.0, failures=12.0)), Reading(instant, 8 * instant))
    assert window.energy().per_request_j == pytest.approx(2.0)
    assert window.throughput_hz() == pytest.approx(4.0)


def test_a_meter_that_does_not_move_adds_no_reading():
    window = opened(Reading(0.0, 0.0))
    window.add(closed_loop(0.0, 1.0, 0.1), Reading(0.0, 0.0))
    assert len(window.readings) == 1
    assert window.relative_half_width() == math.inf


@given(st.lists(st.tuples(st.floats(0.01, 5), st.integers(1, 20)), min_size=2, max_size=20))
def test_slices_lose_no_energy_and_no_request(pieces):
    window = opened(Reading(0.0, 0.0))
    instant_s, energy_j = 0.0, 0.0
    for power_w, requests in pieces:
        completion = batch(instant_s, instant_s + 0.01, requests)
        instant_s, energy_j = instant_s + 1.0, energy_j + power_w
        window.add(Slice(instant_s - 1.0, instant_s, (completion,)), Reading(instant_s, energy_j))
    total = sum(requests for _, requests in pieces)
    assert window.tally.requests == total
    assert window.energy().per_request_j * total == pytest.approx(energy_j)


def test_an_estimate_carries_its_band_and_the_cpu_time_behind_it():
    meter = replace(
        METER,
        provenance=Provenance.ESTIMATED,
        coefficients=PowerCoefficients(static_w=(1.0, 2.0, 4.0), cpu_core_w=(2.0, 3.0, 6.0)),
    )
    window = opened(Reading(0.0, 0.0, cpu_s=5.0), meter=meter)
    for instant in (1.0, 2.0):
        window.add(
            Slice(instant - 1, instant, (batch(instant - 1, instant),)),
            Reading(instant, 5.0 * instant, cpu_s=5 + instant),
        )
    energy = window.energy()
    assert energy.cpu_s_per_request == pytest.approx(1.0)
    assert energy.band == Interval(pytest.approx(3.0), pytest.approx(10.0))


def test_a_batch_counts_once_however_many_requests_it_holds():
    window = opened(Reading(0.0, 0.0))
    window.add(Slice(0.0, 1.0, tuple(batch(0.1 * n, 0.1 * n + 0.01, 100) for n in range(10))), Reading(1.0, 1.0))
    assert window.tally.requests == 1000
    assert window.tally.verdict is Verdict.UNDECIDED
