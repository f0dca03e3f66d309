"""Scoring on hand-made tables whose answers are known."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.unit.replay.tables import clock_table, table
from tuner.configuration import Configuration, ParameterKind
from tuner.errors import BadInputError
from tuner.replay.scoring import is_worth_scoring, score
from tuner.replay.search_run import TRIAL_CAP
from tuner.replay.task import ReplayTask, parameter_kind
from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.contract import Proposal, SearchTask, Stop
from tuner.search.random_search import RandomProposer
from tuner.trial import Trial, Verdict


class Scripted(AdvisingProposer):
    """Proposes clocks in a given order, and advises to stop from a given number of trials on."""

    def __init__(self, task: SearchTask, clocks_mhz: Sequence[int], stop_at: int) -> None:
        super().__init__(task)
        self.seen: list[tuple[Trial, ...]] = []
        self._clocks_mhz = clocks_mhz
        self._stop_at = stop_at

    def advise(self, trials: Sequence[Trial]) -> Advice:
        self.seen.append(tuple(trials))
        place = len(trials) - 1
        stop = Stop("Enough.") if len(trials) >= self._stop_at else None
        if place >= len(self._clocks_mhz):
            return Advice(None, Stop("The script has ended."))
        return Advice(Proposal(Configuration({"gpu_mhz": self._clocks_mhz[place]}), "scripted"), stop)


def scripted(clocks_mhz: Sequence[int], stop_at: int = 1000) -> Callable[[SearchTask], Scripted]:
    return lambda task: Scripted(task, clocks_mhz, stop_at)


# 100 MHz breaks the SLO of 2 x 1.0 s; the optimum is 1.0 J at 300 MHz, and 200 MHz is within 5 % of it.
TABLE = clock_table(latencies_s=[2.5, 1.9, 1.5, 1.2, 1.1, 1.0], energies_j=[0.5, 1.04, 1.0, 1.2, 1.5, 2.0])
TASK = ReplayTask(TABLE, 2.0)


class TestTask:
    def test_the_optimum_is_the_least_energy_that_holds_the_slo(self) -> None:
        assert TASK.optimum_j == 1.0
        assert len(TASK.feasible) == 5
        assert TASK.objective.slos[0].bound_s == pytest.approx(2.0)

    def test_it_starts_at_the_smallest_batch_with_everything_else_at_its_maximum(self) -> None:
        knobs = {"gpu_mhz": "MHz", "batch_size": "items", "cores": "cores", "cap_w": "W"}
        points = [
            ({"gpu_mhz": mhz, "batch_size": items, "cores": cores, "cap_w": cap}, 1.0, 1.0)
            for mhz in (100, 900)
            for items in (1, 8)
            for cores in (1, 4)
            for cap in (10, 30)
        ]
        start = ReplayTask(table(points, knobs), 2.0).start
        assert dict(start) == {"gpu_mhz": 900, "batch_size": 1, "cores": 4, "cap_w": 30}

    def test_where_that_point_was_not_measured_it_starts_at_the_nearest(self) -> None:
        knobs = {"gpu_mhz": "MHz", "batch_size": "items"}
        points = [({"gpu_mhz": mhz, "batch_size": items}, 1.0, 1.0) for mhz, items in ((900, 8), (800, 1), (100, 1))]
        assert dict(ReplayTask(table(points, knobs), 2.0).start) == {"gpu_mhz": 800, "batch_size": 1}

    def test_latency_is_a_batch_and_energy_an_item(self) -> None:
        knobs = {"gpu_mhz": "MHz", "batch_size": "items"}
        task = ReplayTask(table([({"gpu_mhz": 900, "batch_size": 8}, 2.0, 3.0)], knobs), 2.0)
        measurement = task.trial(0, task.start).measurement
        assert measurement is not None
        assert measurement.throughput_hz == 4.0
        assert measurement.energy.mean_power_w == 12.0

    def test_the_verdict_is_the_slo(self) -> None:
        trial = TASK.trial(3, Configuration({"gpu_mhz": 100}))
        assert trial.measurement is not None
        assert trial.measurement.verdict is Verdict.INFEASIBLE
        assert TASK.trial(0, TASK.start).is_feasible

    def test_only_measured_points_are_legal(self) -> None:
        assert TASK.space.size == 6
        with pytest.raises(ValueError, match="no point"):
            TASK.trial(1, Configuration({"gpu_mhz": 150}))

    @pytest.mark.parametrize(
        ("column", "unit", "kind"),
        [
            ("emc_mhz", "MHz", ParameterKind.CLOCK),
            ("power_limit_w", "W", ParameterKind.POWER_CAP),
            ("num_cores", "cores", ParameterKind.CORES),
            ("batch_size", "items", ParameterKind.BATCH),
            ("threads", "count", ParameterKind.THREADS),
        ],
    )
    def test_kinds_are_told_from_unit_and_name(self, column: str, unit: str, kind: ParameterKind) -> None:
        assert parameter_kind(column, unit, (1, 2)) is kind

    def test_texts_are_categories_and_riddles_are_refused(self) -> None:
        assert parameter_kind("governor", "", ("ondemand", "performance")) is ParameterKind.CATEGORY
        with pytest.raises(BadInputError, match="'mystery'"):
            parameter_kind("mystery", "furlongs", (1, 2))


class TestScore:
    def test_every_trial_up_to_the_first_that_is_nearly_optimal_counts_trial_0_included(self) -> None:
        result = score(TASK, scripted([100, 400, 200, 300, 500]), seed=0)
        assert result.trials_to_5pct == 4
        assert result.violations == 1

    def test_violations_after_the_find_do_not_count(self) -> None:
        assert score(TASK, scripted([300, 100, 200, 400, 500]), seed=0).violations == 0

    def test_an_infeasible_point_is_no_find_however_little_it_needs(self) -> None:
        result = score(TASK, scripted([100]), seed=0)
        assert result.trials_to_5pct == TRIAL_CAP + 1
        assert result.violations == 1

    def test_a_stop_is_recorded_and_does_not_end_the_scoring(self) -> None:
        result = score(TASK, scripted([500, 400, 300], stop_at=3), seed=0)
        assert result.stopped_at == 3
        assert result.regret_at_stop == pytest.approx(0.2)
        assert result.trials_to_5pct == 4

    def test_a_find_before_the_stop_does_not_end_the_run(self) -> None:
        result = score(TASK, scripted([300, 400, 500, 200], stop_at=4), seed=0)
        assert result.trials_to_5pct == 2
        assert result.stopped_at == 4
        assert result.regret_at_stop == 0.0

    def test_without_a_feasible_trial_there_is_no_regret(self) -> None:
        slow_start = clock_table([2.5, 1.9, 1.5, 1.2, 1.1, 2.6], [0.5, 1.04, 1.0, 1.2, 1.5, 2.0])
        assert score(ReplayTask(slow_start, 2.0), scripted([100], stop_at=2), seed=0).regret_at_stop is None

    def test_the_cap_ends_a_run_that_finds_nothing(self) -> None:
        many = clock_table([1.0] * 60, [1.0] + [2.0] * 59)
        result = score(ReplayTask(many, 2.0), scripted([100 * number for number in range(59, 1, -1)]), seed=0)
        assert result.trials_to_5pct == TRIAL_CAP + 1
        assert result.stopped_at == TRIAL_CAP

    def test_the_time_of_a_proposal_is_taken_from_the_clock(self) -> None:
        def ticks() -> Iterator[float]:
            now = 0.0
            while True:
                yield now
                now += 0.25

        clock = ticks()
        assert score(TASK, scripted([400, 300]), seed=0, clock=lambda: next(clock)).seconds_per_proposal == 0.25

    def test_a_point_may_not_be_asked_for_twice(self) -> None:
        with pytest.raises(ValueError, match="twice"):
            score(TASK, scripted([400, 400]), seed=0)

    def test_random_search_needs_as_many_draws_as_probability_says(self) -> None:
        points = 30
        task = ReplayTask(clock_table([1.0] * points, [1.0] + [2.0] * (points - 1)), 2.0)
        trials = [score(task, RandomProposer, seed).trials_to_5pct for seed in range(300)]
        expected = 1 + points / 2  # the baseline, then the mean place of one good point among 29
        assert math.fsum(trials) / len(trials) == pytest.approx(expected, rel=0.1)

    def test_the_regret_after_each_trial_is_that_of_the_best_feasible_one(self) -> None:
        result = score(TASK, scripted([100, 400, 500, 200]), seed=0)
        assert result.regrets == pytest.approx((1.0, 1.0, 0.2, 0.2, 0.04))
        assert result.is_violation == (False, True, False, False, False)

    def test_without_a_feasible_trial_regrets_are_unknown(self) -> None:
        slow_start = clock_table([2.5, 1.9, 1.5, 1.2, 1.1, 2.6], [0.5, 1.04, 1.0, 1.2, 1.5, 2.0])
        regrets = score(ReplayTask(slow_start, 1.5), scripted([100, 500]), seed=0).regrets
        assert regrets[:2] == (None, None)
        assert regrets[2] == pytest.approx(0.5)


class TestHonesty:
    def test_a_proposer_sees_the_points_that_it_asked_for_and_no_others(self) -> None:
        proposers: list[Scripted] = []

        def make(task: SearchTask) -> Scripted:
            proposers.append(Scripted(task, [100, 400, 200], 1000))
            return proposers[-1]

        score(TASK, make, seed=0)
        shown = [[trial.configuration["gpu_mhz"] for trial in trials] for trials in proposers[0].seen]
        assert shown[:3] == [[600], [600, 100], [600, 100, 400]]

    def test_the_task_that_a_proposer_gets_holds_no_measured_energy(self) -> None:
        tasks: list[SearchTask] = []

        def make(task: SearchTask) -> Scripted:
            tasks.append(task)
            return Scripted(task, [300], 1000)

        score(TASK, make, seed=0)
        (task,) = tasks
        assert task.earlier == ()
        numbers = set(_numbers(dataclasses.asdict(task)))
        assert numbers.isdisjoint({1.04, 1.2, 1.5, 1.9})
        assert all(set(configuration) == {"gpu_mhz"} for configuration in task.space)


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float):
        yield float(value)


class TestWorthScoring:
    def test_a_task_that_starts_nearly_optimal_is_left_out(self) -> None:
        assert is_worth_scoring(TASK)
        assert not is_worth_scoring(ReplayTask(clock_table([1.0] * 6, [2.0] * 5 + [1.0]), 2.0))

    def test_a_task_with_three_feasible_points_is_left_out(self) -> None:
        three = clock_table([9.0, 9.0, 9.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 2.0, 3.0])
        four = clock_table([9.0, 9.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 2.0, 3.0])
        assert not is_worth_scoring(ReplayTask(three, 2.0))
        assert is_worth_scoring(ReplayTask(four, 2.0))
