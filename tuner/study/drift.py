"""What the machine drifts by while a study runs, seen on the baseline, which is measured again and again.

A room that warms up, a battery that sags or a cache that fills changes the energy of every configuration alike, to a
first approximation by the same factor. So each trial's energy is divided by the factor that the baseline shows at that
time, interpolated in the logarithm over the time spent measuring. What is drift and what is the noise of a look is told
apart by a local level model: a level that walks at random, seen with each look's own variance (Durbin and Koopman, Time
Series Analysis by State Space Methods, 2nd ed., 2012, sections 2.1 to 2.4; the variance of the walk by maximum
likelihood, section 2.10). Where the looks do not tell a walk from noise, there is no drift.

Only looks at the same arrival rate as the first tell of drift; what they tell holds for trials at every rate.

Latencies stay as they were seen: a verdict is about requests, and no request is served by a correction.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from tuner.trial import Interval, Measurement, Purpose, Trial

_ROOTS = (Purpose.BASELINE, Purpose.REFERENCE)

_HALF_WIDTH_ERRORS = 3.0
"""Standard errors in half a time-uniform 95 % interval, roughly: three for a window of usual length."""

_LEAST_ERROR = 1e-3
"""What two looks at a machine that stands still differ by in any case."""

_WALKS_PER_ROOT_S = (0.0, *(10.0 ** (exponent / 2.0) for exponent in range(-10, 0)))
"""How far the logarithm may walk within a second, as a standard deviation; the likeliest is taken."""


@dataclass(frozen=True)
class Drift:
    """The factor on energy over the time spent in trials, as a line through a few points.

    Attributes:
        times_s: Instants of the looks at the baseline, ascending, from the study's first trial on.
        log_factors: Natural logarithm of the factor at each.
    """

    times_s: tuple[float, ...]
    log_factors: tuple[float, ...]

    def factor(self, time_s: float) -> float:
        """Returns what everything's energy is multiplied by at an instant; beyond the looks, as at the nearest."""
        if not self.times_s:
            return 1.0
        right = bisect_right(self.times_s, time_s)
        if right in (0, len(self.times_s)):
            return math.exp(self.log_factors[max(0, right - 1)])
        before_s, after_s = self.times_s[right - 1 : right + 1]
        before, after = self.log_factors[right - 1 : right + 1]
        return math.exp(before + (after - before) * (time_s - before_s) / (after_s - before_s))


def drift_of(trials: Sequence[Trial]) -> Drift:
    """Returns the drift that a study's looks at its baseline show.

    Args:
        trials: All trials in order, confirmations and rejections included.
    """
    telling = looks_for_drift(trials)
    looks = [
        (middle_s, trial.measurement.energy)
        for middle_s, trial in zip(_middles_s(trials), trials, strict=True)
        if trial.measurement is not None and trial in telling
    ]
    if not looks:
        return Drift((), ())
    times_s = [time_s for time_s, _ in looks]
    logs = [math.log(energy.per_request_j / looks[0][1].per_request_j) for _, energy in looks]
    variances = [_log_variance(energy.interval) for _, energy in looks]
    levels = _likeliest_levels(times_s, logs, variances)
    return Drift(tuple(times_s), tuple(level - levels[0] for level in levels))


def looks_for_drift(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Returns the measured looks at the baseline that tell of drift, the first one included.

    Args:
        trials: All trials in order, confirmations and rejections included.
    """
    looks = [trial for trial in trials if trial.measurement is not None and trial.purpose in _ROOTS]
    return tuple(trial for trial in looks if trial.arrival_rate_hz == looks[0].arrival_rate_hz)


def levelled(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Returns trials as if all had been measured when the baseline was; looks for drift are left out.

    Args:
        trials: All trials of a study, in order.
    """
    drift = drift_of(trials)
    return tuple(
        _divided(trial, drift.factor(middle_s))
        for middle_s, trial in zip(_middles_s(trials), trials, strict=True)
        if trial.purpose is not Purpose.REFERENCE
    )


def present_factor(trials: Sequence[Trial]) -> float:
    """Returns what everything's energy is multiplied by now, against when the baseline was measured."""
    return drift_of(trials).factor(math.inf)


def _middles_s(trials: Sequence[Trial]) -> list[float]:
    ends_s = accumulate(trial.duration_s for trial in trials)
    return [end_s - trial.duration_s / 2.0 for end_s, trial in zip(ends_s, trials, strict=True)]


def _log_variance(interval: Interval) -> float:
    if not 0 < interval.low <= interval.high:
        return 1.0
    error = math.log(interval.high / interval.low) / (2.0 * _HALF_WIDTH_ERRORS)
    return error**2 + _LEAST_ERROR**2


def _likeliest_levels(times_s: Sequence[float], seen: Sequence[float], variances: Sequence[float]) -> list[float]:
    """Returns the smoothed levels of the walk under which what was seen is likeliest."""
    candidates = [_filtered(times_s, seen, variances, walk) for walk in _WALKS_PER_ROOT_S]
    return _smoothed(max(candidates, key=lambda filtered: filtered.log_likelihood))


@dataclass(frozen=True)
class _Filtered:
    """What is known of the level after each look, from that look and those before.

    Attributes:
        levels: Its mean.
        variances: Its variance.
        steps: Variance of the walk from each look to the next.
        log_likelihood: Of all looks, up to a constant.
    """

    levels: list[float]
    variances: list[float]
    steps: list[float]
    log_likelihood: float


def _filtered(times_s: Sequence[float], seen: Sequence[float], variances: Sequence[float], walk: float) -> _Filtered:
    """The Kalman filter of a local level; nothing is known before the first look."""
    levels, spreads, log_likelihood = [seen[0]], [variances[0]], 0.0
    steps = [walk**2 * (after_s - before_s) for before_s, after_s in pairwise(times_s)]
    for value, variance, step in zip(seen[1:], variances[1:], steps, strict=True):
        predicted = spreads[-1] + step
        surprise, scatter = value - levels[-1], predicted + variance
        gain = predicted / scatter
        log_likelihood -= (math.log(scatter) + surprise**2 / scatter) / 2.0
        levels.append(levels[-1] + gain * surprise)
        spreads.append(predicted * (1.0 - gain))
    return _Filtered(levels, spreads, steps, log_likelihood)


def _smoothed(filtered: _Filtered) -> list[float]:
    """Returns the levels as all looks together tell them, backwards from the last."""
    levels = list(filtered.levels)
    for index in range(len(levels) - 2, -1, -1):
        spread = filtered.variances[index]
        levels[index] += spread / (spread + filtered.steps[index]) * (levels[index + 1] - levels[index])
    return levels


def _divided(trial: Trial, factor: float) -> Trial:
    if trial.measurement is None or factor == 1.0:
        return trial
    energy = trial.measurement.energy
    level = replace(
        energy,
        per_request_j=energy.per_request_j / factor,
        interval=Interval(energy.interval.low / factor, energy.interval.high / factor),
        mean_power_w=energy.mean_power_w / factor,
    )
    measurement: Measurement = replace(trial.measurement, energy=level)
    return replace(trial, measurement=measurement)
