"""The surrogate on devices that it has never seen."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.unit.search.devices import Noise
from tests.unit.search.records import (
    SPACE,
    Outcome,
    Physics,
    all_measured,
    default_configuration,
    measured,
    objective,
    recorded,
    roofline,
)
from tests.unit.search.surrogates import ENCODING, EVERYTHING, predict, surrogate_of
from tuner.configuration import Configuration
from tuner.objective import Objective, Scenario, Slo
from tuner.search.surrogate import Prediction, Surrogate

BASELINE = default_configuration(SPACE)


def truth(physics: Physics = roofline) -> Tensor:
    """Log latency and log energy of everything, ``n x 2``."""
    outcomes = [physics(one) for one in EVERYTHING]
    return torch.tensor([(one.latencies_s[0], one.energy_j) for one in outcomes], dtype=torch.float64).log()


def everywhere(surrogate: Surrogate) -> Prediction:
    return surrogate.predict(ENCODING.encode(EVERYTHING))


class TestPredictions:
    def test_after_the_baseline_alone_it_knows_which_way_clock_and_batch_work(self) -> None:
        surrogate = surrogate_of(all_measured([BASELINE]))
        slower = predict(surrogate, Configuration({**BASELINE, "gpu.core.max_mhz": 510}))
        larger = predict(surrogate, Configuration({**BASELINE, "batch_size": 16}))
        here = predict(surrogate, BASELINE)
        assert slower.latency_means > here.latency_means + 0.1
        assert larger.latency_means > here.latency_means + 0.5
        assert larger.energy_mean < here.energy_mean

    def test_it_is_certain_where_it_measured_and_uncertain_elsewhere(self) -> None:
        surrogate = surrogate_of(all_measured([BASELINE]))
        far = predict(surrogate, Configuration({"gpu.core.max_mhz": 306, "batch_size": 16}))
        assert predict(surrogate, BASELINE).energy_sd < 0.03
        assert far.energy_sd > 0.2

    def test_ten_trials_predict_a_device_within_a_few_per_cent(self) -> None:
        prediction = everywhere(surrogate_of(all_measured(EVERYTHING[::6])))
        assert (prediction.latency_means[0] - truth()[:, 0]).abs().median() < 0.03
        assert (prediction.energy_mean - truth()[:, 1]).abs().median() < 0.03

    def test_what_it_is_certain_of_is_true(self) -> None:
        prediction = everywhere(surrogate_of(all_measured(EVERYTHING[::6], Noise(roofline, 0.02))))
        latency_errors = (prediction.latency_means[0] - truth()[:, 0]) / prediction.latency_sds[0]
        energy_errors = (prediction.energy_mean - truth()[:, 1]) / prediction.energy_sd
        for errors in (latency_errors, energy_errors):
            assert (errors.abs() < 2).double().mean() > 0.85
            assert errors.abs().max() < 5

    def test_repeats_of_one_configuration_are_averaged(self) -> None:
        trials = [
            measured(0, EVERYTHING[3]),
            measured(1, EVERYTHING[3], lambda one: roofline(one).scaled(energy=1.04)),
        ]
        expected = 1.02 * roofline(EVERYTHING[3]).energy_j
        assert predict(surrogate_of(trials), EVERYTHING[3]).energy_mean.exp().item() == pytest.approx(
            expected, rel=0.01
        )

    def test_the_order_of_trials_hardly_matters(self) -> None:
        trials = all_measured(EVERYTHING[::6])
        forwards, backwards = everywhere(surrogate_of(trials)), everywhere(surrogate_of(trials[::-1]))
        torch.testing.assert_close(forwards.energy_mean, backwards.energy_mean, rtol=0.0, atol=0.02)

    def test_another_unit_of_time_and_energy_changes_nothing_but_the_level(self) -> None:
        configurations = EVERYTHING[::9]
        plain = everywhere(surrogate_of(all_measured(configurations)))
        scaled = everywhere(surrogate_of(all_measured(configurations, lambda one: roofline(one).scaled(7.0, 0.3))))
        torch.testing.assert_close(scaled.latency_means, plain.latency_means + math.log(7.0))
        torch.testing.assert_close(scaled.energy_mean, plain.energy_mean + math.log(0.3))
        torch.testing.assert_close(scaled.energy_sd, plain.energy_sd)


class TestSeveralSlos:
    def test_each_has_its_own_latency(self) -> None:
        asked = Objective(Scenario.SINGLE_STREAM, (Slo(50.0, 0.1), Slo(99.0, 0.2)))

        def both(configuration: Configuration) -> Outcome:
            plain = roofline(configuration)
            (latency_s,) = plain.latencies_s
            tail_s = 2.0 * latency_s * float(configuration["batch_size"]) ** -0.3
            return Outcome((latency_s, tail_s), plain.energy_j, plain.throughput_hz)

        trials = [recorded(number, one, both(one), asked) for number, one in enumerate(EVERYTHING[::6])]
        prediction = everywhere(surrogate_of(trials, asked=asked))
        assert prediction.latency_means.shape == (2, len(EVERYTHING))
        expected = torch.tensor([both(one).latencies_s for one in EVERYTHING], dtype=torch.float64).log().T
        assert ((prediction.latency_means - expected).abs().median(1).values < 0.05).all()


class TestSamples:
    @pytest.mark.parametrize("scenario", [Scenario.SINGLE_STREAM, Scenario.LIVE])
    def test_their_moments_are_those_of_the_prediction(self, scenario: Scenario) -> None:
        asked = Objective(scenario, objective().slos)
        surrogate = surrogate_of(all_measured(EVERYTHING[::11]), asked=asked)
        features, count = ENCODING.encode(EVERYTHING[1::7]), 20_000
        latencies, energies = surrogate.sample(features, count, seed=3)
        prediction = surrogate.predict(features)
        assert latencies.shape == (count, 1, len(features))
        error = 5 / math.sqrt(count)
        assert ((latencies.mean(0) - prediction.latency_means).abs() < error * prediction.latency_sds).all()
        assert ((energies.mean(0) - prediction.energy_mean).abs() < error * prediction.energy_sd).all()
        torch.testing.assert_close(latencies.std(0), prediction.latency_sds, rtol=0.05, atol=1e-3)
        torch.testing.assert_close(energies.std(0), prediction.energy_sd, rtol=0.05, atol=1e-3)

    def test_neighbours_turn_out_alike(self) -> None:
        surrogate = surrogate_of(all_measured([BASELINE]))
        near, next_to_it, far = (
            Configuration({"gpu.core.max_mhz": mhz, "batch_size": items})
            for mhz, items in ((306, 1), (408, 1), (1300, 16))
        )
        _, energies = surrogate.sample(ENCODING.encode([near, next_to_it, far]), 4000, seed=0)
        correlation = torch.corrcoef(energies.T)
        assert correlation[0, 1] > 0.7
        assert correlation[0, 1] > correlation[0, 2] + 0.2

    def test_the_same_seed_draws_the_same(self) -> None:
        surrogate, features = surrogate_of(all_measured(EVERYTHING[::9])), ENCODING.encode(EVERYTHING[:4])
        first, again, other = (surrogate.sample(features, 8, seed)[1] for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)


class TestOutliers:
    """A trial that went wrong among nearly thirty: fewer leave room for taking it for a rugged device."""

    CLEAN = Noise(roofline, 0.005)

    def error(self, physics: Physics) -> float:
        prediction = everywhere(surrogate_of(all_measured(EVERYTHING[::2], physics)))
        return float((prediction.energy_mean - truth()[:, 1]).abs().mean())

    @pytest.mark.parametrize("factor", [0.8, 1.2, 2.0])
    @pytest.mark.parametrize("wrong", EVERYTHING[6:40:10])
    def test_it_is_not_believed_and_hardly_counts(self, wrong: Configuration, factor: float) -> None:
        physics = replace(self.CLEAN, outlier=wrong, outlier_factor=factor)
        surrogate = surrogate_of(all_measured(EVERYTHING[::2], physics))
        believed = predict(surrogate, wrong).energy_mean.item()
        assert abs(believed - math.log(roofline(wrong).energy_j)) < 0.5 * abs(math.log(factor))
        assert self.error(physics) < self.error(self.CLEAN) + 0.02

    def test_one_of_few_that_differs_is_not_taken_for_wrong(self) -> None:
        physics = replace(self.CLEAN, outlier=EVERYTHING[20], outlier_factor=2.0)
        surrogate = surrogate_of(all_measured(EVERYTHING[::20], physics))
        believed = predict(surrogate, EVERYTHING[20]).energy_mean.item()
        assert abs(believed - math.log(2.0 * roofline(EVERYTHING[20]).energy_j)) < 0.05
