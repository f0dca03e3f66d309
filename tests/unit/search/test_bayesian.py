"""What our proposer proposes first, and what it says."""

from __future__ import annotations

import math

import pytest

from tests.unit.search.devices import PHASES, two_phases
from tests.unit.search.physics.spaces import UNUSUAL_SPACES
from tests.unit.search.records import (
    SPACE,
    Outcome,
    all_measured,
    default_configuration,
    measured,
    optimum_j,
    rejected,
    roofline,
    search_task,
)
from tests.unit.search.studies import explored, single_stream
from tuner.configuration import Configuration, ConfigurationSpace, ParameterKind
from tuner.search import local_search
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import EarlierStudy, Proposal, SearchTask
from tuner.trial import Trial

BASELINE = default_configuration(SPACE)


def proposal(task: SearchTask, trials: list[Trial]) -> Proposal:
    outcome = BayesianProposer(task).propose(trials)
    assert isinstance(outcome, Proposal)
    return outcome


class TestSearch:
    def test_it_stops_near_the_optimum_after_few_trials(self) -> None:
        study = explored(search_task(), roofline)
        assert study.stop is not None
        assert "chance" in study.stop.why
        assert len(study.trials) <= 12
        assert study.regret(roofline) <= 0.02

    @pytest.mark.parametrize("bound_s", [0.021, 0.03, 0.06])
    def test_each_clock_of_two_phases_finds_its_own_place(self, bound_s: float) -> None:
        study = explored(single_stream(PHASES, bound_s), two_phases)
        assert len(study.trials) <= 14
        assert study.regret(two_phases) <= 0.02

    def test_it_advises_on_although_it_would_stop(self) -> None:
        study = explored(search_task(), roofline)
        advice = BayesianProposer(search_task()).advise(study.trials)
        assert advice.stop is not None
        assert advice.proposal is not None
        assert advice.proposal.configuration not in study.configurations

    def test_it_answers_the_same_when_it_was_killed_in_between(self) -> None:
        study = explored(search_task(), roofline)
        for count in (1, 4, len(study.trials) - 1):
            again = proposal(search_task(), study.trials[:count])
            assert again.configuration == study.configurations[count]


class TestFeasibility:
    SLOWEST = Configuration({"gpu.core.max_mhz": 306, "batch_size": 16})

    @pytest.mark.parametrize("bound_s", [0.009, 0.015, 0.1])
    def test_it_looks_for_what_holds_the_slo_first_when_the_baseline_does_not(self, bound_s: float) -> None:
        study = explored(search_task(bound_s=bound_s), roofline, most=20, baseline=self.SLOWEST)
        assert any(trial.is_feasible for trial in study.trials[1:4])
        assert study.regret(roofline) <= 0.05

    def test_it_stops_and_says_so_when_nothing_is_likely_to_hold_the_slo(self) -> None:
        study = explored(search_task(bound_s=1e-4), roofline)
        assert study.stop is not None
        assert "hold the SLO" in study.stop.why
        assert len(study.trials) < 15

    def test_several_slos_hold_at_the_end(self) -> None:
        def both(configuration: Configuration) -> Outcome:
            plain = roofline(configuration)
            (latency_s,) = plain.latencies_s
            first_token_s = 0.002 + 0.004 / float(configuration["gpu.core.max_mhz"]) * 1000
            return Outcome((latency_s, first_token_s), plain.energy_j, plain.throughput_hz)

        task = single_stream(SPACE, 0.1, 0.0055)
        alone = optimum_j(SPACE)
        assert optimum_j(SPACE, both, task.objective) > 1.02 * alone
        study = explored(task, both)
        assert study.regret(both) <= 0.02


class TestExtremes:
    def test_where_all_is_the_same_it_stops(self) -> None:
        study = explored(search_task(), lambda _: Outcome((0.02,), 1.0, 50.0))
        assert study.stop is not None
        assert len(study.trials) < SPACE.size / 2

    def test_the_first_proposal_without_any_measurement_is_the_fastest(self) -> None:
        trials = [rejected(0, Configuration({**BASELINE, "batch_size": 2}))]
        assert proposal(search_task(), trials).configuration == BASELINE

    def test_a_baseline_that_breaks_the_slo_by_a_factor_of_a_thousand_does_no_harm(self) -> None:
        first = proposal(search_task(bound_s=1e-5), [measured(0, BASELINE, bound_s=1e-5)])
        assert first.prediction is not None
        assert 0 <= first.prediction.feasible_probability < 0.01


class TestUnusualSpaces:
    @pytest.mark.parametrize("name", sorted(UNUSUAL_SPACES.keys() - {"rate alone", "everything"}))
    def test_every_configuration_is_tried_at_most_once_and_then_it_ends(self, name: str) -> None:
        space = UNUSUAL_SPACES[name]
        study = explored(search_task(space), roofline, most=12, baseline=next(iter(space)), heeds_stop=False)
        assert len(set(study.configurations)) == len(study.trials) == min(12, space.size)
        assert all(one in space for one in study.configurations)

    def test_everything_at_once_is_searched_although_it_cannot_be_listed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local_search, "MAX_EVALUATIONS", 2000)
        space = UNUSUAL_SPACES["everything"]
        assert space.size > 1e6
        space = ConfigurationSpace(tuple(one for one in space.parameters if one.kind is not ParameterKind.RATE))
        baseline = Configuration({one.id: one.choices[-1] for one in space.parameters})
        found = proposal(search_task(space), [measured(0, baseline, bound_s=10.0)])
        assert found.configuration in space
        assert found.configuration != baseline


class TestWords:
    def test_a_prediction_comes_with_the_proposal(self) -> None:
        found = proposal(search_task(), [measured(0, BASELINE)])
        assert found.prediction is not None
        assert found.prediction.energy_per_request_j < roofline(BASELINE).energy_j
        assert 0 < found.prediction.feasible_probability <= 1
        assert "expected to change energy by -" in found.why

    def test_predictions_come_true(self) -> None:
        found = proposal(search_task(), all_measured([BASELINE, *list(SPACE)[::6]]))
        assert found.prediction is not None
        truth = roofline(found.configuration)
        assert found.prediction.energy_per_request_j == pytest.approx(truth.energy_j, rel=0.05)
        assert found.prediction.slo_latency_s == pytest.approx(truth.latencies_s[0], rel=0.05)

    def test_without_an_incumbent_it_says_how_likely_the_slo_holds(self) -> None:
        assert (
            "most likely to hold the SLO"
            in proposal(search_task(bound_s=5e-3), [measured(0, BASELINE, bound_s=5e-3)]).why
        )


class TestEarlierStudies:
    @staticmethod
    def heavier(configuration: Configuration) -> Outcome:
        return roofline(configuration).scaled(1.3, 1.5)

    def study(self) -> tuple[Trial, ...]:
        return tuple(all_measured([BASELINE, *list(SPACE)[:-1:4]], self.heavier))

    def incumbent(self) -> Configuration:
        feasible = [trial.configuration for trial in self.study() if trial.is_feasible]
        return min(feasible, key=lambda one: self.heavier(one).energy_j)

    def test_their_best_is_measured_first(self) -> None:
        found = proposal(search_task(earlier=self.study()), [measured(0, BASELINE)])
        assert found.configuration == self.incumbent()
        assert "earlier" in found.why

    def test_it_is_not_measured_twice_nor_if_it_is_no_longer_legal(self) -> None:
        own = [measured(0, BASELINE), measured(1, self.incumbent())]
        assert "earlier" not in proposal(search_task(earlier=self.study()), own).why
        elsewhere = tuple(all_measured([Configuration({"gpu.core.max_mhz": 999, "batch_size": 3})]))
        assert "earlier" not in proposal(search_task(earlier=elsewhere), own[:1]).why

    def test_the_best_of_every_one_is_measured(self) -> None:
        studies = tuple(EarlierStudy(tuple(all_measured([one]))) for one in list(SPACE)[20:22])
        task = SearchTask(SPACE, search_task().objective, 0, 30, studies)
        trials = [measured(0, BASELINE)]
        for _ in studies:
            trials.append(measured(len(trials), proposal(task, trials).configuration))
        assert {trial.configuration for trial in trials[1:]} == set(list(SPACE)[20:22])

    def test_the_search_goes_on_from_there_and_ends_near_the_optimum(self) -> None:
        study = explored(search_task(earlier=self.study()), roofline)
        assert study.stop is not None
        assert len(study.trials) <= 12
        assert study.regret(roofline) <= 0.02

    def test_one_that_broke_its_slo_throughout_has_no_best(self) -> None:
        broken = tuple(measured(number, one, bound_s=1e-6) for number, one in enumerate(list(SPACE)[:5]))
        assert "earlier" not in proposal(search_task(earlier=broken), [measured(0, BASELINE)]).why


def test_an_optimum_exists_in_each_space() -> None:
    assert math.isfinite(optimum_j(SPACE))
    assert math.isfinite(optimum_j(PHASES, two_phases, single_stream(PHASES, 0.021).objective))
