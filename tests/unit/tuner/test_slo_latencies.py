"""Every SLO has its latency in every measurement, and records of older versions stay readable."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tuner.rates_bench import OpenDevice, at_clock
from tests.unit.tuner.records import measurement, study, trial
from tests.unit.tuner.scripted_bench import BASELINE, bench
from tuner.config_record import MeasurementSettings
from tuner.measuring.procedure import MeasuringProcedure
from tuner.objective import Objective, Scenario, Slo
from tuner.serialization import decode, encode
from tuner.study_record import Study
from tuner.trial import Verdict

SLOS = tuple(map(Slo.parse, ("p90 <= 60 ms", "p99.9 <= 80 ms")))
ADDED = ("slo_latencies_s", "arrival_rate_hz", "arrival_rates_hz", "rate_shares", "rate_table")


def measured(clock_mhz, rate_hz, peak_hz=None, slos=SLOS):
    device = OpenDevice()
    objective = Objective(Scenario.SERVER, slos, None, rate_hz, peak_hz)
    procedure = MeasuringProcedure(
        replace(bench(device), objective=objective), BASELINE, MeasurementSettings(), lambda: False
    )
    return procedure.measure(at_clock(clock_mhz)).result


def test_each_slo_has_the_latency_at_its_own_percentile():
    """At 21 requests a second the slowest clock is just fast enough, and at 24 requests wait ever longer."""
    steady = measured(500, 21.0)
    assert steady.slo_latencies_s == (steady.latency.p90_s, steady.latency.p99_s)
    patient = tuple(map(Slo.parse, ("p90 <= 60 s", "p99.9 <= 80 s")))
    overloaded = measured(500, 24.0, slos=patient)
    assert overloaded.slo_latencies_s[1] > overloaded.latency.p99_s > overloaded.slo_latencies_s[0]


def test_of_two_rates_the_worse_latency_of_each_slo_counts():
    alone, with_peak = measured(500, 10.0), measured(500, 10.0, 35.0)
    assert with_peak.verdict is Verdict.INFEASIBLE
    assert with_peak.energy.per_request_j == alone.energy.per_request_j
    assert all(map(float.__gt__, with_peak.slo_latencies_s, alone.slo_latencies_s))


@given(st.floats(0.0, 10.0), st.lists(st.floats(0.0, 10.0), max_size=3).map(tuple))
def test_the_first_is_always_the_one_that_stands_by_itself(first_s, others_s):
    made = replace(measurement(1.0), slo_latency_s=first_s, slo_latencies_s=(99.0, *others_s))
    assert made.slo_latencies_s == (first_s, *others_s)
    assert measurement(1.0, latency_s=first_s).slo_latencies_s == (first_s,)
    assert decode(encode(made), type(made)) == made


def without_what_was_added(record):
    if isinstance(record, list):
        return [without_what_was_added(item) for item in record]
    if not isinstance(record, dict):
        return record
    return {name: without_what_was_added(value) for name, value in record.items() if name not in ADDED}


def test_a_study_of_an_older_version_is_read_as_it_was():
    made = study(trial(0, 4.0), trial(1, None), trial(2, 2.0, latency_s=0.03))
    old = json.dumps(without_what_was_added(json.loads(encode(made))))
    assert not any(name in old for name in ADDED)
    assert decode(old, Study) == made
