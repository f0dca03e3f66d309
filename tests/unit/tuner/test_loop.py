import threading
from dataclasses import replace

import pytest

from knobs.contract import Calibration, Conditions, DeviceError, Occupant, PowerCoefficients, Scope
from serving_adapter.contract import AdapterError
from serving_adapter.runner.client import RunnerLostError
from tests.unit.tuner.effects import effect
from tests.unit.tuner.records import study, trial
from tests.unit.tuner.scripted_bench import BASELINE, BATCH, CLOCK, METER, ScriptedDevice, ScriptedSearch, bench
from tuner.clock import SystemClock
from tuner.config_record import MeasurementSettings, StudySettings
from tuner.configuration import Configuration
from tuner.errors import WattuneError
from tuner.pareto import pareto_front
from tuner.store import Store, StoreError
from tuner.study.confirmation import Confirmation
from tuner.study.loop import StudyLoop
from tuner.study.recommendation import recommend
from tuner.study_record import StudyState
from tuner.trial import Circumstances, Purpose, RejectionCause, Verdict


class Run:
    """A study on a scripted device, with the events that it published."""

    def __init__(self, tmp_path, slo="p90 <= 50 ms", max_trials=16):
        self.device = ScriptedDevice()
        self.bench = bench(self.device, slo)
        self.search = ScriptedSearch(self.bench)
        self.store = Store(tmp_path / "studies.sqlite")
        self.cancelled = threading.Event()
        self.events = []
        self.settings = StudySettings(max_trials=max_trials)
        self.store.create(study())

    def go(self):
        loop = StudyLoop(
            self.store.get("study-1"),
            self.bench,
            self.search,
            self.store,
            baseline=BASELINE,
            settings=self.settings,
            measurement=MeasurementSettings(),
            publish=self.events.append,
            clock=SystemClock(),
            cancelled=self.cancelled,
        )
        return loop.run()


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path)
    yield made
    made.store.close()


def _slo_energy(finished):
    return {t.configuration: t.measurement.energy.per_request_j for t in finished.trials if t.measurement}


def test_a_study_measures_the_baseline_first_and_recommends_the_least_energy(run):
    finished = run.go()
    assert finished.state is StudyState.DONE
    assert finished.trials[0].purpose is Purpose.BASELINE
    assert finished.trials[0].configuration == BASELINE
    feasible = [t for t in finished.trials if t.is_feasible]
    least = min(feasible, key=lambda t: t.measurement.energy.per_request_j)
    assert finished.recommendation.configuration == least.configuration
    assert finished.recommendation.applicable == Configuration({CLOCK.id: least.configuration[CLOCK.id]})
    assert finished.recommendation.study_only == (BATCH.id,)


def test_the_saving_comes_from_fresh_interleaved_measurements(run):
    finished = run.go()
    fresh = [t.configuration for t in finished.trials if t.purpose is Purpose.CONFIRMATION]
    winner = finished.recommendation.configuration
    serving_only = Configuration({CLOCK.id: BASELINE[CLOCK.id], BATCH.id: winner[BATCH.id]})
    assert fresh == [BASELINE, serving_only, winner] * 3
    energy = _slo_energy(finished)
    assert finished.recommendation.comparison.saving == pytest.approx(1 - energy[winner] / energy[BASELINE], abs=0.02)


def test_what_the_knobs_save_is_told_from_what_the_batch_saves(run):
    comparison = run.go().recommendation.comparison
    energy = _slo_energy(run.store.get("study-1"))
    winner = run.store.get("study-1").recommendation.configuration
    serving_only = Configuration({CLOCK.id: BASELINE[CLOCK.id], BATCH.id: winner[BATCH.id]})
    assert comparison.knob_saving == pytest.approx(1 - energy[winner] / energy[serving_only], abs=0.02)
    assert 0 < comparison.knob_saving < comparison.saving


def test_a_saving_of_the_knobs_alone_is_not_told_apart(tmp_path):
    run = Run(tmp_path, slo="p90 <= 26 ms")
    recommendation = run.go().recommendation
    assert recommendation.configuration[BATCH.id] == BASELINE[BATCH.id]
    assert recommendation.comparison.knob_saving is None
    run.store.close()


def test_trial_values_are_taken_back_at_the_end(run):
    run.go()
    assert (run.device.clock_mhz, run.device.leased) == (1500, False)


def test_what_is_stored_is_what_was_returned(run):
    assert run.go() == run.store.get("study-1")


def test_what_the_search_learned_of_each_parameter_is_kept(run):
    assert run.go().effects == (effect(CLOCK.id, CLOCK.values),)
    assert run.store.get("study-1").effects == (effect(CLOCK.id, CLOCK.values),)


def test_it_is_kept_too_where_the_budget_ends_the_search(tmp_path):
    run = Run(tmp_path, max_trials=2)
    assert run.go().reason == "The budget of 2 trials is spent."
    assert run.store.get("study-1").effects == (effect(CLOCK.id, CLOCK.values),)
    run.store.close()


def test_a_search_that_cannot_tell_what_parameters_do_spoils_no_study(run, caplog):
    def fail(call):
        if call == "effects":
            raise WattuneError("No idea.")

    run.search.fault = fail
    finished = run.go()
    assert (finished.state, finished.effects) == (StudyState.DONE, ())
    assert "No idea." in caplog.text


def test_asking_what_parameters_do_is_booked_as_search(run):
    spent = []

    def think(call):
        before_j = run.device.energy_j
        run.device.idle(100.0 if call == "effects" else 0.0)
        spent.append(run.device.energy_j - before_j)

    run.search.fault = think
    assert run.go().search_j == pytest.approx(sum(spent))
    assert sum(spent) > 0


def test_a_search_that_ended_before_the_study_was_resumed_is_not_asked_again(run):
    finished = run.go()
    run.store.finish("study-1", StudyState.RUNNING, "", None, finished.duration_s)
    calls = []
    run.search.fault = calls.append
    assert run.go().effects == finished.effects
    assert calls == []


def test_infeasible_trials_are_never_recommended(tmp_path):
    run = Run(tmp_path, slo="p90 <= 30 ms")
    finished = run.go()
    verdicts = {t.configuration: t.measurement.verdict for t in finished.trials if t.measurement}
    assert Verdict.INFEASIBLE in verdicts.values()
    assert verdicts[finished.recommendation.configuration] is Verdict.FEASIBLE


def test_an_slo_that_nothing_holds_is_infeasible_and_names_the_closest(tmp_path):
    run = Run(tmp_path, slo="p90 <= 1 ms")
    finished = run.go()
    assert (finished.state, finished.recommendation) == (StudyState.INFEASIBLE, None)
    assert "the closest is trial 0" in finished.reason
    assert not any(t.purpose is Purpose.CONFIRMATION for t in finished.trials)
    assert run.device.clock_mhz == 1500


def test_the_budget_counts_the_baseline(tmp_path):
    run = Run(tmp_path, max_trials=4)
    finished = run.go()
    assert sum(t.purpose is not Purpose.CONFIRMATION for t in finished.trials) == 4
    assert "4 trials" in finished.reason


def test_a_knob_that_does_not_take_is_a_rejection_and_the_study_goes_on(run):
    run.device.stuck_clock = True
    finished = run.go()
    rejected = [t for t in finished.trials if t.rejection]
    assert {t.rejection.cause for t in rejected} == {RejectionCause.NOT_VERIFIED}
    assert all(t.configuration[CLOCK.id] != 1500 for t in rejected)
    assert finished.state is StudyState.DONE


def _fails(name, times, error):
    left = [times]

    def fault(call):
        if call == name and left[0]:
            left[0] -= 1
            raise error

    return fault


@pytest.mark.parametrize(
    ("call", "number", "error", "cause"),
    [
        ("apply", 1, DeviceError("The kernel said EIO."), RejectionCause.NOT_APPLIED),
        ("sample", 2, DeviceError("The meter is gone."), RejectionCause.METER),
        ("run", 1, AdapterError("The model failed."), RejectionCause.WORKLOAD),
        ("configure", 1, AdapterError("No such batch."), RejectionCause.WORKLOAD),
    ],
)
def test_a_fault_is_a_rejection_with_its_reason(run, call, number, error, cause):
    run.device.fault = _fails(call, number, error)
    finished = run.go()
    rejections = [t.rejection for t in finished.trials if t.rejection]
    assert [(r.cause, r.reason) for r in rejections] == [(cause, str(error))]
    assert finished.state is StudyState.DONE


def test_a_baseline_that_cannot_be_measured_fails_the_study_with_the_reason(run):
    run.device.fault = _fails("run", 100, AdapterError("The model failed."))
    finished = run.go()
    assert finished.state is StudyState.FAILED
    assert "The model failed." in finished.reason
    assert not run.device.leased


def test_a_runner_that_dies_leaves_a_rejection_behind_and_the_study_resumes(run):
    calls = [0]

    def fault(call):
        calls[0] += call == "run"
        if calls[0] == 40:
            calls[0] += 1
            raise RunnerLostError("The runner was killed.")

    run.device.fault = fault
    with pytest.raises(RunnerLostError):
        run.go()
    assert not run.device.leased
    stored = run.store.get("study-1")
    assert stored.trials[-1].rejection.cause is RejectionCause.PROCESS_LOST
    finished = run.go()
    assert finished.state is StudyState.DONE
    assert finished.trials[: len(stored.trials)] == stored.trials


def test_a_trial_that_cannot_be_stored_ends_the_run_and_takes_values_back(run):
    real, left = run.store.add_trial, [3]

    def failing(*arguments):
        left[0] -= 1
        if not left[0]:
            raise StoreError("The disk is full.")
        real(*arguments)

    run.store.add_trial = failing
    with pytest.raises(StoreError):
        run.go()
    assert (run.device.clock_mhz, run.device.leased) == (1500, False)
    assert len(run.store.get("study-1").trials) == 2
    run.store.add_trial = real
    assert run.go().state is StudyState.DONE


def test_a_resumed_study_measures_nothing_twice(run):
    run.search.fault = _fails("propose", 1, RuntimeError("killed"))
    with pytest.raises(RuntimeError):
        run.go()
    finished = run.go()
    searched = [t.configuration for t in finished.trials if not t.purpose.is_another_look]
    assert len(searched) == len(set(searched)) == run.bench.space.size


def test_cancelling_ends_the_study_within_the_trial(run):
    def fault(call):
        if call == "run" and len(run.events) > 6:
            run.cancelled.set()

    run.device.fault = fault
    finished = run.go()
    assert finished.state is StudyState.CANCELLED
    assert finished.recommendation is None
    assert (run.device.clock_mhz, run.device.leased) == (1500, False)


def test_events_tell_each_trial_once_and_the_saving_so_far(run):
    finished = run.go()
    told = [event.trial.number for event in run.events if event.trial]
    assert told == [t.number for t in finished.trials]
    assert run.events[-1].saving == pytest.approx(finished.recommendation.comparison.saving, abs=0.02)


def test_the_front_spans_from_the_fastest_to_the_thriftiest(run):
    finished = run.go()
    front = pareto_front(finished.trials)
    assert len(front) >= 3


def test_a_configuration_is_never_its_own_rival():
    coefficients = PowerCoefficients(static_w=(2.0, 8.0, 20.0), cpu_core_w=(2.0, 5.0, 12.0))
    winner = trial(1, 10.0, clock_mhz=1000, cpu_s=1.0, throughput_hz=2.0)
    again = trial(2, 5.0, clock_mhz=1000, cpu_s=0.5, throughput_hz=4.0, purpose=Purpose.CONFIRMATION)
    baseline = trial(0, 20.0, cpu_s=2.0, throughput_hz=1.0)
    recommendation = recommend(
        study(baseline, winner, again), Confirmation(winner), replace(METER, coefficients=coefficients)
    )
    assert "The recommendation is the same over the whole band." in recommendation.caveats


def test_a_configuration_that_broke_the_slo_again_is_no_rival():
    coefficients = PowerCoefficients(static_w=(2.0, 8.0, 20.0), cpu_core_w=(2.0, 5.0, 12.0))
    winner = trial(1, 10.0, clock_mhz=1000, cpu_s=1.0, throughput_hz=2.0)
    better = trial(2, 5.0, clock_mhz=500, cpu_s=0.5, throughput_hz=4.0)
    broke = trial(3, 5.0, clock_mhz=500, verdict=Verdict.INFEASIBLE, purpose=Purpose.CONFIRMATION, cpu_s=0.5)
    baseline = trial(0, 20.0, cpu_s=2.0, throughput_hz=1.0)
    candid = recommend(study(baseline, winner, better), Confirmation(winner), replace(METER, coefficients=coefficients))
    assert any("trial 2 uses" in caveat for caveat in candid.caveats)
    strict = recommend(
        study(baseline, winner, better, broke), Confirmation(winner), replace(METER, coefficients=coefficients)
    )
    assert "The recommendation is the same over the whole band." in strict.caveats


def test_a_shared_device_and_a_power_cap_stand_beside_the_figure():
    seen = Circumstances(foreign=("process 77 (blender) on gpu",), power_capped_share=0.8)
    winner = trial(1, 10.0, clock_mhz=1000)
    winner = replace(winner, measurement=replace(winner.measurement, circumstances=seen))
    caveats = recommend(study(trial(0, 20.0), winner), Confirmation(winner), METER).caveats
    assert any("shared in 1 of 2 trials" in caveat and "blender" in caveat for caveat in caveats)
    assert any("power cap holds the clock down for 80%" in caveat for caveat in caveats)
    alone = recommend(study(trial(0, 20.0), trial(1, 10.0)), Confirmation(trial(1, 10.0)), METER).caveats
    assert alone == ()


def test_a_machine_that_other_programs_share_is_marked_in_the_study(run):
    run.device.conditions = lambda: Conditions(occupants=(Occupant(77, "gpu", "blender"),))
    run.bench = replace(run.bench, is_watched=True)
    finished = run.go()
    assert any("The device was shared in" in caveat for caveat in finished.recommendation.caveats)


def test_what_the_adapter_notes_stands_beside_the_figure():
    note = "Tokens are counted as chunks."
    found = recommend(study(trial(0, 20.0), trial(1, 10.0)), Confirmation(trial(1, 10.0)), METER, (note,))
    assert found.caveats == (note,)


def test_joules_out_of_a_calibration_are_said_to_be_estimated_and_how():
    meter = replace(METER, calibration=Calibration("gpu.energy", Scope.WALL, 1.06, 97.0, 0.004))
    [caveat] = recommend(study(trial(0, 20.0), trial(1, 10.0)), Confirmation(trial(1, 10.0)), meter).caveats
    for words in ("gpu.energy", "wall", "1.06 times", "97 W", "0.4%"):
        assert words in caveat
