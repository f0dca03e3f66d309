"""Studies as the daemon would store them: estimated on a machine without meters, simulated, infeasible, new."""

from __future__ import annotations

import math
from dataclasses import replace

from knobs.contract import Absence, Provenance, Scope
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind
from tuner.objective import Objective, Scenario, Slo
from tuner.study_record import Comparison, MachineRecord, Recommendation, Study, StudyRequest, StudyState
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

_STARTED_AT = "2026-03-14T09:26:53Z"
_SPACE = ConfigurationSpace(
    (
        Parameter("workload.cpu.cores", "cores", ParameterKind.CORES, (1, 2), Owner.PROCESS),
        Parameter("workload.cpu.quota_percent", "percent", ParameterKind.QUOTA, (50, 75, 100, 150, 200), Owner.PROCESS),
        Parameter("serving.threads", "threads", ParameterKind.THREADS, (1, 2), Owner.STUDY_ONLY),
        Parameter("serving.batch_size", "items", ParameterKind.BATCH, (1, 2, 4, 8, 16), Owner.STUDY_ONLY),
    )
)
_SLO = Slo.parse("p90 <= 300 ms")
_TRIED = (
    (2, 200, 2, 1),
    (2, 200, 2, 8),
    (1, 100, 1, 4),
    (2, 150, 2, 4),
    (2, 100, 2, 16),
    (1, 100, 1, 1),
    (2, 200, 1, 8),
    (1, 50, 1, 2),
    (2, 200, 2, 4),
    (1, 100, 1, 8),
    (2, 150, 2, 8),
    (1, 75, 1, 4),
    (1, 100, 1, 2),
    (2, 200, 2, 16),
)
_REJECTED = {
    7: Rejection(RejectionCause.NOT_VERIFIED, "workload.cpu.quota_percent reads back 52 after 50 was written."),
    10: Rejection(RejectionCause.METER, "The process meter stood still for 3 s: is the workload still running?"),
}


def _configuration(cores: int, quota: int, threads: int, batch: int) -> Configuration:
    return Configuration(
        {
            "workload.cpu.cores": cores,
            "workload.cpu.quota_percent": quota,
            "serving.threads": threads,
            "serving.batch_size": batch,
        }
    )


def _measurement(cores: int, quota: int, threads: int, batch: int, wobble: float = 0.0) -> Measurement:
    speed = min(cores, threads, quota / 100.0) ** 0.85
    cpu_s = 0.031 * (1 + 0.9 / batch**0.8) * (1.12 if threads > 1 else 1.0) * (1 + wobble)
    batch_s = batch * cpu_s / speed + 0.004
    latency_s = batch_s * (1.03 + 0.4 * max(0.0, cores - quota / 100.0))
    wall_s = batch_s / batch
    low_j, joules, high_j = (static * wall_s + core * cpu_s for static, core in ((2.0, 2.0), (5.0, 6.0), (15.0, 15.0)))
    feasible = latency_s <= _SLO.bound_s
    undecided = 0.9 < latency_s / _SLO.bound_s <= 1.0
    return Measurement(
        energy=EnergyResult(
            per_request_j=joules,
            interval=Interval(joules * 0.985, joules * 1.015),
            scope=Scope.CPU,
            provenance=Provenance.ESTIMATED,
            meter="cpu.process.estimate",
            mean_power_w=joules / wall_s,
            band=Interval(low_j, high_j),
            cpu_s_per_request=cpu_s,
        ),
        latency=LatencyResult(latency_s * 0.93, latency_s, latency_s * 1.05, latency_s * 1.21, latency_s * 0.95),
        slo_latency_s=latency_s,
        verdict=Verdict.UNDECIDED if undecided else Verdict.FEASIBLE if feasible else Verdict.INFEASIBLE,
        requests=batch * 44,
        queries=44,
        window_s=44 * batch_s,
        throughput_hz=1.0 / wall_s,
        delivered={"workload.cpu.cores": cores, "workload.cpu.quota_percent": quota},
        late_queries=2 if feasible else 37,
        warm_up_s=1.4,
    )


def _trial(number: int, values: tuple[int, int, int, int], purpose: Purpose, wobble: float = 0.0) -> Trial:
    rejection = _REJECTED.get(number) if purpose is Purpose.SEARCH else None
    return Trial(
        number=number,
        configuration=_configuration(*values),
        purpose=purpose,
        measurement=None if rejection else _measurement(*values, wobble),
        rejection=rejection,
        started_at=_STARTED_AT,
        duration_s=7.5,
    )


def estimated_study() -> Study:
    """A finished dry run on two CPU cores without any meter: joules are estimated, with their bands."""
    searched = [
        _trial(number, values, Purpose.BASELINE if number == 0 else Purpose.SEARCH, 0.01 * math.sin(number))
        for number, values in enumerate(_TRIED)
    ]
    best = min((trial for trial in searched if trial.is_feasible), key=_energy_j).number
    again = [
        _trial(len(_TRIED) + position, _TRIED[0 if position % 2 == 0 else best], Purpose.CONFIRMATION, 0.004 * position)
        for position in range(4)
    ]
    before, after = ((_energy_j(again[first]) + _energy_j(again[first + 2])) / 2 for first in (0, 1))
    configuration = searched[best].configuration
    return Study(
        id="s-20260314-0926",
        request=StudyRequest("minilm-text-encoder", ("p90 <= 300 ms",), dry_run=True, max_trials=14),
        objective=Objective(Scenario.SINGLE_STREAM, (_SLO,), Scope.CPU),
        space=_SPACE,
        machine=MachineRecord(
            device="local",
            provenance=Provenance.ESTIMATED,
            description={
                "processor": "AMD EPYC 7B13",
                "cores": "2",
                "kernel": "6.1.0-27-cloud-amd64",
                "python": "3.11.9",
                "wattune": "0.1.0",
            },
            meters=("cpu.process.estimate",),
            absent=(
                Absence("cpu.package.rapl", "This virtual machine does not expose RAPL.", "Run on bare metal."),
                Absence("cpu.max_mhz", "The kernel offers no cpufreq policy."),
                Absence("gpu", "No NVIDIA driver is loaded.", "Install the driver and nvidia-ml-py."),
            ),
        ),
        state=StudyState.DONE,
        reason="The expected improvement fell below 1 % of the incumbent.",
        trials=(*searched, *again),
        recommendation=Recommendation(
            configuration=configuration,
            trial=best,
            comparison=Comparison(
                before, after, 1 - after / before, Interval(0.371, 0.424), 2, 0.052, Interval(0.021, 0.083)
            ),
            applicable=configuration.only(("workload.cpu.cores", "workload.cpu.quota_percent")),
            study_only=("serving.batch_size", "serving.threads"),
            caveats=(
                "Joules are estimated from CPU seconds and wall seconds, which are measured, over ranges of 2 to 15 W "
                "of static power and 2 to 15 W for each busy core.",
                "The recommendation would change within the band: at 7.5 W of static power for each watt of a busy "
                "core, trial 8 uses 6% less.",
            ),
        ),
        started_at=_STARTED_AT,
        duration_s=171.0,
    )


def simulated_study() -> Study:
    """A finished study of a virtual board: every joule is simulated, and nothing has a band."""
    study = estimated_study()
    return replace(
        study,
        id="s-virtual",
        objective=replace(study.objective, scope=Scope.BOARD),
        machine=replace(study.machine, device="virtual:agx-orin", provenance=Provenance.SIMULATED, absent=()),
        trials=tuple(_simulated(trial) for trial in study.trials),
        recommendation=replace(study.recommendation, caveats=()) if study.recommendation else None,
    )


def outlier_study() -> Study:
    """A simulated study with two trials that are far slower and far more wasteful than all others."""
    study = simulated_study()
    slow = tuple(_outlier(study.trials[0], number, factor) for number, factor in ((18, 60.0), (19, 90.0)))
    return replace(study, id="s-outliers", trials=(*study.trials, *slow))


def infeasible_study() -> Study:
    """A finished study whose SLO no configuration holds."""
    study = estimated_study()
    hopeless = Slo.parse("p90 <= 5 ms")
    searched = (trial for trial in study.trials if trial.purpose is not Purpose.CONFIRMATION)
    return replace(
        study,
        id="s-infeasible",
        objective=replace(study.objective, slos=(hopeless,)),
        state=StudyState.INFEASIBLE,
        reason="No configuration was shown to hold p90 <= 5 ms.",
        trials=tuple(_with_verdict(trial, Verdict.INFEASIBLE) for trial in searched),
        recommendation=None,
    )


def empty_study() -> Study:
    """A study that has only just been started."""
    study = estimated_study()
    return replace(study, id="s-new", state=StudyState.RUNNING, reason="", trials=(), recommendation=None)


def _simulated(trial: Trial) -> Trial:
    if trial.measurement is None:
        return trial
    energy = replace(
        trial.measurement.energy,
        provenance=Provenance.SIMULATED,
        scope=Scope.BOARD,
        band=None,
        meter="board.input.virtual",
        cpu_s_per_request=None,
    )
    return replace(trial, measurement=replace(trial.measurement, energy=energy))


def _outlier(trial: Trial, number: int, factor: float) -> Trial:
    measurement = trial.measurement
    assert measurement is not None
    energy = replace(measurement.energy, per_request_j=measurement.energy.per_request_j * factor)
    slow = replace(
        measurement,
        energy=energy,
        slo_latency_s=measurement.slo_latency_s * factor,
        verdict=Verdict.INFEASIBLE,
    )
    return replace(trial, number=number, purpose=Purpose.SEARCH, measurement=slow)


def _with_verdict(trial: Trial, verdict: Verdict) -> Trial:
    return replace(trial, measurement=replace(trial.measurement, verdict=verdict)) if trial.measurement else trial


def _energy_j(trial: Trial) -> float:
    assert trial.measurement is not None
    return trial.measurement.energy.per_request_j
