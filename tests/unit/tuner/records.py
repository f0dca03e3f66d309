"""Trials and studies for tests, with only what matters spelled out."""

from __future__ import annotations

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind
from tuner.objective import Objective, Scenario, Slo
from tuner.study_record import MachineRecord, Study, StudyRequest, StudyState
from tuner.trial import (
    EnergyResult,
    Interval,
    LatencyResult,
    Measurement,
    Purpose,
    Rejection,
    RejectionCause,
    Trial,
    Verdict,
)

SPACE = ConfigurationSpace(
    (
        Parameter("gpu.core.max_mhz", "MHz", ParameterKind.CLOCK, (500, 1000, 1500), Owner.KNOB),
        Parameter("serving.batch_size", "items", ParameterKind.BATCH, (1, 2, 4), Owner.STUDY_ONLY),
    )
)


def measurement(
    energy_j: float,
    latency_s: float = 0.01,
    verdict: Verdict = Verdict.FEASIBLE,
    cpu_s: float | None = None,
    throughput_hz: float = 100.0,
) -> Measurement:
    """Returns a measurement with these figures."""
    return Measurement(
        energy=EnergyResult(
            per_request_j=energy_j,
            interval=Interval(energy_j * 0.98, energy_j * 1.02),
            scope=Scope.BOARD,
            provenance=Provenance.SIMULATED if cpu_s is None else Provenance.ESTIMATED,
            meter="board",
            mean_power_w=energy_j * throughput_hz,
            cpu_s_per_request=cpu_s,
        ),
        latency=LatencyResult(latency_s, latency_s, latency_s, latency_s, latency_s),
        slo_latency_s=latency_s,
        verdict=verdict,
        requests=1000,
        queries=1000,
        window_s=10.0,
        throughput_hz=throughput_hz,
    )


def trial(
    number: int,
    energy_j: float | None,
    latency_s: float = 0.01,
    *,
    clock_mhz: int = 1500,
    batch_size: int = 1,
    verdict: Verdict = Verdict.FEASIBLE,
    purpose: Purpose | None = None,
    cpu_s: float | None = None,
    throughput_hz: float = 100.0,
) -> Trial:
    """Returns a trial; without an energy, a rejection."""
    measured = None if energy_j is None else measurement(energy_j, latency_s, verdict, cpu_s, throughput_hz)
    return Trial(
        number=number,
        configuration=Configuration({"gpu.core.max_mhz": clock_mhz, "serving.batch_size": batch_size}),
        purpose=purpose or (Purpose.SEARCH if number else Purpose.BASELINE),
        measurement=measured,
        rejection=None if measured else Rejection(RejectionCause.NOT_APPLIED, "It could not be set."),
        started_at="2026-11-22T04:00:00+00:00",
        duration_s=1.0,
    )


def study(*trials: Trial, study_id: str = "study-1", key: str = "", state: StudyState = StudyState.RUNNING) -> Study:
    """Returns a study with these trials."""
    return Study(
        id=study_id,
        request=StudyRequest(workload="classifier", idempotency_key=key),
        objective=Objective(Scenario.MULTI_STREAM, (Slo.parse("p90 <= 50 ms"),), Scope.BOARD),
        space=SPACE,
        machine=MachineRecord("scripted", Provenance.SIMULATED),
        state=state,
        reason="",
        trials=trials,
        recommendation=None,
        started_at="2026-11-22T04:00:00+00:00",
        duration_s=float(len(trials)),
    )
