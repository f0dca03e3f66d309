"""Trials as numbers: what the surrogate is fitted to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from tuner.search.contract import EarlierStudy
from tuner.search.encoding import Encoding
from tuner.trial import Interval, Measurement, Trial

_HALF_WIDTH_ERRORS = 3.0
"""Standard errors in half a time-uniform 95 % interval, roughly: three for a window of usual length."""

_DRIFT_SD = 0.01
"""What two windows of one configuration differ by although each one's own interval is narrow (temperature, load)."""

_EARLIER_SD = 0.03
"""How far a single trial of an earlier study strays from the shift that the two models have in common."""


class Output(IntEnum):
    """What is modelled, as natural logarithms."""

    LATENCY = 0
    """Latency at the first SLO's percentile, seconds."""
    SECONDS_PER_REQUEST = 1
    """Reciprocal of the throughput."""
    POWER = 2
    """Mean power over the window, watts."""


@dataclass(frozen=True)
class Evidence:
    """The measured trials of this study, then those of an earlier one.

    Attributes:
        features: Encoded configurations, ``n x d``.
        outputs: Natural logarithms by :class:`Output`, ``n x 3``.
        variances: Variance of each output, ``n x 3``.
        is_earlier: Which rows stem from the earlier study, ``n``.
    """

    features: Tensor
    outputs: Tensor
    variances: Tensor
    is_earlier: Tensor

    def __len__(self) -> int:
        return len(self.features)


def gather_evidence(encoding: Encoding, trials: Sequence[Trial], earlier: Sequence[EarlierStudy] = ()) -> Evidence:
    """Collects what was measured; rejected trials say nothing, infeasible and undecided ones do.

    Args:
        encoding: Of the space that is searched. Earlier trials that lack one of its parameters are left out.
        trials: This study's trials.
        earlier: Earlier studies.
    """
    needed = {column.parameter_id for column in encoding.columns}
    own = [trial for trial in trials if trial.measurement is not None]
    older = [
        trial
        for study in earlier
        for trial in study.trials
        if trial.measurement is not None and needed <= trial.configuration.keys()
    ]
    measurements = [trial.measurement for trial in (*own, *older) if trial.measurement is not None]
    is_earlier = torch.tensor([False] * len(own) + [True] * len(older), dtype=torch.bool)
    outputs = torch.tensor([_outputs(one) for one in measurements], dtype=torch.float64).reshape(-1, len(Output))
    variances = torch.tensor([_variances(one) for one in measurements], dtype=torch.float64).reshape(-1, len(Output))
    variances = variances + is_earlier.unsqueeze(1) * _EARLIER_SD**2
    return Evidence(encoding.encode(trial.configuration for trial in (*own, *older)), outputs, variances, is_earlier)


def _outputs(measurement: Measurement) -> list[float]:
    """Returns the outputs such that power times seconds per request is the energy per request that was measured."""
    log_seconds = -math.log(measurement.throughput_hz)
    return [
        math.log(measurement.slo_latency_s),
        log_seconds,
        math.log(measurement.energy.per_request_j) - log_seconds,
    ]


def _variances(measurement: Measurement) -> list[float]:
    """Returns the outputs' variances: drift, and what the window's own length leaves open.

    The standard error of a percentile is of the order of the distribution's spread over the root of the number of
    independent samples (David and Nagaraja, *Order Statistics*, section 2.5); batches are those samples.
    """
    latency = measurement.latency
    of_tokens = measurement.slo_latency_s < latency.p50_s  # an SLO on ttft or tpot: these scatter about as latency does
    highest_s = latency.p99_s if of_tokens else measurement.slo_latency_s
    spread = math.log(max(highest_s / latency.p50_s, 1.0))
    percentile_sd = spread / math.sqrt(max(measurement.queries, 1))
    energy_sd = _relative_sd(measurement.energy.interval)
    return [_DRIFT_SD**2 + percentile_sd**2, _DRIFT_SD**2, _DRIFT_SD**2 + energy_sd**2]


def _relative_sd(interval: Interval) -> float:
    if not 0 < interval.low < interval.high:
        return 0.0
    return math.log(interval.high / interval.low) / (2 * _HALF_WIDTH_ERRORS)
