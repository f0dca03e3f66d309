"""What the proposers find, and why they stop."""

from __future__ import annotations

import pytest

from tests.contract.proposer_contract import run
from tests.unit.search.records import (
    SPACE,
    default_configuration,
    measured,
    optimum_j,
    rejected,
    roofline,
    search_task,
)
from tuner.configuration import Configuration
from tuner.errors import BadInputError
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import Proposal, Stop
from tuner.search.random_search import RandomProposer
from tuner.search.registry import METHODS, create_proposer
from tuner.search.stopping import FEWEST_TRIALS, nothing_to_gain
from tuner.trial import Trial

BASELINE = default_configuration(SPACE)


def best_j(trials: list[Trial]) -> float:
    return min(trial.measurement.energy.per_request_j for trial in trials if trial.measurement and trial.is_feasible)


def heavier(configuration: Configuration) -> tuple[float, float]:
    latency_s, energy_j = roofline(configuration)
    return 1.3 * latency_s, 1.5 * energy_j


def earlier_study() -> tuple[Trial, ...]:
    return tuple(measured(number, one, heavier) for number, one in enumerate([BASELINE, *list(SPACE)[:-1:4]]))


class TestBayesianProposer:
    def test_it_stops_near_the_optimum_after_few_trials(self) -> None:
        trials, stop = run(BayesianProposer(search_task()), [measured(0, BASELINE)])
        assert stop is not None
        assert "chance" in stop.why
        assert len(trials) <= 15
        assert best_j(trials) <= 1.05 * optimum_j(SPACE)

    def test_it_looks_for_feasibility_first_when_the_baseline_violates(self) -> None:
        bound_s = 0.015
        baseline = measured(0, Configuration({"gpu.core.max_mhz": 306, "batch_size": 16}), bound_s=bound_s)
        trials = [baseline]
        proposer = BayesianProposer(search_task(bound_s=bound_s))
        while not trials[-1].is_feasible and len(trials) < 6:
            outcome = proposer.propose(trials)
            assert isinstance(outcome, Proposal)
            trials.append(measured(len(trials), outcome.configuration, bound_s=bound_s))
        assert trials[-1].is_feasible

    def test_it_stops_when_nothing_is_likely_to_hold_the_slo(self) -> None:
        trials = [measured(0, BASELINE, bound_s=1e-4)]
        proposer = BayesianProposer(search_task(bound_s=1e-4))
        while isinstance(outcome := proposer.propose(trials), Proposal):
            trials.append(measured(len(trials), outcome.configuration, bound_s=1e-4))
        assert "hold the SLO" in outcome.why
        assert len(trials) < 20

    def test_the_first_proposal_without_any_measurement_is_the_fastest(self) -> None:
        outcome = BayesianProposer(search_task()).propose([rejected(0, Configuration({**BASELINE, "batch_size": 2}))])
        assert isinstance(outcome, Proposal)
        assert outcome.configuration == BASELINE

    def test_a_prediction_comes_with_the_proposal(self) -> None:
        outcome = BayesianProposer(search_task()).propose([measured(0, BASELINE)])
        assert isinstance(outcome, Proposal)
        assert outcome.prediction is not None
        assert outcome.prediction.energy_per_request_j < roofline(BASELINE)[1]
        assert 0 < outcome.prediction.feasible_probability <= 1

    def test_a_retune_measures_the_earlier_incumbent_first(self) -> None:
        earlier = earlier_study()
        incumbent = min(
            (trial for trial in earlier if trial.is_feasible), key=lambda trial: heavier(trial.configuration)[1]
        )
        outcome = BayesianProposer(search_task(earlier=earlier)).propose([measured(0, BASELINE)])
        assert isinstance(outcome, Proposal)
        assert outcome.configuration == incumbent.configuration
        assert "earlier" in outcome.why

    def test_a_retune_goes_on_after_the_earlier_incumbent_and_ends_near_the_optimum(self) -> None:
        trials, stop = run(BayesianProposer(search_task(earlier=earlier_study())), [measured(0, BASELINE)])
        assert stop is not None
        assert best_j(trials) <= 1.05 * optimum_j(SPACE)

    def test_it_advises_on_although_it_would_stop(self) -> None:
        proposer = BayesianProposer(search_task())
        trials, _ = run(proposer, [measured(0, BASELINE)])
        advice = proposer.advise(trials)
        assert advice.stop is not None
        assert advice.proposal is not None
        assert advice.proposal.configuration not in {trial.configuration for trial in trials}


class TestStopping:
    def test_too_few_trials_are_never_enough(self) -> None:
        few = [measured(number, one) for number, one in enumerate(list(SPACE)[: FEWEST_TRIALS - 1])]
        assert nothing_to_gain(few, best_probability=0.0) is None
        enough = [*few, measured(len(few), list(SPACE)[FEWEST_TRIALS])]
        assert isinstance(nothing_to_gain(enough, best_probability=0.0), Stop)

    def test_a_fair_chance_keeps_the_search_going(self) -> None:
        trials = [measured(number, one) for number, one in enumerate(list(SPACE)[: 2 * FEWEST_TRIALS])]
        assert nothing_to_gain(trials, best_probability=0.06) is None


class TestRandomProposer:
    def test_another_seed_gives_another_sequence(self) -> None:
        sequences = {
            tuple(trial.configuration for trial in run(RandomProposer(search_task(seed=seed, max_trials=8)), [])[0])
            for seed in range(5)
        }
        assert len(sequences) == 5

    def test_every_configuration_is_proposed_at_some_time(self) -> None:
        trials, _ = run(RandomProposer(search_task(max_trials=1000)), [])
        assert {trial.configuration for trial in trials} == set(SPACE)


class TestRegistry:
    def test_every_method_can_be_made(self) -> None:
        for method in METHODS:
            assert isinstance(create_proposer(method, search_task()).propose([measured(0, BASELINE)]), Proposal)

    def test_an_unknown_method_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(BadInputError, match=r"'guess'.*wattune, random"):
            create_proposer("guess", search_task())
