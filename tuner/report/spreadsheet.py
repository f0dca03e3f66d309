"""``trials.csv``: one row a trial, units in the column names."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO

from tuner.report.digest import Digest
from tuner.study_record import Study
from tuner.trial import Measurement, Trial

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_MEASURED_COLUMNS = (
    "energy_per_request_j",
    "energy_low_j",
    "energy_high_j",
    "band_low_j",
    "band_high_j",
    "scope",
    "provenance",
    "meter",
    "mean_power_w",
    "cpu_s_per_request",
    "slo_latency_s",
    "p50_s",
    "p90_s",
    "p95_s",
    "p99_s",
    "mean_s",
    "throughput_hz",
    "requests",
    "queries",
    "late_queries",
    "window_s",
    "warm_up_s",
    "highest_temperature_c",
    "power_capped_share",
    "shared_with",
)


def trials_csv(study: Study) -> str:
    """Returns all trials as CSV: identity, configuration, what was measured, or why the trial does not count."""
    parameters = {name: _column(name, _unit(study, name)) for name in Digest(study).parameter_ids()}
    columns = (
        *("trial", "purpose", "verdict", *parameters.values()),
        *(f"delivered_{column}" for name, column in parameters.items() if name in _delivered_ids(study)),
        *_MEASURED_COLUMNS,
        *("duration_s", "started_at", "rejection_cause", "rejection_reason", "notes"),
    )
    file = StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(trial, parameters) for trial in study.trials)
    return file.getvalue()


def _delivered_ids(study: Study) -> set[str]:
    """Returns the knobs of which it is known what the hardware ran at."""
    measured = [trial.measurement for trial in study.trials if trial.measurement is not None]
    return {name for measurement in measured for name in measurement.circumstances.delivered}


def _unit(study: Study, parameter_id: str) -> str:
    return next((parameter.unit for parameter in study.space.parameters if parameter.id == parameter_id), "")


def _column(parameter_id: str, unit: str) -> str:
    suffix = f"_{unit.lower()}" if unit else ""
    return parameter_id if not suffix or parameter_id.endswith((suffix, f".{unit.lower()}")) else parameter_id + suffix


def _row(trial: Trial, parameters: Mapping[str, str]) -> dict[str, object]:
    row: dict[str, object] = {
        "trial": trial.number,
        "purpose": trial.purpose.value,
        "verdict": trial.measurement.verdict.value if trial.measurement else "rejected",
        "duration_s": trial.duration_s,
        "started_at": trial.started_at,
    }
    row |= {parameters[name]: _guarded(value) for name, value in trial.configuration.items()}
    if trial.measurement is not None:
        row |= _measured(trial.measurement)
        delivered = trial.measurement.circumstances.delivered
        row |= {f"delivered_{parameters[name]}": mean for name, mean in delivered.items() if name in parameters}
    if trial.rejection is not None:
        row |= {"rejection_cause": trial.rejection.cause.value, "rejection_reason": _guarded(trial.rejection.reason)}
    return row


def _measured(measurement: Measurement) -> dict[str, object]:
    energy, latency = measurement.energy, measurement.latency
    return {
        "energy_per_request_j": energy.per_request_j,
        "energy_low_j": energy.interval.low,
        "energy_high_j": energy.interval.high,
        "band_low_j": energy.band.low if energy.band else "",
        "band_high_j": energy.band.high if energy.band else "",
        "scope": energy.scope.value,
        "provenance": energy.provenance.value,
        "meter": _guarded(energy.meter),
        "mean_power_w": energy.mean_power_w,
        "cpu_s_per_request": "" if energy.cpu_s_per_request is None else energy.cpu_s_per_request,
        "slo_latency_s": measurement.slo_latency_s,
        "p50_s": latency.p50_s,
        "p90_s": latency.p90_s,
        "p95_s": latency.p95_s,
        "p99_s": latency.p99_s,
        "mean_s": latency.mean_s,
        "throughput_hz": measurement.throughput_hz,
        "requests": measurement.requests,
        "queries": measurement.queries,
        "late_queries": measurement.late_queries,
        "window_s": measurement.window_s,
        "warm_up_s": measurement.warm_up_s,
        "highest_temperature_c": max(measurement.circumstances.temperatures_c.values(), default=""),
        "power_capped_share": measurement.circumstances.power_capped_share,
        "shared_with": _guarded(" ".join(measurement.circumstances.foreign)),
        "notes": _guarded(" ".join(measurement.notes)),
    }


def _guarded(cell: object) -> object:
    """Keeps spreadsheet programs from taking a text of the workload's for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
