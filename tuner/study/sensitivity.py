"""Would the recommendation change within the band of an estimate?

Estimated joules are ``static_w * wall seconds + core_w * CPU seconds``; the seconds are measured, the
coefficients are assumed within ranges. Which configuration is best depends only on the ratio of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from knobs.contract import PowerCoefficients
from tuner.trial import Interval, Measurement, Trial


@dataclass(frozen=True)
class _Cost:
    wall_s: float
    cpu_s: float

    def at(self, ratio: float) -> float:
        """Energy per request in units of ``core_w * s``, at a ratio of static to core power."""
        return ratio * self.wall_s + self.cpu_s


@dataclass(frozen=True)
class Rival:
    """A trial that would be recommended instead, elsewhere in the band.

    Attributes:
        trial: The trial.
        static_to_core_ratio: Watts of static power per watt of a busy core at which it is best by most.
        advantage: Share of energy that it saves there against the recommended trial.
    """

    trial: Trial
    static_to_core_ratio: float
    advantage: float


def saving_over_band(
    baseline: Sequence[Measurement], recommended: Sequence[Measurement], coefficients: PowerCoefficients
) -> Interval | None:
    """Returns the least and the greatest saving within the band.

    The relative difference of two costs that are linear in the ratio is monotone in it, so that the ends of
    the band suffice.

    Args:
        baseline: Measurements of the baseline.
        recommended: Measurements of the recommendation.
        coefficients: The ranges of the power model.

    Returns:
        The band, or None where CPU time was not counted or nothing was measured.
    """
    before, after = _mean_cost(baseline), _mean_cost(recommended)
    if before is None or after is None:
        return None
    savings = [1.0 - after.at(ratio) / before.at(ratio) for ratio in _extreme_ratios(coefficients)]
    return Interval(min(savings), max(savings))


def _mean_cost(measurements: Sequence[Measurement]) -> _Cost | None:
    costs = [cost for cost in map(_cost, measurements) if cost is not None]
    if not costs:
        return None
    return _Cost(fmean(cost.wall_s for cost in costs), fmean(cost.cpu_s for cost in costs))


def _extreme_ratios(coefficients: PowerCoefficients) -> tuple[float, float]:
    return (
        coefficients.static_w[0] / coefficients.cpu_core_w[2],
        coefficients.static_w[2] / coefficients.cpu_core_w[0],
    )


def rivals(
    recommended: Trial, candidates: Sequence[Trial], coefficients: PowerCoefficients, margin: float
) -> tuple[Rival, ...]:
    """Returns the trials that beat the recommended one by more than a margin somewhere in the band.

    Args:
        recommended: The trial that is best at the nominal coefficients.
        candidates: All feasible trials that were measured.
        coefficients: The ranges of the power model.
        margin: Relative advantage below which two trials count as equal, such as the energy's uncertainty.

    Returns:
        At most one rival for either end of the band, the strongest. The energy is linear in the ratio and the
        relative advantage of one line over another is monotone in it, so that the ends of the band suffice.
    """
    present = _cost(recommended.measurement)
    costs = [(cost, trial) for trial in candidates if (cost := _cost(trial.measurement)) and trial is not recommended]
    if present is None or not costs:
        return ()
    found = []
    for ratio in _extreme_ratios(coefficients):
        best, trial = min(costs, key=lambda pair: pair[0].at(ratio))
        advantage = 1.0 - best.at(ratio) / present.at(ratio)
        if advantage > margin:
            found.append(Rival(trial, ratio, advantage))
    return tuple(found)


def _cost(measurement: Measurement | None) -> _Cost | None:
    if measurement is None or measurement.energy.cpu_s_per_request is None:
        return None
    return _Cost(1.0 / measurement.throughput_hz, measurement.energy.cpu_s_per_request)
