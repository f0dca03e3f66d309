"""What models say before anything is measured: a front with intervals, and a head start for the search."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from tests.unit.search.records import (
    BATCHES,
    SPACE,
    all_measured,
    default_configuration,
    objective,
    roofline,
    search_task,
)
from tests.unit.search.surrogates import ENCODING, EVERYTHING
from tuner.configuration import Configuration
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import Forecast, Proposal, SearchTask
from tuner.search.evidence import forecast_evidence, gather_evidence
from tuner.search.forecast_front import ForecastFront
from tuner.search.prior import Prior
from tuner.search.surrogate import Surrogate

BASELINE = default_configuration(SPACE)
OBJECTIVE = objective()


def forecast(configuration: Configuration, off: float = 1.0, sd: float = 0.05) -> Forecast:
    """What a model says that is off by a factor, and knows its own error."""
    truth = roofline(configuration)
    return Forecast(configuration, off * truth.latencies_s[0], off * truth.energy_j, truth.throughput_hz / off, sd, sd)


def by_batch(off: float = 1.0, sd: float = 0.05) -> tuple[Forecast, ...]:
    """Every batch size, the clock as it is: what is known of a network without touching a knob."""
    return tuple(forecast(Configuration({**BASELINE, "batch_size": batch}), off, sd) for batch in BATCHES)


def front_of(forecasts: tuple[Forecast, ...], bound_s: float = 0.1) -> ForecastFront:
    return ForecastFront(replace(search_task(bound_s=bound_s), forecasts=forecasts))


def error(own: list[Configuration], forecasts: tuple[Forecast, ...]) -> float:
    """Mean error of log energy and log latency over the space."""
    truth = torch.tensor([(one.energy_j, *one.latencies_s) for one in map(roofline, EVERYTHING)], dtype=torch.float64)
    evidence = gather_evidence(ENCODING, OBJECTIVE, all_measured(own), (), forecasts)
    prediction = Surrogate(Prior(ENCODING, OBJECTIVE), evidence).predict(ENCODING.encode(EVERYTHING))
    found = torch.stack([prediction.energy_mean, prediction.latency_means[0]], dim=1)
    return float((found - truth.log()).abs().mean())


class TestEvidence:
    def test_a_forecast_is_what_the_same_measurement_would_be(self) -> None:
        exact = [forecast(one, sd=0.0) for one in EVERYTHING[:5]]
        measured = gather_evidence(ENCODING, OBJECTIVE, all_measured(EVERYTHING[:5]))
        torch.testing.assert_close(forecast_evidence(ENCODING, OBJECTIVE, exact).outputs, measured.outputs)

    def test_a_quarter_of_its_error_is_its_own(self) -> None:
        row = forecast_evidence(ENCODING, OBJECTIVE, [forecast(BASELINE, sd=0.4)]).variances[0]
        assert row.tolist() == pytest.approx([0.01, 0.0, 0.01])

    def test_beside_trials_forecasts_are_a_study_of_their_own(self) -> None:
        evidence = gather_evidence(ENCODING, OBJECTIVE, all_measured([BASELINE]), (), by_batch())
        assert evidence.studies.tolist() == [0] + [1] * len(BATCHES)


class TestHeadStart:
    @pytest.mark.parametrize("off", [1.0, 1.5])
    def test_one_trial_and_forecasts_say_more_than_the_trial(self, off: float) -> None:
        assert error([BASELINE], by_batch(off)) < 0.7 * error([BASELINE], ())

    def test_forecasts_that_are_wrong_do_little_harm(self) -> None:
        wrong = tuple(
            replace(one, latency_s=one.latency_s * 4.0**place, energy_per_request_j=0.1)
            for place, one in enumerate(by_batch())
        )
        assert error([BASELINE, *EVERYTHING[5::11]], wrong) < 1.3 * error([BASELINE, *EVERYTHING[5::11]], ())

    def test_the_search_asks_for_a_batch_that_it_need_not_feel_its_way_to(self) -> None:
        task = search_task(bound_s=0.2)
        with_forecasts = trials_to_optimum(replace(task, forecasts=by_batch()))
        assert with_forecasts <= trials_to_optimum(task)


def trials_to_optimum(task: SearchTask) -> int:
    """Returns how many trials a search needs to come within 5 % of the least energy that holds the SLO."""
    bound_s = task.objective.slos[0].bound_s
    best_j = min(one.energy_j for one in map(roofline, EVERYTHING) if one.latencies_s[0] <= bound_s)
    proposer = BayesianProposer(task)
    tried = [BASELINE]
    for count in range(1, 20):
        proposal = proposer.propose(all_measured(tried))
        if not isinstance(proposal, Proposal):
            break
        tried.append(proposal.configuration)
        outcome = roofline(proposal.configuration)
        if outcome.latencies_s[0] <= bound_s and outcome.energy_j <= 1.05 * best_j:
            return count
    return 20


class TestFront:
    def test_no_point_of_it_is_beaten_and_it_spans_the_trade(self) -> None:
        front = front_of(by_batch()).front()
        assert len(front) > 3
        for before, after in pairwise(front):
            assert before.latency_s < after.latency_s
            assert before.energy_per_request_j > after.energy_per_request_j
        everything = front_of(by_batch()).expect(EVERYTHING)
        assert front[0].latency_s == pytest.approx(min(one.latency_s for one in everything))
        assert front[-1].energy_per_request_j == pytest.approx(min(one.energy_per_request_j for one in everything))

    def test_what_was_forecast_is_kept_and_the_rest_is_wider(self) -> None:
        known, unknown = front_of(by_batch(sd=0.02)).expect([BASELINE, EVERYTHING[0]])
        truth = roofline(BASELINE)
        assert known.latency_s == pytest.approx(truth.latencies_s[0], rel=0.03)
        assert known.energy_per_request_j == pytest.approx(truth.energy_j, rel=0.03)
        for one in (known, unknown):
            assert one.energy_interval.low < one.energy_per_request_j < one.energy_interval.high
        width = math.log(known.energy_interval.high / known.energy_interval.low)
        assert math.log(unknown.energy_interval.high / unknown.energy_interval.low) > 1.5 * width

    def test_intervals_hold_the_truth(self) -> None:
        expected = front_of(by_batch()).expect(EVERYTHING)
        truths = [roofline(one) for one in EVERYTHING]
        held = [
            one.latency_interval.low <= truth.latencies_s[0] <= one.latency_interval.high
            and one.energy_interval.low <= truth.energy_j <= one.energy_interval.high
            for one, truth in zip(expected, truths, strict=True)
        ]
        assert sum(held) >= 0.9 * len(held)

    def test_no_configuration_is_told_better_than_the_error_that_all_share(self) -> None:
        for one in front_of(by_batch(sd=0.3)).expect(EVERYTHING):
            for interval in (one.energy_interval, one.latency_interval):
                assert math.log(interval.high / interval.low) >= 2 * 1.96 * 0.3

    def test_uncertain_forecasts_make_wide_intervals(self) -> None:
        sure, unsure = (front_of(by_batch(sd=sd)).expect([BASELINE])[0] for sd in (0.02, 0.4))
        assert unsure.energy_interval.high / unsure.energy_interval.low > 1.5 * (
            sure.energy_interval.high / sure.energy_interval.low
        )

    def test_what_is_recommended_holds_the_slo_with_better_than_even_odds(self) -> None:
        front = front_of(by_batch(), bound_s=0.03)
        recommended = front.recommended()
        assert recommended.feasible_probability >= 0.5
        likely = [one for one in front.expect(EVERYTHING) if one.feasible_probability >= 0.5]
        assert recommended.energy_per_request_j == pytest.approx(min(one.energy_per_request_j for one in likely))

    def test_where_nothing_is_likely_to_hold_it_is_the_fastest(self) -> None:
        front = front_of(by_batch(), bound_s=0.001)
        recommended = front.recommended()
        assert recommended.feasible_probability < 0.5
        assert recommended.latency_s == pytest.approx(min(one.latency_s for one in front.expect(EVERYTHING)))
