"""``trials.csv``: one row a trial, units in the column names."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO

from tuner.report.digest import Digest
from tuner.study_record import Study
from tuner.trial import LatencyResult, Measurement, TokenResult, Trial

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_LATENCY_COLUMNS = ("p50_s", "p90_s", "p95_s", "p99_s", "mean_s")
_MEASURED_COLUMNS = (
    "energy_per_request_j",
    "energy_low_j",
    "energy_high_j",
    "levelled_energy_per_request_j",
    "energy_per_token_j",
    "band_low_j",
    "band_high_j",
    "scope",
    "provenance",
    "meter",
    "mean_power_w",
    "cpu_s_per_request",
    "slo_latency_s",
    *_LATENCY_COLUMNS,
    *(f"ttft_{column}" for column in _LATENCY_COLUMNS),
    *(f"tpot_{column}" for column in _LATENCY_COLUMNS),
    "tokens",
    "tokens_per_s",
    "throughput_hz",
    "requests",
    "failed_requests",
    "queries",
    "late_queries",
    "idle_share",
    "window_s",
    "warm_up_s",
    "ended_early",
    "highest_temperature_c",
    "power_capped_share",
    "background_cores",
    "shared_with",
)


def trials_csv(study: Study) -> str:
    """Returns all trials as CSV: identity, configuration, what was measured, or why the trial does not count.

    ``levelled_energy_per_request_j`` is what the search compared: the machine's drift is removed from it.
    """
    digest = Digest(study)
    parameters = {name: _column(name, _unit(study, name)) for name in digest.parameter_ids()}
    columns = (
        *("trial", "purpose", "verdict", "arrival_rate_hz", *parameters.values()),
        *(f"delivered_{column}" for name, column in parameters.items() if name in _delivered_ids(study)),
        *_MEASURED_COLUMNS,
        *_slo_columns(study),
        *("duration_s", "trial_energy_j", "late_or_failed_requests", "started_at"),
        *("rejection_cause", "rejection_reason", "notes"),
    )
    file = StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    for trial in study.trials:
        writer.writerow(
            _row(trial, parameters)
            | _asked_for(study, trial)
            | {"levelled_energy_per_request_j": digest.levelled_j.get(trial.number, "")}
        )
    return file.getvalue()


def _slo_columns(study: Study) -> tuple[str, ...]:
    """Returns a column for each SLO where there are several: ``slo_p90_ttft_s``."""
    slos = study.objective.slos
    names = (f"slo_{slo.quantile.replace(' ', '_')}_s" for slo in slos)
    return tuple(dict.fromkeys(names)) if len(slos) > 1 else ()


def _asked_for(study: Study, trial: Trial) -> dict[str, object]:
    """Returns what belongs to the objective: the arrival rate, and the latencies that several SLOs bound."""
    latencies_s = trial.measurement.slo_latencies_s if trial.measurement else ()
    rate_hz = study.objective.arrival_rate_hz if trial.arrival_rate_hz is None else trial.arrival_rate_hz
    return {"arrival_rate_hz": _known(rate_hz), **dict(zip(_slo_columns(study), latencies_s, strict=False))}


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
        "trial_energy_j": _known(trial.energy_j),
        "late_or_failed_requests": trial.late_requests,
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
    energy, circumstances = measurement.energy, measurement.circumstances
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
        "cpu_s_per_request": _known(energy.cpu_s_per_request),
        "energy_per_token_j": _known(energy.per_token_j),
        "slo_latency_s": measurement.slo_latency_s,
        **_percentiles(measurement.latency),
        **(_tokens(measurement.tokens) if measurement.tokens else {}),
        "throughput_hz": measurement.throughput_hz,
        "requests": measurement.requests,
        "failed_requests": measurement.failed_requests,
        "queries": measurement.queries,
        "late_queries": measurement.late_queries,
        "idle_share": _known(measurement.idle_share),
        "window_s": measurement.window_s,
        "warm_up_s": measurement.warm_up_s,
        "ended_early": _guarded(measurement.ended_early),
        "highest_temperature_c": max(circumstances.temperatures_c.values(), default=""),
        "power_capped_share": circumstances.power_capped_share,
        "background_cores": _known(circumstances.background_cores),
        "shared_with": _guarded(" ".join(circumstances.foreign)),
        "notes": _guarded(" ".join(measurement.notes)),
    }


def _tokens(tokens: TokenResult) -> dict[str, object]:
    return {
        "tokens": tokens.tokens,
        "tokens_per_s": tokens.throughput_hz,
        **_percentiles(tokens.ttft, "ttft_"),
        **(_percentiles(tokens.tpot, "tpot_") if tokens.tpot else {}),
    }


def _percentiles(latency: LatencyResult, prefix: str = "") -> dict[str, object]:
    return {f"{prefix}{column}": getattr(latency, column) for column in _LATENCY_COLUMNS}


def _known(figure: float | None) -> object:
    return "" if figure is None else figure


def _guarded(cell: object) -> object:
    """Keeps spreadsheet programs from taking a text of the workload's for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
