"""One study of several arrival rates: trials at each, and a table from rate to configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.tuner.rates_bench import EVERY_CLOCK, RATES_HZ, RatesRun, at_clock, several_rates
from tests.unit.tuner.scripted_bench import BASELINE, BATCH, CLOCK
from tuner.objective import Slo
from tuner.pareto import pareto_front
from tuner.search.contract import Proposal
from tuner.study_record import StudyState
from tuner.trial import Purpose, RejectionCause

LOWEST_HZ, MIDDLE_HZ, HIGHEST_HZ = RATES_HZ


@pytest.fixture
def start(tmp_path):
    started = []

    def make(*arguments, **settings):
        started.append(RatesRun(tmp_path, *arguments, **settings))
        return started[-1]

    yield make
    for run in started:
        run.store.close()


def measured(study, rate_hz, purpose):
    return [t for t in study.trials if t.arrival_rate_hz == rate_hz and t.purpose is purpose]


def test_each_rate_gets_the_configuration_that_is_best_there(start):
    finished = start().go()
    assert finished.state is StudyState.DONE
    steps = finished.recommendation.rate_table.steps
    assert [(step.from_rate_hz, step.to_rate_hz) for step in steps] == [
        (0.0, LOWEST_HZ),
        (LOWEST_HZ, MIDDLE_HZ),
        (MIDDLE_HZ, HIGHEST_HZ),
    ]
    assert [step.configuration for step in steps] == [at_clock(500), at_clock(500), at_clock(1000)]
    for step in steps:
        proven = measured(finished, step.to_rate_hz, Purpose.CONFIRMATION)
        assert {t.configuration for t in proven} == {BASELINE, step.configuration}
        assert step.comparison.saving_interval.low > 0


def test_what_is_recommended_by_itself_is_the_highest_rates(start):
    finished = start().go()
    recommendation, highest = finished.recommendation, finished.recommendation.rate_table.steps[-1]
    assert recommendation.configuration == highest.configuration == at_clock(1000)
    assert (recommendation.trial, recommendation.comparison) == (highest.trial, highest.comparison)
    assert dict(recommendation.applicable) == {CLOCK.id: 1000}
    assert recommendation.study_only == (BATCH.id,)
    assert recommendation.rate_table.hysteresis == 0.1


def test_the_baseline_is_measured_at_the_highest_and_the_lowest_rate_before_the_search(start):
    run = start()
    finished = run.go()
    assert [t.arrival_rate_hz for t in run.search.seen[0]] == [HIGHEST_HZ, LOWEST_HZ]
    assert {t.configuration for t in run.search.seen[0]} == {BASELINE}
    assert {t.purpose for t in run.search.seen[0]} == {Purpose.BASELINE}
    for rate_hz in RATES_HZ:
        assert [t.measurement.ended_early for t in measured(finished, rate_hz, Purpose.BASELINE)] == [""]


def test_a_rate_without_a_baseline_gets_one_before_its_confirmation(start):
    tried = {HIGHEST_HZ: EVERY_CLOCK[HIGHEST_HZ]}
    finished = start(None, tried).go()
    [baseline] = measured(finished, MIDDLE_HZ, Purpose.BASELINE)
    [first, *_] = measured(finished, MIDDLE_HZ, Purpose.CONFIRMATION)
    assert baseline.number < first.number


def test_a_rate_at_which_nothing_was_tried_tries_what_stands_at_the_rate_above(start):
    finished = start(None, {HIGHEST_HZ: EVERY_CLOCK[HIGHEST_HZ]}).go()
    steps = finished.recommendation.rate_table.steps
    assert [step.configuration for step in steps] == [at_clock(1000)] * 3
    savings = [step.comparison.saving for step in steps]
    assert len(set(savings)) == 3, "each rate has its own comparison"


def test_a_step_of_a_rate_for_which_nothing_was_found_is_left_to_the_rate_above(start):
    run = start(several_rates((10.0, 20.0, 60.0)), {10.0: EVERY_CLOCK[10.0]})
    finished = run.go()
    assert finished.state is StudyState.DONE
    table = finished.recommendation.rate_table
    assert [step.to_rate_hz for step in table.steps] == [10.0, 20.0]
    assert "No configuration was shown to hold p90 <= 60 ms at 60 requests/s." in finished.recommendation.caveats
    assert finished.at(60.0).state is StudyState.INFEASIBLE
    assert finished.at(20.0).state is StudyState.DONE


def test_a_study_in_which_no_rate_can_be_served_is_infeasible(start):
    finished = start(several_rates(slos=("p90 <= 1 ms",))).go()
    assert (finished.state, finished.recommendation) == (StudyState.INFEASIBLE, None)
    assert "requests/s (" in finished.reason
    assert not any(t.purpose is Purpose.CONFIRMATION for t in finished.trials)


def test_the_closest_is_named_by_the_slo_that_is_broken_by_most(start):
    finished = start(several_rates(slos=("p90 <= 60 ms", "p99 <= 2 ms"))).go()
    assert "with p99 = " in finished.reason
    assert "p90 <= 60 ms and p99 <= 2 ms" in finished.reason


def test_looks_for_drift_are_made_at_the_highest_rate(start):
    finished = start(reference_every=2).go()
    looks = [t for t in finished.trials if t.purpose is Purpose.REFERENCE]
    assert {t.arrival_rate_hz for t in looks} == {HIGHEST_HZ}
    assert looks


def test_a_drift_seen_at_one_rate_is_removed_at_all(start):
    run = start(reference_every=1)
    started_s, propose = run.device.now_s, run.search.propose
    run.device.drift = lambda now_s: 1.0 + round((now_s - started_s) / 1000.0) * 0.2

    def think(trials):
        run.device.now_s += 1000.0
        return propose(trials)

    run.search.propose = think
    finished = run.go()
    assert [step.configuration for step in finished.recommendation.rate_table.steps] == [
        at_clock(500),
        at_clock(500),
        at_clock(1000),
    ]
    last = run.search.seen[-1]
    raw = {t.number: t for t in finished.trials}
    factors = [
        raw[t.number].measurement.energy.per_request_j / t.measurement.energy.per_request_j
        for t in last
        if t.purpose is Purpose.SEARCH and t.arrival_rate_hz == LOWEST_HZ
    ]
    assert min(factors) > 1.5


def test_a_trial_is_raced_against_the_best_of_its_own_rate(start):
    """At the lowest rate a request costs more idle energy than at the highest: no reason to cut a trial short."""
    finished = start().go()
    best = [t for t in measured(finished, LOWEST_HZ, Purpose.SEARCH) if t.configuration == at_clock(500)]
    assert [t.measurement.ended_early for t in best] == [""]


def test_a_search_that_knows_no_rates_is_measured_at_the_highest(start):
    run = start()
    propose = run.search.propose

    def forgetful(trials):
        proposal = propose(trials)
        return replace(proposal, arrival_rate_hz=None) if isinstance(proposal, Proposal) else proposal

    run.search.propose = forgetful
    run.settings = replace_settings(run.settings, max_trials=5)
    finished = run.go()
    assert {t.arrival_rate_hz for t in finished.trials if t.purpose is Purpose.SEARCH} == {HIGHEST_HZ}


def replace_settings(settings, **changes):
    import msgspec

    return msgspec.structs.replace(settings, **changes)


def test_the_budget_counts_trials_at_all_rates(start):
    finished = start(max_trials=5).go()
    counted = [t for t in finished.trials if t.purpose is Purpose.SEARCH]
    assert len(counted) == 3, "two baselines come before"
    assert "5 trials" in finished.reason


def test_events_tell_of_the_rate_of_the_latest_trial(start):
    run = start()
    finished = run.go()
    for event in run.events:
        if event.trial is not None and event.incumbent is not None:
            assert finished.trials[event.incumbent].arrival_rate_hz == event.trial.arrival_rate_hz
    told = {event.trial.arrival_rate_hz: event.saving for event in run.events if event.trial}
    for step in finished.recommendation.rate_table.steps:
        assert told[step.to_rate_hz] == pytest.approx(step.comparison.saving, abs=0.02)
    assert any("at 35 requests/s" in event.phase for event in run.events)


def test_effects_belong_to_the_rate_of_their_trial(start):
    finished = start().go()
    through = [effect.through for effect in finished.effects]
    assert through == [0, 1]
    for rate_hz in RATES_HZ:
        numbers = [trial.number for trial in finished.trials if trial.arrival_rate_hz == rate_hz]
        expected = [number for number in through if number in numbers]
        assert [effect.through for effect in finished.at(rate_hz).effects] == expected


def test_what_is_stored_is_what_was_returned(start):
    run = start()
    assert run.go() == run.store.get("study-1")


def test_a_study_that_is_resumed_measures_no_baseline_twice(start):
    run = start()
    run.search.propose = lambda _: (_ for _ in ()).throw(RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        run.go()
    run.search.propose = type(run.search).propose.__get__(run.search)
    finished = run.go()
    assert [len(measured(finished, rate_hz, Purpose.BASELINE)) for rate_hz in RATES_HZ] == [1, 1, 1]


def test_a_rate_whose_baseline_cannot_be_measured_is_left_out(start):
    run = start(None, {HIGHEST_HZ: EVERY_CLOCK[HIGHEST_HZ]})
    real = run.device.start_load

    def refuse_the_middle(load):
        real(load)
        run.device.failing_rate = load.rate_hz == MIDDLE_HZ

    run.device.start_load = refuse_the_middle
    serve = run.device.run

    def run_or_fail(duration_s):
        piece = serve(duration_s)
        if not run.device.failing_rate:
            return piece
        failed = tuple(replace(each, failure="no answer") for each in piece.completions)
        return replace(piece, completions=failed)

    run.device.run = run_or_fail
    finished = run.go()
    table = finished.recommendation.rate_table
    assert [(step.from_rate_hz, step.to_rate_hz) for step in table.steps] == [(0.0, LOWEST_HZ), (LOWEST_HZ, HIGHEST_HZ)]
    refused = measured(finished, MIDDLE_HZ, Purpose.BASELINE)
    assert {t.rejection.cause for t in refused} == {RejectionCause.ERRORS}


def test_the_front_is_one_for_each_rate(start):
    finished = start().go()
    front = pareto_front(finished.trials)
    for rate_hz in RATES_HZ:
        assert [t for t in front if t.arrival_rate_hz == rate_hz] == list(pareto_front(finished.at(rate_hz).trials))
    assert [t.arrival_rate_hz for t in front] == sorted(t.arrival_rate_hz for t in front)


def test_a_study_pays_for_itself_at_the_rates_that_it_is_for(start):
    run = start(replace(several_rates(), rate_shares=(0.5, 0.3, 0.2)))
    finished = run.go()
    paid = finished.recommendation.break_even
    saved_w = sum(
        share * step.to_rate_hz * step.comparison.saving * step.comparison.baseline_per_request_j
        for share, step in zip((0.5, 0.3, 0.2), finished.recommendation.rate_table.steps, strict=True)
    )
    assert paid.cost_j == pytest.approx(run.device.energy_j)
    assert paid.hours * 3600.0 == pytest.approx(paid.cost_j / saved_w)
    assert paid.requests == pytest.approx(paid.hours * 3600.0 * (0.5 * 10 + 0.3 * 20 + 0.2 * 35))


def test_every_slo_of_every_trial_has_its_latency(start):
    finished = start(several_rates(slos=("p90 <= 60 ms", "p99.9 <= 90 ms"))).go()
    for t in finished.trials:
        p90_s, p999_s = t.measurement.slo_latencies_s
        assert p90_s == t.measurement.slo_latency_s == t.measurement.latency.p90_s
        assert p999_s >= t.measurement.latency.p99_s
    overloaded = next(t for t in finished.trials if t.configuration == at_clock(500) and t.arrival_rate_hz == 35.0)
    assert overloaded.measurement.slo_latencies_s[1] > overloaded.measurement.slo_latencies_s[0]
    assert Slo.parse("p99.9 <= 90 ms") in finished.objective.slos
