"""What measuring a candidate is worth: caution first, then gain, chance and cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.unit.search.devices import PHASES, two_phases
from tests.unit.search.records import (
    SPACE,
    Outcome,
    Physics,
    batch,
    clock,
    default_configuration,
    objective,
    recorded,
    roofline,
    search_task,
)
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective, Scenario, Slo
from tuner.search import acquisition
from tuner.search.contract import Caution, Goal, SearchTask
from tuner.search.encoding import Encoding
from tuner.search.evidence import gather_evidence
from tuner.search.incumbents import Incumbents
from tuner.search.prior import Prior
from tuner.search.reach import Reach
from tuner.search.surrogate import Surrogate
from tuner.search.worth import Worth, front_of
from tuner.trial import Trial

BASELINE = default_configuration(SPACE)
TRIED = [BASELINE, *list(SPACE)[3::12]]
RATED = Objective(Scenario.SERVER, objective(0.04).slos, arrival_rates_hz=(20.0, 60.0))
CAUTIONS = [Caution(0.95, 2), Caution(0.95, None), Caution(0.0, 1), Caution(0.5, 3)]


class Moment:
    """All that a search knows after some trials."""

    def __init__(self, task: SearchTask, tried: Sequence[Configuration], physics: Physics = roofline) -> None:
        self.trials: list[Trial] = [
            recorded(number, one, physics(one), task.objective) for number, one in enumerate(tried)
        ]
        self.encoding = Encoding(task.space)
        self.features = self.encoding.encode(task.space)
        self.surrogate = Surrogate(
            Prior(self.encoding, task.objective), gather_evidence(self.encoding, task.objective, self.trials)
        )
        self.incumbents = Incumbents(task.objective, self.encoding, self.surrogate, self.trials)
        self.worth = Worth(task, task.space, self.encoding, self.surrogate, self.incumbents, self.trials)
        self.prediction = self.surrogate.predict(self.features)
        self.feasibility = acquisition.log_feasibility(self.prediction, task.objective.slos)

    @property
    def values(self) -> Tensor:
        return self.worth(self.features)


class TestGain:
    def test_it_is_the_expected_constrained_improvement(self) -> None:
        now = Moment(search_task(), TRIED)
        assert now.incumbents.first is not None
        improvement = acquisition.log_improvement(now.prediction, now.incumbents.first.log_energy)
        torch.testing.assert_close(now.values, now.feasibility + improvement)

    def test_without_an_incumbent_only_the_chance_to_hold_the_slos_counts(self) -> None:
        now = Moment(search_task(bound_s=1e-3), TRIED)
        torch.testing.assert_close(now.values, now.feasibility)

    def test_several_slos_all_count(self) -> None:
        asked = Objective(Scenario.SINGLE_STREAM, (Slo(99.0, 0.1), Slo(99.0, 0.02)))
        task = replace(search_task(), objective=asked)

        def both(configuration: Configuration) -> Outcome:
            outcome = roofline(configuration)
            return replace(outcome, latencies_s=outcome.latencies_s * 2)

        loose, tight = Moment(search_task(), TRIED), Moment(task, TRIED, both)
        slow = [place for place, one in enumerate(SPACE) if roofline(one).latencies_s[0] > 0.03]
        assert (tight.feasibility[slow] < loose.feasibility[slow]).all()
        assert both(list(SPACE)[int(tight.values.argmax())]).latencies_s[1] < 0.025


class TestCaution:
    @pytest.mark.parametrize("caution", CAUTIONS)
    @pytest.mark.parametrize("bound_s", [0.03, 0.1])
    def test_nothing_that_is_too_risky_comes_before_anything_that_is_not(
        self, caution: Caution, bound_s: float
    ) -> None:
        task = replace(search_task(bound_s=bound_s), caution=caution)
        now = Moment(task, TRIED)
        near = Reach(SPACE, now.encoding, caution.max_steps).holds(now.features, now.incumbents.proven)
        acceptable = near & (now.feasibility.exp() >= caution.min_feasibility)
        assert acceptable.any()
        assert not acceptable.all()
        assert now.values[acceptable].min() > now.values[~acceptable].max()
        assert [now.worth.is_acceptable(value) for value in now.values.tolist()] == acceptable.tolist()

    def test_of_what_is_too_risky_the_least_risky_comes_first(self) -> None:
        now = Moment(replace(search_task(bound_s=0.03), caution=Caution(0.95, 1)), TRIED)
        risky = torch.tensor([not now.worth.is_acceptable(value) for value in now.values.tolist()])
        by_worth = now.values[risky].argsort(descending=True)
        assert (now.feasibility[risky][by_worth].diff() <= 0).all()

    def test_as_long_as_nothing_is_proven_everything_may_be_tried(self) -> None:
        now = Moment(replace(search_task(bound_s=1e-3), caution=Caution(0.95, 1)), TRIED)
        assert all(now.worth.is_acceptable(value) for value in now.values.tolist())

    def test_it_holds_for_the_front_too(self) -> None:
        task = replace(search_task(bound_s=0.03), caution=Caution(0.95, 1), goal=Goal.FRONT)
        now = Moment(task, TRIED)
        best = int(now.values.argmax())
        assert now.feasibility[best].exp() >= 0.95


class TestSwitching:
    SLOW_CLOCK = ConfigurationSpace((replace(clock(), switch_cost_s=60.0), batch()))

    def test_a_change_costs_its_time_over_that_of_a_trial(self) -> None:
        task = replace(search_task(), trial_s=30.0)
        free, costly = Moment(task, TRIED), Moment(replace(task, space=self.SLOW_CLOCK), TRIED)
        present = TRIED[-1]["gpu.core.max_mhz"]
        expected = [0.0 if one["gpu.core.max_mhz"] == present else math.log(3.0) for one in SPACE]
        torch.testing.assert_close(free.values - costly.values, torch.tensor(expected, dtype=torch.float64))

    def test_a_long_trial_makes_it_matter_less(self) -> None:
        task = replace(search_task(), space=self.SLOW_CLOCK)
        short, long = (Moment(replace(task, trial_s=trial_s), TRIED).values for trial_s in (10.0, 1000.0))
        assert (long >= short).all()
        assert (long > short).any()

    def test_changing_several_parameters_costs_the_time_of_each(self) -> None:
        space = ConfigurationSpace(tuple(replace(one, switch_cost_s=15.0) for one in SPACE.parameters))
        task = replace(search_task(), trial_s=30.0)
        free, costly = Moment(task, TRIED), Moment(replace(task, space=space), TRIED)
        changed = torch.tensor(
            [sum(one[name] != TRIED[-1][name] for name in one) for one in SPACE], dtype=torch.float64
        )
        torch.testing.assert_close(free.values - costly.values, torch.log1p(changed * 0.5))

    def test_a_baseline_that_lacks_a_parameter_is_no_obstacle(self) -> None:
        now = Moment(search_task(), TRIED)
        stranger = replace(now.trials[-1], configuration=Configuration({"batch_size": 2}))
        worth = Worth(search_task(), SPACE, now.encoding, now.surrogate, now.incumbents, [*now.trials, stranger])
        assert worth(now.features).isfinite().all()


class TestFront:
    TASK = SearchTask(PHASES, objective(0.04), 0, 30, goal=Goal.FRONT)
    TRIED = (default_configuration(PHASES), *list(PHASES)[4::17])

    def test_it_is_that_of_the_trials(self) -> None:
        now = Moment(self.TASK, self.TRIED, two_phases)
        points = [(math.log(two_phases(one).latencies_s[0]), math.log(two_phases(one).energy_j)) for one in self.TRIED]
        found = front_of(self.TASK, now.trials)
        assert set(found.points) <= set(points)
        assert found.within_slo == (math.log(0.04), max(energy for _, energy in points))
        assert found.overall == (max(latency for latency, _ in points), max(energy for _, energy in points))

    def test_trials_at_lower_arrival_rates_are_no_part_of_it(self) -> None:
        rates = replace(self.TASK, objective=RATED)
        high, low = (
            recorded(number, one, two_phases(one), RATED.at(rate_hz), rate_hz)
            for number, (one, rate_hz) in enumerate(zip(self.TRIED, (60.0, 20.0), strict=False))
        )
        assert front_of(rates, [high, low]) == front_of(rates, [high])

    def test_what_saves_energy_within_the_slo_counts_on_top(self) -> None:
        """The end of least energy is a point, which adds little area to a front, and is what will be recommended."""
        for_energy = Moment(replace(self.TASK, goal=Goal.LEAST_ENERGY), self.TRIED, two_phases).values
        for_front = Moment(self.TASK, self.TRIED, two_phases).values
        assert (for_front > for_energy).all()

    def test_what_surely_extends_it_is_worth_more_than_what_is_dominated(self) -> None:
        now = Moment(self.TASK, self.TRIED, two_phases)
        front = front_of(self.TASK, now.trials)
        outcomes = [two_phases(one) for one in PHASES]
        dominated = torch.tensor(
            [
                any(
                    latency < math.log(one.latencies_s[0]) - 0.1 and energy < math.log(one.energy_j) - 0.1
                    for latency, energy in front.points
                )
                for one in outcomes
            ]
        )
        assert dominated.any()
        assert not dominated[now.values.argmax()]

    def test_it_gains_less_and_less(self) -> None:
        gains = []
        for every in (40, 3):
            now = Moment(self.TASK, [default_configuration(PHASES), *list(PHASES)[::every]], two_phases)
            order = now.values.argsort(descending=True)
            gains.append(now.worth.front_gain(now.features[order]))
        assert 0 <= gains[1] < 0.2 * gains[0]
