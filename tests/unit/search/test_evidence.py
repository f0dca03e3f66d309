"""Trials as numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.search.records import SPACE, Outcome, measured, measurement, objective, recorded, rejected
from tuner.configuration import Configuration
from tuner.objective import LatencyMetric, Objective, Scenario, Slo
from tuner.search.contract import EarlierStudy
from tuner.search.encoding import Encoding
from tuner.search.evidence import Evidence, Output, gather_evidence, is_paced, utilization_seen
from tuner.search.rates import RATE, with_rates
from tuner.trial import Interval, Measurement, Trial, Verdict

ENCODING = Encoding(SPACE)
EVERYTHING = list(SPACE)
OBJECTIVE = objective()
PACED = Objective(Scenario.SERVER, OBJECTIVE.slos, arrival_rate_hz=10.0)
TOKENS = (Slo(99.0, 0.2, LatencyMetric.TTFT), Slo(99.0, 0.04, LatencyMetric.TPOT))


def evidence_of(*trials: Trial, asked: Objective = OBJECTIVE) -> Evidence:
    return gather_evidence(ENCODING, asked, trials)


def changed(trial: Trial, **changes: Any) -> Trial:
    assert trial.measurement is not None
    return replace(trial, measurement=replace(trial.measurement, **changes))


def result_of(trial: Trial) -> Measurement:
    assert trial.measurement is not None
    return trial.measurement


class TestOutputs:
    def test_latency_times_pace_times_power_is_the_energy_where_work_sets_the_pace(self) -> None:
        trial = measured(0, EVERYTHING[7])
        outputs = evidence_of(trial).outputs[0]
        assert math.exp(outputs.sum()) == pytest.approx(result_of(trial).energy.per_request_j)

    def test_pace_times_power_is_the_energy_where_requests_come_at_a_rate(self) -> None:
        trial = recorded(0, EVERYTHING[7], Outcome((0.02,), 3.0, 10.0), PACED)
        outputs = evidence_of(trial, asked=PACED).outputs[0]
        assert math.exp(outputs[Output.PACE]) == pytest.approx(0.1)
        assert math.exp(outputs[Output.PACE] + outputs[Output.POWER]) == pytest.approx(3.0)

    def test_every_slo_has_a_latency_of_its_own(self) -> None:
        asked = Objective(Scenario.SINGLE_STREAM, TOKENS)
        trial = recorded(0, EVERYTHING[7], Outcome((0.15, 0.03), 3.0, 5.0), asked)
        outputs = evidence_of(trial, asked=asked).outputs[0]
        assert outputs.shape == (4,)
        assert outputs[:2].exp().tolist() == pytest.approx([0.15, 0.03])

    @pytest.mark.parametrize("scenario", list(Scenario))
    def test_requests_have_a_pace_of_their_own_where_they_arrive(self, scenario: Scenario) -> None:
        asked = Objective(scenario, OBJECTIVE.slos, arrival_rate_hz=5.0 if scenario is Scenario.SERVER else None)
        assert is_paced(asked) == (scenario in (Scenario.SERVER, Scenario.LIVE))


class TestVariances:
    def test_a_wide_interval_of_energy_makes_power_uncertain_and_leaves_latency(self) -> None:
        narrow = measured(0, EVERYTHING[0])
        energy = result_of(narrow).energy
        wide = changed(
            narrow, energy=replace(energy, interval=Interval(energy.per_request_j / 2, energy.per_request_j * 2))
        )
        first, second = (evidence_of(one).variances[0] for one in (narrow, wide))
        assert second[Output.POWER] > 100 * first[Output.POWER]
        assert second[Output.LATENCY] == first[Output.LATENCY]

    def test_an_interval_that_says_nothing_adds_nothing(self) -> None:
        trial = measured(0, EVERYTHING[0])
        odd = changed(trial, energy=replace(result_of(trial).energy, interval=Interval(0.0, 0.0)))
        assert evidence_of(odd).variances[0, Output.POWER] == 0

    def test_few_queries_with_a_long_tail_make_latency_uncertain(self) -> None:
        trial = measured(0, EVERYTHING[0])
        latency = replace(result_of(trial).latency, p50_s=result_of(trial).slo_latency_s / 2)
        few, many = (
            evidence_of(changed(trial, latency=latency, queries=queries)).variances[0, Output.LATENCY]
            for queries in (10, 1000)
        )
        assert few == pytest.approx(100 * many)
        assert few.sqrt() == pytest.approx(math.log(2) / math.sqrt(10))

    def test_a_latency_of_tokens_scatters_as_latency_does(self) -> None:
        asked = Objective(Scenario.SINGLE_STREAM, TOKENS[1:])
        trial = recorded(0, EVERYTHING[0], Outcome((0.03,), 3.0, 1.0), asked)
        latency = replace(result_of(trial).latency, p50_s=1.0, p99_s=3.0)
        variances = evidence_of(changed(trial, latency=latency, queries=100), asked=asked).variances
        assert variances[0, Output.LATENCY].sqrt() == pytest.approx(math.log(3) / 10)


class TestWhichTrials:
    def test_a_rejected_trial_says_nothing_and_an_undecided_one_does(self) -> None:
        undecided = changed(measured(1, EVERYTHING[1]), verdict=Verdict.UNDECIDED)
        found = evidence_of(rejected(0, EVERYTHING[0]), undecided)
        assert len(found) == 1
        assert found.features.tolist() == ENCODING.encode([EVERYTHING[1]]).tolist()

    def test_nothing_at_all_is_no_evidence(self) -> None:
        found = evidence_of()
        assert len(found) == 0
        assert found.outputs.shape == (0, 3)

    def test_earlier_studies_are_told_apart_and_come_last(self) -> None:
        earlier = [EarlierStudy((measured(0, one),)) for one in EVERYTHING[3:5]]
        found = gather_evidence(ENCODING, OBJECTIVE, [measured(0, EVERYTHING[0])], earlier)
        assert found.studies.tolist() == [0, 1, 2]
        assert found.features.tolist() == ENCODING.encode([EVERYTHING[0], *EVERYTHING[3:5]]).tolist()

    def test_an_earlier_trial_that_lacks_a_parameter_is_left_out(self) -> None:
        stranger = measured(0, Configuration({"batch_size": 4}))
        found = gather_evidence(ENCODING, OBJECTIVE, [measured(0, EVERYTHING[0])], [EarlierStudy((stranger,))])
        assert found.studies.tolist() == [0]

    def test_an_earlier_trial_that_lacks_an_slo_is_left_out(self) -> None:
        asked = Objective(Scenario.SINGLE_STREAM, TOKENS)
        own = recorded(0, EVERYTHING[0], Outcome((0.15, 0.03), 3.0, 5.0), asked)
        found = gather_evidence(ENCODING, asked, [own], [EarlierStudy((measured(0, EVERYTHING[1]),))])
        assert found.studies.tolist() == [0]

    def test_a_trial_at_a_rate_is_a_point_at_that_rate(self) -> None:
        asked = Objective(Scenario.SERVER, OBJECTIVE.slos, arrival_rates_hz=(5.0, 20.0))
        encoding = Encoding(with_rates(SPACE, asked))
        trials = [
            recorded(number, EVERYTHING[0], Outcome((0.02,), 3.0, hz), asked, hz)
            for number, hz in enumerate((5.0, 20.0))
        ]
        found = gather_evidence(encoding, asked, trials)
        assert (
            found.features.tolist()
            == encoding.encode(Configuration({**EVERYTHING[0], RATE: hz}) for hz in (5.0, 20.0)).tolist()
        )


class TestUtilizationSeen:
    def test_the_first_trial_that_tells_counts(self) -> None:
        silent, first, second = (measured(number, EVERYTHING[number]) for number in range(3))
        told = [changed(first, idle_share=0.7), changed(second, idle_share=0.2)]
        assert utilization_seen([rejected(3, EVERYTHING[3]), silent, *told]) == pytest.approx(0.3)

    def test_nobody_may_know(self) -> None:
        assert utilization_seen([rejected(0, EVERYTHING[0]), measured(1, EVERYTHING[1])]) is None


def test_the_made_up_measurement_keeps_its_promises() -> None:
    result = measurement(Outcome((0.2,), 3.0, 5.0), OBJECTIVE)
    assert result.verdict is Verdict.INFEASIBLE
    assert result.energy.mean_power_w == pytest.approx(15.0)
