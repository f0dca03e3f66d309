"""Trials as numbers: what the surrogate is fitted to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from tuner.configuration import Configuration
from tuner.objective import Objective, Scenario
from tuner.search.contract import EarlierStudy, Forecast
from tuner.search.encoding import Encoding
from tuner.search.rates import at_rate
from tuner.trial import Interval, Measurement, Trial

_HALF_WIDTH_ERRORS = 3.0
"""Standard errors in half a time-uniform 95 % interval, roughly: three for a window of usual length."""


_OWN_PART_OF_ERROR = 0.25
"""How much of a forecast's error is its own. The rest is common to all forecasts of a network: a level, which trials
tell. On MiniLM, BERT's and ALBERT's primitives were off by 30 % at all batch sizes, and by 10 % from one to another."""


class Output(IntEnum):
    """What is modelled, as natural logarithms."""

    LATENCY = 0
    """Latency at an SLO's percentile, seconds."""
    PACE = 1
    """Seconds per request. Where the work itself sets the pace, over the latency of the first SLO: what is left is one
    over the number of requests under way (Little's law), which depends on the batch and hardly on anything else."""
    POWER = 2
    """Mean power over the window, watts."""


def is_paced(objective: Objective) -> bool:
    """Tells whether requests come at a rate of their own, and not as fast as they are answered."""
    return objective.scenario in (Scenario.SERVER, Scenario.LIVE)


@dataclass(frozen=True)
class Evidence:
    """The measured trials of this study, then those of earlier ones, then what was forecast.

    Attributes:
        features: Encoded configurations, ``n x d``.
        outputs: Natural logarithms: the latency of each SLO, pace, power, ``n x outputs``.
        variances: Variance of each output, ``n x outputs``.
        studies: Which study each row stems from, 0 for this one, ``n``; all forecasts are one study.
    """

    features: Tensor
    outputs: Tensor
    variances: Tensor
    studies: Tensor

    def __len__(self) -> int:
        return len(self.features)


def gather_evidence(
    encoding: Encoding,
    objective: Objective,
    trials: Sequence[Trial],
    earlier: Sequence[EarlierStudy] = (),
    forecasts: Sequence[Forecast] = (),
) -> Evidence:
    """Collects what was measured; rejected trials say nothing, infeasible and undecided ones do.

    Args:
        encoding: Of the space that is searched. Earlier trials that lack one of its parameters are left out.
        objective: What is asked for.
        trials: This study's trials.
        earlier: Earlier studies.
        forecasts: What models say, of configurations that have all its parameters.
    """
    studies = [tuple(trials), *(study.trials for study in earlier)]
    rows = [row for number, study in enumerate(studies) for row in _rows(encoding, objective, study, number)]
    rows += [_forecast_row(objective, forecast, len(studies)) for forecast in forecasts]
    return _evidence(encoding, objective, rows)


def forecast_evidence(encoding: Encoding, objective: Objective, forecasts: Sequence[Forecast]) -> Evidence:
    """Collects forecasts as if they were this study's trials, for when nothing else is known."""
    return _evidence(encoding, objective, [_forecast_row(objective, forecast, 0) for forecast in forecasts])


@dataclass(frozen=True)
class _Row:
    configuration: Configuration
    outputs: list[float]
    variances: list[float]
    study: int


def _evidence(encoding: Encoding, objective: Objective, rows: Sequence[_Row]) -> Evidence:
    width = len(objective.slos) + 2
    return Evidence(
        encoding.encode(row.configuration for row in rows),
        torch.tensor([row.outputs for row in rows], dtype=torch.float64).reshape(-1, width),
        torch.tensor([row.variances for row in rows], dtype=torch.float64).reshape(-1, width),
        torch.tensor([row.study for row in rows], dtype=torch.int64),
    )


def _rows(encoding: Encoding, objective: Objective, trials: Sequence[Trial], study: int) -> Iterator[_Row]:
    """Yields the trials that say something about this space and objective."""
    needed = {column.parameter_id for column in encoding.columns}
    slos = len(objective.slos)
    for trial in trials:
        configuration, measurement = at_rate(trial), trial.measurement
        if measurement is None or not needed <= configuration.keys():
            continue
        if study == 0 or len(_latencies_s(measurement)) >= slos:
            yield _Row(configuration, _outputs(measurement, objective), _variances(measurement, slos), study)


def _forecast_row(objective: Objective, forecast: Forecast, study: int) -> _Row:
    """Returns a forecast as numbers: one latency stands for those of all SLOs, whose levels are left open anyway."""
    log_latency, log_seconds = math.log(forecast.latency_s), -math.log(forecast.throughput_hz)
    pace = log_seconds if is_paced(objective) else log_seconds - log_latency
    slos = len(objective.slos)
    return _Row(
        forecast.configuration,
        [*[log_latency] * slos, pace, math.log(forecast.energy_per_request_j) - log_seconds],
        [
            *[(_OWN_PART_OF_ERROR * forecast.latency_sd) ** 2] * slos,
            0.0,
            (_OWN_PART_OF_ERROR * forecast.energy_sd) ** 2,
        ],
        study,
    )


def utilization_seen(trials: Sequence[Trial]) -> float | None:
    """Returns the share of time in which work was under way in the first trial that tells; None if none does."""
    shares = [trial.measurement.idle_share for trial in trials if trial.measurement is not None]
    return next((1.0 - share for share in shares if share is not None), None)


def _latencies_s(measurement: Measurement) -> tuple[float, ...]:
    return measurement.slo_latencies_s or (measurement.slo_latency_s,)


def _outputs(measurement: Measurement, objective: Objective) -> list[float]:
    """Returns the outputs such that power times seconds per request is the energy per request that was measured."""
    log_seconds = -math.log(measurement.throughput_hz)
    latencies = [math.log(latency_s) for latency_s in _latencies_s(measurement)[: len(objective.slos)]]
    pace = log_seconds if is_paced(objective) else log_seconds - latencies[0]
    return [*latencies, pace, math.log(measurement.energy.per_request_j) - log_seconds]


def _variances(measurement: Measurement, slos: int) -> list[float]:
    """Returns the outputs' variances: what the window's own length leaves open.

    The standard error of a percentile is of the order of the distribution's spread over the root of the number of
    independent samples (David and Nagaraja, *Order Statistics*, section 2.5); batches are those samples.
    """
    energy_sd = _relative_sd(measurement.energy.interval)
    latencies = [_percentile_sd(measurement, latency_s) ** 2 for latency_s in _latencies_s(measurement)[:slos]]
    return [*latencies, 0.0, energy_sd**2]


def _percentile_sd(measurement: Measurement, slo_latency_s: float) -> float:
    latency = measurement.latency
    of_tokens = slo_latency_s < latency.p50_s  # an SLO on ttft or tpot: these scatter about as latency does
    highest_s = latency.p99_s if of_tokens else slo_latency_s
    spread = math.log(max(highest_s / latency.p50_s, 1.0))
    return spread / math.sqrt(max(measurement.queries, 1))


def _relative_sd(interval: Interval) -> float:
    if not 0 < interval.low < interval.high:
        return 0.0
    return math.log(interval.high / interval.low) / (2 * _HALF_WIDTH_ERRORS)
