"""After how many requests a study has paid for itself."""

from dataclasses import replace

import pytest

from tests.unit.tuner.records import study, trial
from tuner.objective import Objective, Scenario, Slo
from tuner.study.break_even import break_even, study_cost_j
from tuner.study_record import Comparison
from tuner.trial import Interval


def priced(number, energy_j, cost_j, duration_s=10.0):
    return replace(trial(number, energy_j), energy_j=cost_j, duration_s=duration_s)


def comparison(saving, low, high):
    return Comparison(0.5, 0.5 * (1 - saving), saving, Interval(low, high), rounds=3)


STUDY = replace(study(priced(0, 0.5, 300.0), priced(1, 0.4, 200.0)), search_s=5.0, search_j=100.0)


def test_all_that_a_study_takes_is_its_cost():
    assert study_cost_j(STUDY) == 600.0


def test_a_rejected_trial_costs_too():
    rejected = replace(trial(2, None), energy_j=50.0)
    assert study_cost_j(replace(STUDY, trials=(*STUDY.trials, rejected))) == 650.0


def test_a_study_that_never_searched_spent_nothing_on_it():
    assert study_cost_j(replace(STUDY, search_s=0.0, search_j=None)) == 500.0


@pytest.mark.parametrize(
    "unknown",
    [replace(STUDY, search_j=None), replace(STUDY, trials=(STUDY.trials[0], priced(1, 0.4, None)))],
)
def test_a_part_that_nobody_counted_leaves_the_whole_unknown(unknown):
    assert study_cost_j(unknown) is None
    assert break_even(unknown, comparison(0.2, 0.1, 0.3)) is None


def test_the_saving_of_every_request_pays_it_back():
    found = break_even(STUDY, comparison(0.2, 0.1, 0.3))
    assert found.saved_per_request_j == pytest.approx(0.1)
    assert found.requests == pytest.approx(6000)
    assert (found.requests_interval.low, found.requests_interval.high) == pytest.approx((4000, 12000))
    assert found.hours == pytest.approx(6000 / 100.0 / 3600)


def test_at_a_stated_arrival_rate_that_rate_counts():
    served = replace(STUDY, objective=Objective(Scenario.SERVER, (Slo.parse("p90 <= 1 s"),), arrival_rate_hz=2.0))
    assert break_even(served, comparison(0.2, 0.1, 0.3)).hours == pytest.approx(6000 / 2.0 / 3600)


def test_a_saving_that_is_not_certain_may_never_pay():
    assert break_even(STUDY, comparison(0.2, -0.1, 0.3)).requests_interval is None


def test_what_saves_nothing_never_pays():
    assert break_even(STUDY, comparison(-0.2, -0.3, -0.1)) is None


def test_under_real_traffic_only_what_exceeds_the_baseline_is_a_cost():
    """The baseline draws 50 W: of trials of 10 s, 500 J would have been drawn anyway."""
    live = replace(
        STUDY,
        objective=Objective(Scenario.LIVE, (Slo.parse("p90 <= 1 s"),)),
        trials=(priced(0, 0.5, 500.0), priced(1, 0.4, 420.0), priced(2, 0.7, 700.0)),
    )
    assert study_cost_j(live) == pytest.approx(0.0 - 80.0 + 200.0 + 100.0)


def test_tuning_that_saved_while_it_went_on_has_paid_already():
    live = replace(
        STUDY,
        objective=Objective(Scenario.LIVE, (Slo.parse("p90 <= 1 s"),)),
        trials=(priced(0, 0.5, 500.0), priced(1, 0.4, 300.0)),
    )
    assert break_even(live, comparison(0.2, 0.1, 0.3)).requests == 0
