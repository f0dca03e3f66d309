"""Is a temperature level? A robust slope, since sensors report whole degrees and skip some."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

_SPAN_S = 15.0
"""Older looks are forgotten."""
_LEAST_SPAN_S = 5.0
"""In less time, a sensor of whole degrees shows no slope that matters."""
_MOST_LOOKS = 60
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class ThermalSlope:
    """How fast a temperature changes.

    Attributes:
        slope_c_per_s: Degrees a second: the median over all pairs of looks.
        low_c_per_s: Lower end of its 95 % interval; minus infinity if the looks are too few.
        high_c_per_s: Upper end.
        span_s: Time between the first look that counts and the last.
    """

    slope_c_per_s: float
    low_c_per_s: float
    high_c_per_s: float
    span_s: float

    def is_level(self, within_c: float = 1.0, horizon_s: float = 30.0) -> bool:
        """Whether the temperature will surely change by less than so much.

        Args:
            within_c: Degrees that it may change by.
            horizon_s: Seconds over which.
        """
        if self.span_s < _LEAST_SPAN_S:
            return False
        return max(abs(self.low_c_per_s), abs(self.high_c_per_s)) * horizon_s <= within_c


def is_level(times_s: Sequence[float], temperatures_c: Sequence[float]) -> bool:
    """Returns whether a temperature stands still: it will surely change by less than a degree in half a minute.

    Args:
        times_s: When one looked, ascending.
        temperatures_c: What the sensor said; as many.
    """
    return thermal_slope(times_s, temperatures_c).is_level()


def thermal_slope(times_s: Sequence[float], temperatures_c: Sequence[float]) -> ThermalSlope:
    """Fits a slope that a quarter of wrong readings cannot move far.

    The slope is the median of the slopes of all pairs (Theil, 1950), its interval that of Kendall's rank correlation
    (Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968).

    Args:
        times_s: When one looked, ascending.
        temperatures_c: What the sensor said; as many. What is older than 15 s does not count.

    Raises:
        ValueError: There are not as many temperatures as times.
    """
    looks = _recent(list(zip(times_s, temperatures_c, strict=True)))
    slopes = sorted(
        (later_c - earlier_c) / (later_s - earlier_s)
        for index, (earlier_s, earlier_c) in enumerate(looks)
        for later_s, later_c in looks[index + 1 :]
        if later_s > earlier_s
    )
    if not slopes:
        return ThermalSlope(0.0, -math.inf, math.inf, 0.0)
    low_c_per_s, high_c_per_s = _kendall_interval(slopes, len(looks))
    return ThermalSlope(median(slopes), low_c_per_s, high_c_per_s, looks[-1][0] - looks[0][0])


def _recent(looks: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the looks that count, evenly thinned out where there are more than needed; the last one is among them."""
    recent = [look for look in looks if look[0] >= looks[-1][0] - _SPAN_S]
    return recent[:: -math.ceil(len(recent) / _MOST_LOOKS)][::-1] if recent else []


def _kendall_interval(slopes: Sequence[float], looks: int) -> tuple[float, float]:
    """Returns the ends of the 95 % interval of a slope, given those of all pairs in ascending order."""
    reach = _Z * math.sqrt(looks * (looks - 1) * (2 * looks + 5) / 18.0)  # of Kendall's statistic, without ties
    low, high = math.floor((len(slopes) - reach) / 2.0), math.ceil((len(slopes) + reach) / 2.0)
    if low < 0 or high >= len(slopes):
        return -math.inf, math.inf
    return slopes[low], slopes[high]
