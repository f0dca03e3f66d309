"""Noise: what the proposer sees of it, and that the score does not."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replay.tables import clock_table
from tuner.configuration import Configuration
from tuner.replay.disturbance import UNDISTURBED, Deviation, Disturbance
from tuner.replay.scoring import score
from tuner.replay.task import ReplayTask
from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.contract import Proposal, SearchTask, Stop
from tuner.search.random_search import RandomProposer
from tuner.trial import Measurement, Trial

TASK = ReplayTask(clock_table([1.9 - 0.1 * n for n in range(10)], [1.0 + 0.1 * abs(n - 4) for n in range(10)]), 2.0)


class Recorder(RandomProposer):
    """Random search that keeps what it was shown."""

    def __init__(self, task: SearchTask) -> None:
        super().__init__(task)
        self.shown: tuple[Trial, ...] = ()

    def advise(self, trials: Sequence[Trial]) -> Advice:
        self.shown = tuple(trials)
        return super().advise(trials)


def seen(disturbance: Disturbance, seed: int) -> dict[Configuration, Measurement]:
    recorders: list[Recorder] = []

    def make(task: SearchTask) -> Recorder:
        recorders.append(Recorder(task))
        return recorders[-1]

    score(TASK, make, seed, disturbance)
    return {trial.configuration: trial.measurement for trial in recorders[0].shown if trial.measurement}


def deviations(disturbance: Disturbance, count: int = 3000) -> list[Deviation]:
    return [disturbance.deviation(0, str(number)) for number in range(count)]


class TestDeviation:
    def test_noise_is_lognormal_of_that_size_in_energy_and_in_latency_and_independent(self) -> None:
        drawn = deviations(Disturbance(0.03))
        energies, latencies = [math.log(one.energy) for one in drawn], [math.log(one.latency) for one in drawn]
        for logarithms in (energies, latencies):
            assert statistics.fmean(logarithms) == pytest.approx(0.0, abs=0.002)
            assert statistics.stdev(logarithms) == pytest.approx(0.03, rel=0.05)
        assert statistics.correlation(energies, latencies) == pytest.approx(0.0, abs=0.06)

    def test_one_trial_in_thirty_is_off_by_a_fifth(self) -> None:
        drawn = deviations(Disturbance(outliers=True))
        off = [one for one in drawn if one != Deviation()]
        assert len(off) / len(drawn) == pytest.approx(1 / 30, rel=0.25)
        assert {round(factor, 9) for one in off for factor in (one.energy, one.latency)} == {0.8, 1.2}

    def test_outliers_come_on_top_of_the_same_noise(self) -> None:
        pairs = list(zip(deviations(Disturbance(0.03)), deviations(Disturbance(0.03, outliers=True)), strict=True))
        assert 0.9 < sum(one == other for one, other in pairs) / len(pairs) < 1.0

    @given(st.integers(0, 100), st.text(max_size=20), st.floats(0, 0.5))
    def test_the_same_seed_and_configuration_deviate_alike(self, seed: int, what: str, noise: float) -> None:
        assert Disturbance(noise).deviation(seed, what) == Disturbance(noise).deviation(seed, what)
        assert UNDISTURBED.deviation(seed, what) == Deviation()

    def test_another_seed_deviates_otherwise(self) -> None:
        assert len({Disturbance(0.03).deviation(seed, "the same").energy for seed in range(10)}) == 10


class TestWhatIsSeen:
    def test_methods_see_the_same_deviation_of_a_configuration(self) -> None:
        start = TASK.start
        assert seen(Disturbance(0.1), seed=1)[start] == seen(Disturbance(0.1), seed=1)[start]
        assert seen(Disturbance(0.1), seed=1)[start] != seen(Disturbance(0.1), seed=2)[start]

    def test_energy_and_latency_differ_from_the_table(self) -> None:
        for configuration, measurement in seen(Disturbance(0.1), seed=0).items():
            exact = TASK.trial(0, configuration).measurement
            assert exact is not None
            assert measurement.energy.per_request_j != exact.energy.per_request_j
            assert measurement.slo_latency_s != exact.slo_latency_s
            assert measurement.latency.p50_s == measurement.slo_latency_s

    def test_the_interval_says_how_far_off_the_energy_may_be(self) -> None:
        def is_covered(measurement: Measurement, truth_j: float) -> bool:
            return measurement.energy.interval.low <= truth_j <= measurement.energy.interval.high

        covered = [
            is_covered(measurement, TASK.energy_j(configuration))
            for seed in range(60)
            for configuration, measurement in seen(Disturbance(0.05), seed).items()
        ]
        assert statistics.fmean(covered) >= 0.99  # three standard errors
        (exact,) = {one.energy.interval.high / one.energy.interval.low for one in seen(UNDISTURBED, 0).values()}
        assert exact == 1.0

    def test_the_verdict_is_that_of_the_latency_seen(self) -> None:
        trial = TASK.trial(1, Configuration({"gpu_mhz": 100}), Deviation(latency=0.5))
        assert TASK.trial(1, trial.configuration, Deviation(latency=1.5)).is_feasible is False
        assert trial.is_feasible


class TestScore:
    def test_the_score_goes_by_the_table_whatever_was_seen(self) -> None:
        task = ReplayTask(TASK.table, 1.55)  # 100 to 400 MHz are too slow
        order = [900, 800, 100, 600, 200, 300, 500]
        exact = score(task, in_order(order), 0)
        assert sum(exact.is_violation) == 3
        for seed in range(10):
            noisy = score(task, in_order(order), seed, Disturbance(0.5))
            assert noisy.regrets == exact.regrets
            assert noisy.is_violation == exact.is_violation
            assert noisy.trials_to_5pct == exact.trials_to_5pct == 8


def in_order(clocks_mhz: Sequence[int]) -> type[AdvisingProposer]:
    class InOrder(AdvisingProposer):
        """Proposes clocks in a given order."""

        def advise(self, trials: Sequence[Trial]) -> Advice:
            place = len(trials) - 1
            if place >= len(clocks_mhz):
                return Advice(None, Stop("The script has ended."))
            return Advice(Proposal(Configuration({"gpu_mhz": clocks_mhz[place]}), "scripted"), None)

    return InOrder
