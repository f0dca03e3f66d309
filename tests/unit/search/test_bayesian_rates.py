"""Our proposer where requests come at several rates."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.unit.search.devices import SERVED, server
from tests.unit.search.records import Outcome, optimum_j
from tests.unit.search.studies import Study, explored_at_rates
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective, Scenario, Slo
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import Caution, EarlierStudy, Proposal, SearchTask, Stop

RATES_HZ = (10.0, 40.0, 70.0)
ASKED = Objective(Scenario.SERVER, (Slo(99.0, 0.025),), arrival_rates_hz=RATES_HZ)
TASK = SearchTask(SERVED, ASKED, 0, 100)


def at(rate_hz: float | None, configuration: Configuration) -> Outcome:
    assert rate_hz is not None
    return server(configuration, rate_hz)


def explored(task: SearchTask, most: int = 30) -> Study:
    return explored_at_rates(task, lambda configuration, rate_hz: at(rate_hz, configuration), most)


def optimum_at(study: Study, rate_hz: float) -> float:
    return optimum_j(study.task.space, lambda one: server(one, rate_hz), study.task.objective.at(rate_hz))


def regret(study: Study, rate_hz: float) -> float:
    found = [
        server(trial.configuration, rate_hz).energy_j
        for trial in study.trials
        if trial.arrival_rate_hz == rate_hz and trial.is_feasible
    ]
    return min(found) / optimum_at(study, rate_hz) - 1


@pytest.fixture(scope="module")
def study() -> Study:
    return explored(TASK)


def test_each_rate_finds_its_optimum(study: Study) -> None:
    assert study.stop is not None
    for rate_hz in RATES_HZ:
        assert regret(study, rate_hz) <= 0.05


def test_the_optima_differ() -> None:
    def best(rate_hz: float) -> Configuration:
        feasible = (one for one in SERVED if server(one, rate_hz).latencies_s[0] <= 0.025)
        return min(feasible, key=lambda one: server(one, rate_hz).energy_j)

    assert len({best(rate_hz) for rate_hz in RATES_HZ}) == len(RATES_HZ)


def test_it_takes_fewer_trials_than_one_search_for_each(study: Study) -> None:
    def alone(rate_hz: float) -> Study:
        task = replace(TASK, objective=ASKED.at(rate_hz))
        return explored_at_rates(task, lambda configuration, _: server(configuration, rate_hz))

    assert len(study.trials) < sum(len(alone(rate_hz).trials) for rate_hz in RATES_HZ)


def test_every_proposal_is_at_one_of_the_rates_and_new_there(study: Study) -> None:
    tried = Counter((trial.configuration, trial.arrival_rate_hz) for trial in study.trials)
    assert max(tried.values()) == 1
    assert {rate_hz for _, rate_hz in tried} == set(RATES_HZ)
    assert all(configuration in SERVED for configuration, _ in tried)


@pytest.mark.parametrize("place", range(len(RATES_HZ)))
def test_where_nearly_all_joules_are_spent_is_looked_at_most(place: int) -> None:
    shares = tuple(0.98 if number == place else 0.01 for number in range(len(RATES_HZ)))
    found = explored(replace(TASK, objective=replace(ASKED, rate_shares=shares)), 10)
    rates = Counter(trial.arrival_rate_hz for trial in found.trials[1:])
    assert rates.most_common(1)[0][0] == RATES_HZ[place]
    assert rates[RATES_HZ[place]] >= 4


def test_a_pool_is_searched_at_every_rate() -> None:
    pool = ConfigurationSpace(SERVED.parameters, pool=tuple(SERVED)[::2])
    study = explored(replace(TASK, space=pool))
    assert all(trial.configuration in pool for trial in study.trials)
    for rate_hz in RATES_HZ:
        assert regret(study, rate_hz) <= 0.05


def test_it_ends_when_everything_was_tried_at_every_rate() -> None:
    few = ConfigurationSpace(SERVED.parameters, pool=tuple(SERVED)[-2:])
    baseline = list(few)[-1]
    task = replace(TASK, space=few)
    study = explored_at_rates(task, lambda one, hz: at(hz, one), 30, baseline, heeds_stop=False)
    assert len(study.trials) == 2 * len(RATES_HZ)
    assert isinstance(study.stop, Stop)


def test_caution_holds_at_every_rate() -> None:
    roomy = replace(ASKED, slos=(Slo(99.0, 0.1),))
    study = explored(replace(TASK, objective=roomy, caution=Caution(0.95, 2)), 40)
    assert study.violations == 0
    assert {trial.arrival_rate_hz for trial in study.trials} == set(RATES_HZ)
    for rate_hz in RATES_HZ:
        assert regret(study, rate_hz) <= 0.1


def test_the_best_of_an_earlier_study_is_measured_again_at_its_rate(study: Study) -> None:
    task = replace(TASK, earlier=(EarlierStudy(tuple(study.trials)),))
    outcome = BayesianProposer(task).propose(study.trials[:1])
    assert isinstance(outcome, Proposal)
    assert outcome.arrival_rate_hz == RATES_HZ[-1]
    assert "earlier" in outcome.why


def test_with_one_rate_no_rate_is_named() -> None:
    task = replace(TASK, objective=ASKED.at(40.0))
    one = explored_at_rates(task, lambda configuration, _: server(configuration, 40.0))
    assert all(trial.arrival_rate_hz is None for trial in one.trials)
    best_j = optimum_j(SERVED, lambda configuration: server(configuration, 40.0), task.objective)
    assert server(one.best, 40.0).energy_j <= 1.05 * best_j
