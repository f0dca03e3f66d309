"""Evidence, surrogate and acquisition."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.search.records import BOUND_S, SPACE, default_configuration, measured, rejected, roofline
from tuner.configuration import Configuration
from tuner.search import acquisition
from tuner.search.basis import Basis
from tuner.search.contract import EarlierStudy
from tuner.search.encoding import Encoding
from tuner.search.evidence import Evidence, Output, gather_evidence
from tuner.search.surrogate import Prediction, Surrogate
from tuner.trial import Interval, Trial, Verdict

ENCODING = Encoding(SPACE)
EVERYTHING = list(SPACE)


def trials_of(configurations: list[Configuration]) -> list[Trial]:
    return [measured(number, configuration) for number, configuration in enumerate(configurations)]


def surrogate_of(trials: list[Trial], earlier: list[Trial] | None = None) -> Surrogate:
    return Surrogate(Basis(ENCODING), gather_evidence(ENCODING, trials, (EarlierStudy(tuple(earlier or ())),)))


def predict(surrogate: Surrogate, configuration: Configuration) -> Prediction:
    return surrogate.predict(ENCODING.encode([configuration]))


def evidence_of(trial: Trial) -> Evidence:
    return gather_evidence(ENCODING, [trial])


class TestEvidence:
    def test_power_times_seconds_per_request_is_the_energy(self) -> None:
        trial = measured(0, EVERYTHING[7])
        outputs = evidence_of(trial).outputs[0]
        assert trial.measurement is not None
        energy_j = math.exp(outputs[Output.SECONDS_PER_REQUEST] + outputs[Output.POWER])
        assert energy_j == pytest.approx(trial.measurement.energy.per_request_j)

    def test_a_rejected_trial_says_nothing_and_an_undecided_one_does(self) -> None:
        undecided = measured(1, EVERYTHING[1])
        assert undecided.measurement is not None
        undecided = replace(undecided, measurement=replace(undecided.measurement, verdict=Verdict.UNDECIDED))
        assert len(gather_evidence(ENCODING, [rejected(0, EVERYTHING[0]), undecided])) == 1

    def test_a_wide_interval_of_energy_makes_power_uncertain_and_leaves_latency(self) -> None:
        narrow = measured(0, EVERYTHING[0])
        assert narrow.measurement is not None
        energy = narrow.measurement.energy
        wide_energy = replace(energy, interval=Interval(energy.per_request_j * 0.5, energy.per_request_j * 2))
        wide = replace(narrow, measurement=replace(narrow.measurement, energy=wide_energy))
        ratio = (evidence_of(wide).variances / evidence_of(narrow).variances)[0]
        assert ratio[Output.POWER] > 100
        assert ratio[Output.LATENCY] == 1

    def test_few_queries_with_a_long_tail_make_latency_uncertain(self) -> None:
        trial = measured(0, EVERYTHING[0])
        assert trial.measurement is not None
        variances = []
        for queries in (10, 1000):
            latency = replace(trial.measurement.latency, p50_s=trial.measurement.slo_latency_s / 2)
            measurement = replace(trial.measurement, latency=latency, queries=queries)
            variances.append(float(evidence_of(replace(trial, measurement=measurement)).variances[0, Output.LATENCY]))
        assert variances[0] > 10 * variances[1]

    def test_an_earlier_trial_that_lacks_a_parameter_is_left_out(self) -> None:
        stranger = measured(0, Configuration({"batch_size": 4}))
        assert len(gather_evidence(ENCODING, [measured(0, EVERYTHING[0])], [EarlierStudy((stranger,))])) == 1


class TestSurrogate:
    def test_after_the_baseline_alone_it_knows_which_way_clock_and_batch_work(self) -> None:
        baseline = default_configuration(SPACE)
        surrogate = surrogate_of(trials_of([baseline]))
        slower = Configuration({**baseline, "gpu.core.max_mhz": 510})
        larger = Configuration({**baseline, "batch_size": 16})
        here = predict(surrogate, baseline)
        assert predict(surrogate, slower).latency_mean > here.latency_mean + 0.1
        assert predict(surrogate, larger).latency_mean > here.latency_mean + 0.5
        assert predict(surrogate, larger).energy_mean < here.energy_mean

    def test_it_is_certain_where_it_measured_and_uncertain_elsewhere(self) -> None:
        baseline = default_configuration(SPACE)
        surrogate = surrogate_of(trials_of([baseline]))
        far = predict(surrogate, Configuration({"gpu.core.max_mhz": 306, "batch_size": 16}))
        assert float(predict(surrogate, baseline).energy_sd) < 0.03
        assert float(far.energy_sd) > 0.2

    def test_ten_trials_predict_a_device_it_has_never_seen_within_a_few_per_cent(self) -> None:
        surrogate = surrogate_of(trials_of(EVERYTHING[::6]))
        prediction = surrogate.predict(ENCODING.encode(EVERYTHING))
        truth = torch.tensor([roofline(configuration) for configuration in EVERYTHING], dtype=torch.float64).log()
        assert (prediction.latency_mean - truth[:, 0]).abs().median() < 0.05
        assert (prediction.energy_mean - truth[:, 1]).abs().median() < 0.05

    def test_repeats_of_one_configuration_are_averaged(self) -> None:
        def thirstier(configuration: Configuration) -> tuple[float, float]:
            latency_s, energy_j = roofline(configuration)
            return latency_s, 1.04 * energy_j

        trials = [measured(0, EVERYTHING[3]), measured(1, EVERYTHING[3], thirstier)]
        prediction = predict(surrogate_of(trials), EVERYTHING[3])
        assert math.exp(prediction.energy_mean.item()) == pytest.approx(1.02 * roofline(EVERYTHING[3])[1], rel=0.01)

    def test_an_earlier_study_of_a_similar_model_teaches_the_shape(self) -> None:
        def heavier(configuration: Configuration) -> tuple[float, float]:
            latency_s, energy_j = roofline(configuration)
            return 1.7 * latency_s, 1.5 * energy_j

        earlier = [measured(number, one, heavier) for number, one in enumerate(EVERYTHING[::3])]
        own = trials_of([default_configuration(SPACE)])
        truth = torch.tensor([roofline(one)[1] for one in EVERYTHING], dtype=torch.float64).log()

        def error(surrogate: Surrogate) -> float:
            return float((surrogate.predict(ENCODING.encode(EVERYTHING)).energy_mean - truth).abs().mean())

        assert error(surrogate_of(own, earlier)) < 0.7 * error(surrogate_of(own))


def prediction(latency_s: float, latency_sd: float, energy_j: float, energy_sd: float) -> Prediction:
    values = (math.log(latency_s), latency_sd, math.log(energy_j), energy_sd)
    return Prediction(*(torch.tensor([value], dtype=torch.float64) for value in values))


class TestAcquisition:
    @given(
        latency_s=st.floats(0.05, 0.2),
        latency_sd=st.floats(0.01, 0.5),
        energy_j=st.floats(0.5, 2.0),
        energy_sd=st.floats(0.05, 0.5),
    )
    def test_it_is_the_integral_that_it_stands_for(
        self, latency_s: float, latency_sd: float, energy_j: float, energy_sd: float
    ) -> None:
        normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
        steps = torch.linspace(-9, 9, 20001, dtype=torch.float64)
        weights = normal.log_prob(steps).exp() * (steps[1] - steps[0])
        improvement = (0.0 - math.log(energy_j) - energy_sd * steps).clamp_min(0.0)
        feasibility = normal.cdf(torch.tensor((math.log(BOUND_S) - math.log(latency_s)) / latency_sd))
        expected = float(feasibility * (improvement * weights).sum())
        value = acquisition.log_constrained_improvement(
            prediction(latency_s, latency_sd, energy_j, energy_sd), BOUND_S, incumbent_j=1.0
        )
        assert math.exp(value.item()) == pytest.approx(expected, rel=1e-3, abs=1e-9)

    def test_without_an_incumbent_only_feasibility_counts(self) -> None:
        likely, unlikely = prediction(0.09, 0.1, 9.0, 0.1), prediction(0.2, 0.1, 0.1, 0.1)
        values = [acquisition.log_constrained_improvement(one, BOUND_S, None).item() for one in (likely, unlikely)]
        assert values[0] > values[1]

    def test_hopeless_candidates_keep_an_order(self) -> None:
        bad, worse = (prediction(0.05, 0.1, energy_j, 0.01) for energy_j in (5.0, 6.0))
        values = [acquisition.log_constrained_improvement(one, BOUND_S, 1.0).item() for one in (bad, worse)]
        assert -math.inf < values[1] < values[0]

    def test_a_certain_saving_is_a_certain_gain(self) -> None:
        saving = prediction(0.05, 0.01, 0.5, 0.01)
        assert acquisition.gain_probability(saving, BOUND_S, 1.0, 0.02).item() == pytest.approx(1.0)
        assert acquisition.gain_probability(saving, BOUND_S, 0.505, 0.02).item() < 0.2
