"""One configuration in, one outcome out: whatever is in the way."""

import math
from dataclasses import replace

import pytest

from knobs.contract import Conditions, DeviceError, Reading
from serving_adapter.contract import AdapterError
from tests.unit.tuner.scripted_bench import BASELINE, CLOCK, METER, ScriptedDevice, bench
from tuner.config_record import MeasurementSettings
from tuner.configuration import Configuration
from tuner.errors import ProcessLostError
from tuner.measuring.attempt import Aim
from tuner.measuring.confidence import SloTest
from tuner.measuring.procedure import MeasuringProcedure
from tuner.measuring.watch import Bounds
from tuner.objective import Objective, Scenario, Slo
from tuner.trial import Interval, Measurement, RejectionCause, Verdict

SETTINGS = MeasurementSettings()
SLOW = Configuration({**BASELINE, CLOCK.id: 500})


def measure(device, configuration=SLOW, aim=None, *, bounds=None, cancelled=lambda: False, **of_bench):
    made = replace(bench(device, of_bench.pop("slo", "p90 <= 50 ms")), **of_bench)
    return MeasuringProcedure(made, BASELINE, SETTINGS, cancelled, bounds).measure(configuration, aim)


def live(device, slo):
    made = bench(device, slo)
    return replace(made, objective=Objective(Scenario.LIVE, (Slo.parse(slo),), made.objective.scope))


def test_all_joules_of_a_trial_are_booked():
    device = ScriptedDevice()
    outcome = measure(device)
    assert outcome.energy_j == pytest.approx(device.energy_j)
    window = outcome.result.energy.mean_power_w * outcome.result.window_s
    assert outcome.energy_j > window


def test_joules_that_nobody_counts_are_unknown_and_the_trial_counts_all_the_same():
    device = ScriptedDevice()
    calls = []

    def fails_first(name):
        calls.append(name)
        if calls.count("sample") == 1 and name == "sample":
            raise DeviceError("not now")

    device.fault = fails_first
    outcome = measure(device)
    assert outcome.energy_j is None
    assert isinstance(outcome.result, Measurement)


def test_every_late_request_counts_those_of_warming_up_too():
    device = ScriptedDevice()
    outcome = measure(device, slo="p90 <= 20 ms")
    assert outcome.result.verdict is Verdict.INFEASIBLE
    assert outcome.late_requests == device.batches > outcome.result.late_queries


def test_a_server_that_fails_too_much_is_a_rejection_that_says_why():
    device = ScriptedDevice(failing=lambda number: number % 20 == 0)
    outcome = measure(device)
    assert outcome.result.cause is RejectionCause.ERRORS
    assert "no answer" in outcome.result.reason
    assert outcome.late_requests == device.batches // 20


def test_a_failure_now_and_then_is_borne_and_counted():
    device = ScriptedDevice(failing=lambda number: number % 150 == 0)
    result = measure(device, slo="p99 <= 50 ms").result
    assert result.failed_requests >= 1
    assert result.late_queries == result.failed_requests


def test_what_is_surely_worse_than_the_best_is_cut_short():
    whole = measure(ScriptedDevice()).result
    best = Interval(whole.energy.per_request_j * 0.5, whole.energy.per_request_j * 0.6)
    raced = measure(ScriptedDevice(), aim=Aim(to_beat=best)).result
    assert "above that of the best" in raced.ended_early
    assert raced.window_s < whole.window_s
    assert raced.energy.interval.low > best.high


def test_what_may_be_better_than_the_best_is_measured_to_the_end():
    whole = measure(ScriptedDevice()).result
    best = Interval(whole.energy.per_request_j * 0.95, whole.energy.per_request_j * 1.05)
    assert measure(ScriptedDevice(), aim=Aim(to_beat=best)).result.ended_early == ""


def test_what_breaks_the_slo_is_cut_short():
    result = measure(ScriptedDevice(), slo="p90 <= 20 ms").result
    assert result.verdict is Verdict.INFEASIBLE
    assert result.ended_early == "the SLO does not hold"
    assert result.window_s < 2.0


def test_the_peak_rate_is_not_tried_where_the_arrival_rate_breaks_the_slo():
    device = ScriptedDevice()
    objective = Objective(Scenario.SERVER, (Slo.parse("p90 <= 20 ms"),), None, arrival_rate_hz=10, peak_rate_hz=20)
    measure(device, objective=objective)
    assert device.calls.count("start_load") == 1


def test_load_is_ended_whatever_happens():
    device = ScriptedDevice()

    def fails(name):
        if name == "sample" and "run" in device.calls:
            raise DeviceError("gone")

    device.fault = fails
    assert measure(device).result.cause is RejectionCause.METER
    assert "stop_load" in device.calls[device.calls.index("run") :]


def test_a_sensor_that_is_too_hot_ends_the_trial_and_every_trial_value():
    device = ScriptedDevice(conditions=lambda: Conditions(temperatures_c=(("gpu", 99.0),)))
    bounds = Bounds(alarm=lambda seen: "gpu is at 99 °C." if seen.temperatures_c[0][1] > 90 else "")
    outcome = measure(device, bounds=bounds, is_watched=True)
    assert (outcome.result.cause, outcome.result.reason) == (RejectionCause.TOO_HOT, "gpu is at 99 °C.")
    assert device.clock_mhz == BASELINE[CLOCK.id]


def test_other_programs_on_the_cpus_disturb_a_trial():
    device = ScriptedDevice(conditions=lambda: Conditions(background_cores=1.5))
    result = measure(device, is_watched=True).result
    assert result.cause is RejectionCause.DISTURBED
    assert "1.5 CPU cores" in result.reason


def heating_up(device, until_s=math.inf):
    """Makes power grow by 3 % a second once load has flowed for a while, up to an instant."""
    begin_s = device.now_s + 4.0
    device.drift = lambda now_s: 1.0 + 0.03 * max(0.0, min(now_s, until_s) - begin_s)


def test_a_machine_that_had_not_settled_is_measured_once_more_after_a_pause():
    device = ScriptedDevice()
    heating_up(device, until_s=device.now_s + 24.0)
    result = measure(device).result
    assert device.calls.count("apply") == 2
    assert result.notes[-1].startswith("Measured a second time. Power changed by +")


def test_a_machine_that_never_settles_is_rejected_for_its_drift():
    device = ScriptedDevice()
    heating_up(device)
    result = measure(device).result
    assert result.cause is RejectionCause.DRIFT
    assert "from the first to the second half of the window" in result.reason
    assert device.calls.count("apply") == 2


def test_a_meter_that_moves_too_seldom_for_the_window_rejects_the_trial():
    device = ScriptedDevice()
    steady, period_s = device.sample, 15.0
    device.sample = lambda meter_ids: {METER.id: _stepped(steady(meter_ids)[METER.id], period_s)}
    result = measure(device).result
    assert result.cause is RejectionCause.METER
    assert "board moved only 1 times" in result.reason


def _stepped(reading, period_s):
    """A counter that is updated so seldom; its energy is that of a steady draw."""
    step_s = math.floor(reading.time_s / period_s) * period_s
    return Reading(step_s, 10.0 * step_s)


def test_a_little_background_load_is_recorded():
    device = ScriptedDevice(conditions=lambda: Conditions(background_cores=0.25))
    assert measure(device, is_watched=True).result.circumstances.background_cores == pytest.approx(0.25)


@pytest.mark.parametrize(("pid", "words"), [(2, "started again"), (None, "has ended")])
def test_a_server_that_was_lost_is_lost_and_not_merely_a_bad_trial(pid, words):
    device = ScriptedDevice()

    def dies(name):
        if name == "run":
            device.pid = pid
            raise AdapterError("The server does not answer.")

    made = MeasuringProcedure(bench(device), BASELINE, SETTINGS, lambda: False)
    device.fault = dies
    with pytest.raises(ProcessLostError, match=words):
        made.measure(SLOW)


def test_real_traffic_is_measured_by_the_servers_own_counts():
    device = ScriptedDevice()
    made = live(device, "p90 <= 50 ms")
    result = MeasuringProcedure(made, BASELINE, SETTINGS, lambda: False).measure(SLOW).result
    device.clock_mhz = 500
    assert result.verdict is Verdict.FEASIBLE
    assert result.energy.per_request_j == pytest.approx(device.power_w * device.latency_s, rel=0.02)
    assert result.idle_share == pytest.approx(0.5)
    assert result.latency.p50_s == pytest.approx(device.latency_s, abs=0.01)
    assert device.calls.count("restore") == 0


def test_under_real_traffic_clear_evidence_ends_a_configuration_within_a_second():
    device = ScriptedDevice()
    restored_s = []
    device.restore_hook = lambda: restored_s.append(device.now_s)
    started_s = device.now_s
    outcome = MeasuringProcedure(live(device, "p90 <= 30 ms"), BASELINE, SETTINGS, lambda: False).measure(SLOW)
    assert outcome.result.verdict is Verdict.INFEASIBLE
    assert device.clock_mhz == BASELINE[CLOCK.id]
    [first_s, *_] = restored_s
    evidence, clear_s = SloTest(0.1), 0.0
    while evidence.verdict is Verdict.UNDECIDED:
        evidence.add_counts(9, 9, 9)  # what a slice of 0.4 s holds at 45 ms each
        clear_s += 0.4
    assert first_s - started_s <= clear_s + 1.0
