"""Trials as numbers: what the surrogate is fitted to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from tuner.objective import Objective, Scenario
from tuner.search.contract import EarlierStudy
from tuner.search.encoding import Encoding
from tuner.search.rates import at_rate
from tuner.trial import Interval, Measurement, Trial

_HALF_WIDTH_ERRORS = 3.0
"""Standard errors in half a time-uniform 95 % interval, roughly: three for a window of usual length."""


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
    """The measured trials of this study, then those of earlier ones.

    Attributes:
        features: Encoded configurations, ``n x d``.
        outputs: Natural logarithms: the latency of each SLO, pace, power, ``n x outputs``.
        variances: Variance of each output, ``n x outputs``.
        studies: Which study each row stems from, 0 for this one, ``n``.
    """

    features: Tensor
    outputs: Tensor
    variances: Tensor
    studies: Tensor

    def __len__(self) -> int:
        return len(self.features)


def gather_evidence(
    encoding: Encoding, objective: Objective, trials: Sequence[Trial], earlier: Sequence[EarlierStudy] = ()
) -> Evidence:
    """Collects what was measured; rejected trials say nothing, infeasible and undecided ones do.

    Args:
        encoding: Of the space that is searched. Earlier trials that lack one of its parameters are left out.
        objective: What is asked for.
        trials: This study's trials.
        earlier: Earlier studies.
    """
    needed = {column.parameter_id for column in encoding.columns}
    slos = len(objective.slos)
    studies = [tuple(trials), *(study.trials for study in earlier)]
    measured = [
        (number, at_rate(trial), trial.measurement)
        for number, study in enumerate(studies)
        for trial in study
        if trial.measurement is not None and needed <= at_rate(trial).keys() and (number == 0 or _answers(trial, slos))
    ]
    width = slos + 2
    outputs = [_outputs(measurement, objective) for _, _, measurement in measured]
    variances = [_variances(measurement, slos) for _, _, measurement in measured]
    return Evidence(
        encoding.encode(configuration for _, configuration, _ in measured),
        torch.tensor(outputs, dtype=torch.float64).reshape(-1, width),
        torch.tensor(variances, dtype=torch.float64).reshape(-1, width),
        torch.tensor([number for number, _, _ in measured], dtype=torch.int64),
    )


def utilization_seen(trials: Sequence[Trial]) -> float | None:
    """Returns the share of time in which work was under way in the first trial that tells; None if none does."""
    shares = [trial.measurement.idle_share for trial in trials if trial.measurement is not None]
    return next((1.0 - share for share in shares if share is not None), None)


def _answers(trial: Trial, slos: int) -> bool:
    """Tells whether an earlier trial has a latency for each of this study's SLOs."""
    return trial.measurement is not None and len(_latencies_s(trial.measurement)) >= slos


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
