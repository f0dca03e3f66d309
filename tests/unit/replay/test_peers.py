"""What makes each peer what it says it is; what they have in common is in the contract suite."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import optuna
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replay.tables import clock_table, table
from tests.unit.search.records import SPACE, batch, clock, governor, measured, rejected, search_task
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.replay.methods import REPLAY_METHODS, VARIANTS
from tuner.replay.peers.gaussian_process import ENERGY, LATENCY
from tuner.replay.peers.optuna_gp import OptunaGpProposer
from tuner.replay.peers.optuna_study import OptunaProposer
from tuner.replay.peers.optuna_tpe import OptunaTpeProposer
from tuner.replay.peers.polythrottle import PolyThrottleProposer
from tuner.replay.peers.pool import Pool, by_place, by_value
from tuner.replay.task import ReplayTask
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import Proposal, SearchTask
from tuner.search.registry import OWN_METHODS
from tuner.trial import Trial

PEERS = [name for name in REPLAY_METHODS.names if name not in OWN_METHODS and name not in VARIANTS]
MODEL_BASED = ["botorch-qlognei", "polythrottle"]


def roofline_table() -> ReplayTask:
    """A device with the least energy at a middle clock and the largest batch that its SLO allows."""
    points = []
    for mhz in range(300, 1301, 100):
        for items in (1, 2, 4, 8, 16):
            clock_ghz = mhz / 1000
            latency_s = 0.004 + 0.006 * items / clock_ghz
            power_w = 6.0 + 12.0 * clock_ghz * (0.6 + 0.4 * clock_ghz) ** 2
            points.append(({"gpu_mhz": mhz, "batch_size": items}, latency_s, power_w * latency_s / items))
    return ReplayTask(table(points, {"gpu_mhz": "MHz", "batch_size": "items"}), 4.0)


def asked(proposer: AdvisingProposer, trials: Sequence[Trial]) -> Configuration:
    outcome = proposer.propose(trials)
    assert isinstance(outcome, Proposal)
    return outcome.configuration


class TestPool:
    def test_places_are_evenly_spaced_and_values_are_not(self) -> None:
        assert by_place((1, 2, 4, 8, 16)) == [0.0, 0.25, 0.5, 0.75, 1.0]
        assert by_value((1, 2, 4, 9)) == [0.0, 0.125, 0.375, 1.0]
        assert by_place((7,)) == by_value((7,)) == [0.0]

    def test_a_category_has_a_coordinate_for_each_choice(self) -> None:
        pool = Pool(ConfigurationSpace((clock(choices=(300, 900)), governor())), by_place)
        assert pool.dimensions == 4
        assert pool.coordinates.tolist()[1] == [0.0, 0.0, 1.0, 0.0]

    @given(st.sets(st.integers(0, SPACE.size - 1)))
    def test_what_was_tried_is_not_untried(self, tried: set[int]) -> None:
        pool = Pool(SPACE, by_place)
        configurations = list(SPACE)
        untried = pool.untried([configurations[place] for place in tried])
        assert set(untried.tolist()) == set(range(SPACE.size)) - tried

    @given(st.integers(0, SPACE.size - 1))
    def test_a_point_of_the_pool_is_nearest_to_itself(self, place: int) -> None:
        pool = Pool(SPACE, by_value)
        point = pool.point(pool[place])
        assert point is not None
        assert pool.nearest(point, pool.untried([])) == place

    def test_the_nearest_is_chosen_among_the_untried(self) -> None:
        space = ConfigurationSpace((clock(choices=(300, 600, 900, 1200)),))
        pool = Pool(space, by_place)
        untried = pool.untried([Configuration({"gpu.core.max_mhz": 900})])
        nearest = [pool[pool.nearest(np.array([place]), untried)]["gpu.core.max_mhz"] for place in (0.1, 0.6, 0.7)]
        assert nearest == [300, 600, 1200]

    def test_a_value_that_is_no_choice_has_no_point(self) -> None:
        assert Pool(SPACE, by_place).point(Configuration({"gpu.core.max_mhz": 1, "batch_size": 1})) is None


class TestOptuna:
    @pytest.mark.parametrize("proposer_class", [OptunaTpeProposer, OptunaGpProposer])
    def test_every_measured_trial_is_told_with_its_constraint_the_baseline_first(
        self, proposer_class: type[OptunaProposer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configurations = list(SPACE)
        trials = [measured(0, configurations[-1]), rejected(1, configurations[0]), measured(2, configurations[7])]
        studies: list[optuna.Study] = []
        ask = optuna.Study.ask

        def watched(study: optuna.Study, *arguments: object) -> optuna.Trial:
            studies.append(copy.deepcopy(study))
            return ask(study, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(optuna.Study, "ask", watched)
        asked(proposer_class(search_task(bound_s=0.05)), trials)
        told = studies[0].trials
        first, second = told
        assert first.params == {"gpu.core.max_mhz": 10, "batch_size": 4}
        assert second.params == {"gpu.core.max_mhz": 1, "batch_size": 2}
        assert [one.constraints["latency"] <= 0 for one in told] == [
            trial.measurement.slo_latency_s <= 0.05 for trial in trials if trial.measurement
        ]
        assert trials[0].measurement is not None
        assert first.value == pytest.approx(math.log(trials[0].measurement.energy.per_request_j))

    def test_what_optuna_asks_for_outside_of_a_scattered_pool_is_mapped_into_it(self) -> None:
        corners = ConfigurationSpace(SPACE.parameters, pool=tuple(list(SPACE)[place] for place in (0, 4, -1)))
        proposer = OptunaTpeProposer(search_task(corners))
        point = proposer.pool.point(list(SPACE)[3])
        assert point is not None
        assert proposer.pool[proposer.pool.nearest(point, proposer.pool.untried([]))] == list(SPACE)[4]


class TestGaussianProcesses:
    @pytest.mark.parametrize(("method", "initial_points"), [("botorch-qlognei", 1), ("polythrottle", 5)])
    def test_the_design_is_spread_and_ends_after_so_many_measured_points(
        self, method: str, initial_points: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        proposer_class = REPLAY_METHODS.load(method)
        fitted: list[int] = []
        original = proposer_class._fitted  # type: ignore[attr-defined]

        def counting(self: object, inputs: torch.Tensor, outputs: torch.Tensor) -> object:
            fitted.append(len(inputs))
            return original(self, inputs, outputs)

        monkeypatch.setattr(proposer_class, "_fitted", counting)
        proposer = proposer_class(search_task())
        trials = [measured(0, list(SPACE)[-1])]
        while len(trials) < initial_points + 2:
            trials.append(measured(len(trials), asked(proposer, trials)))
        assert fitted == [initial_points, initial_points + 1]
        clocks = {trial.configuration["gpu.core.max_mhz"] for trial in trials[1:initial_points]}
        assert len(clocks) == initial_points - 1  # Sobol points: no clock twice

    def test_polythrottle_takes_the_best_expected_constrained_improvement(self) -> None:
        proposer = PolyThrottleProposer(search_task(bound_s=0.05))
        configurations = list(SPACE)
        trials = [measured(number, configurations[place], bound_s=0.05) for number, place in enumerate(range(0, 55, 9))]
        chosen = asked(proposer, trials)
        inputs = torch.from_numpy(np.stack([proposer.pool.point(trial.configuration) for trial in trials]))  # type: ignore[arg-type]
        outputs = torch.tensor(
            [
                [math.log(trial.measurement.energy.per_request_j), math.log(trial.measurement.slo_latency_s / 0.05)]
                for trial in trials
                if trial.measurement
            ],
            dtype=torch.float64,
        )
        best_log_j = min(energy for energy, excess in outputs.tolist() if excess <= 0)
        model = proposer._fitted(inputs, outputs)
        untried = proposer.pool.untried(trial.configuration for trial in trials)
        posterior = model.posterior(torch.from_numpy(proposer.pool.coordinates[untried]))
        mean, sd = posterior.mean.detach(), posterior.variance.sqrt().detach()
        normal = torch.distributions.Normal(0.0, 1.0)
        margin = (best_log_j - mean[:, ENERGY]) / sd[:, ENERGY]
        improvement = sd[:, ENERGY] * (margin * normal.cdf(margin) + normal.log_prob(margin).exp())
        value = improvement * normal.cdf(-mean[:, LATENCY] / sd[:, LATENCY])
        assert proposer.pool[int(untried[value.argmax()])] == chosen

    @pytest.mark.parametrize("method", MODEL_BASED)
    def test_while_nothing_is_feasible_it_goes_where_latency_is_least(self, method: str) -> None:
        task = search_task(bound_s=0.010)  # only the smallest batch at a high clock is that fast
        slow = [measured(n, one, bound_s=0.010) for n, one in enumerate(c for c in SPACE if c["batch_size"] == 16)]
        slow += [measured(20 + n, one, bound_s=0.010) for n, one in enumerate(c for c in SPACE if c["batch_size"] == 4)]
        assert asked(REPLAY_METHODS.create(method, task), slow)["batch_size"] in (1, 2)


class TestAllOfThem:
    @pytest.mark.parametrize("method", PEERS)
    def test_it_needs_fewer_trials_than_random_search_would(self, method: str) -> None:
        task = roofline_table()

        def is_good(one: Configuration) -> bool:
            return task.holds_slo(one) and task.energy_j(one) <= 1.05 * task.optimum_j

        by_chance = 1 + task.space.size / (1 + sum(map(is_good, task.space)))
        proposer = REPLAY_METHODS.create(method, SearchTask(task.space, task.objective, seed=1, max_trials=100))
        trials = [task.trial(0, task.start)]
        while not is_good(trials[-1].configuration):
            trials.append(task.trial(len(trials), asked(proposer, trials)))
            assert len(trials) < by_chance

    @pytest.mark.parametrize("method", PEERS)
    def test_ties_do_not_stop_it(self, method: str) -> None:
        task = ReplayTask(clock_table([1.0] * 14, [1.0] * 14), 2.0)
        trials = [task.trial(0, task.start)]
        proposer = REPLAY_METHODS.create(method, search_task(task.space))
        while len(trials) < 13:
            trials.append(task.trial(len(trials), asked(proposer, trials)))
        assert len({trial.configuration for trial in trials}) == 13

    @pytest.mark.parametrize("method", ["optuna-tpe", "polythrottle"])
    def test_another_seed_begins_otherwise_where_the_beginning_is_random(self, method: str) -> None:
        baseline = [measured(0, list(SPACE)[-1])]
        first = {asked(REPLAY_METHODS.create(method, search_task(seed=seed)), baseline) for seed in range(8)}
        assert len(first) >= 4


def test_a_batch_that_doubles_is_one_step() -> None:
    space = ConfigurationSpace((batch((1, 2, 4, 8, 16)),))
    assert Pool(space, by_place).coordinates[:, 0].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
