"""One recommendation out of one for each rate."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tuner.rates_bench import at_clock, several_rates
from tests.unit.tuner.records import study, trial
from tuner.configuration import Configuration
from tuner.study.rate_table import recommend_by_rate, steps_of
from tuner.study_record import Comparison, Recommendation, StudyState
from tuner.trial import Interval


def saving(share, baseline_j=2.0):
    return Comparison(baseline_j, baseline_j * (1 - share), share, Interval(share - 0.1, share + 0.1), 3)


def found(share, clock_mhz=500, number=1, caveats=()):
    configuration = at_clock(clock_mhz)
    comparison = saving(share) if share is not None else None
    applicable = Configuration({"gpu.core.max_mhz": clock_mhz})
    return Recommendation(configuration, number, comparison, applicable, ("serving.batch_size",), caveats)


def done(*rates_hz, shares=()):
    made = study(replace(trial(0, 4.0), energy_j=120.0), state=StudyState.DONE)
    return replace(made, objective=replace(several_rates(rates_hz), rate_shares=shares))


@given(st.sets(st.floats(0.1, 1e3), min_size=1, max_size=8))
def test_steps_ascend_without_a_gap(rates_hz):
    steps = steps_of({rate_hz: found(0.2, number=position) for position, rate_hz in enumerate(rates_hz)})
    assert [step.to_rate_hz for step in steps] == sorted(rates_hz)
    assert steps[0].from_rate_hz == 0.0
    assert all(low.to_rate_hz == high.from_rate_hz for low, high in pairwise(steps))


def test_a_caveat_says_at_which_rates_it_holds():
    by_rate = {
        60.0: found(0.2, caveats=("Joules are estimated.", "The device was hot.")),
        20.0: found(0.3, caveats=("Joules are estimated.",)),
        120.0: found(0.1, caveats=("Joules are estimated.", "The device was hot.")),
    }
    caveats = recommend_by_rate(done(20.0, 60.0, 120.0), by_rate, 0.1).caveats
    assert caveats == ("Joules are estimated.", "At 60 and 120 requests/s: The device was hot.")


def test_a_rate_at_which_the_baseline_is_best_saves_nothing_and_is_paid_for_by_the_others():
    by_rate = {20.0: found(0.5), 60.0: found(None, clock_mhz=1500, number=0)}
    recommendation = recommend_by_rate(done(20.0, 60.0), by_rate, 0.1)
    assert recommendation.comparison is None
    assert recommendation.configuration == at_clock(1500)
    # Half of the time at 20 requests/s: 10 of 40 requests a second save 1 J each.
    assert recommendation.break_even.saved_per_request_j == pytest.approx(10 / 40)
    assert recommendation.break_even.requests == pytest.approx(480.0)
    assert recommendation.break_even.hours == pytest.approx(12.0 / 3600.0)


def test_shares_of_the_time_weigh_what_is_saved():
    by_rate = {20.0: found(0.5), 60.0: found(0.25)}
    even = recommend_by_rate(done(20.0, 60.0), by_rate, 0.1).break_even
    mostly_low = recommend_by_rate(done(20.0, 60.0, shares=(0.9, 0.1)), by_rate, 0.1).break_even
    assert even.saved_per_request_j == pytest.approx((10 * 1.0 + 30 * 0.5) / 40)
    assert mostly_low.saved_per_request_j == pytest.approx((18 * 1.0 + 6 * 0.5) / 24)
    ends = [120.0 / (10 * 2.0 * (0.5 + sign * 0.1) + 30 * 2.0 * (0.25 + sign * 0.1)) * 40 for sign in (1, -1)]
    assert (even.requests_interval.low, even.requests_interval.high) == pytest.approx(tuple(ends))


def test_a_table_that_saves_nothing_is_never_paid_for():
    by_rate = {20.0: found(None, number=0), 60.0: found(None, number=0)}
    assert recommend_by_rate(done(20.0, 60.0), by_rate, 0.1).break_even is None


def test_a_study_at_one_rate_is_what_was_asked_and_found_there():
    trials = (
        replace(trial(0, 4.0), arrival_rate_hz=60.0),
        replace(trial(1, 5.0), arrival_rate_hz=20.0),
        replace(trial(2, 3.0, clock_mhz=500), arrival_rate_hz=20.0),
    )
    whole = done(20.0, 60.0)
    by_rate = {20.0: found(0.4, number=2), 60.0: found(None, clock_mhz=1500, number=0)}
    whole = replace(whole, trials=trials, recommendation=recommend_by_rate(whole, by_rate, 0.1))
    low, high = whole.at(20.0), whole.at(60.0)
    assert (low.objective.arrival_rate_hz, low.objective.arrival_rates_hz) == (20.0, ())
    assert [t.number for t in low.trials] == [1, 2]
    assert low.recommendation.configuration == at_clock(500)
    assert dict(low.recommendation.applicable) == {"gpu.core.max_mhz": 500}
    assert low.recommendation.rate_table is None
    assert high.recommendation.comparison is None
    assert whole.at(20.0).at(20.0) == low
