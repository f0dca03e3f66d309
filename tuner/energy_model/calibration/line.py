"""A straight line through points of which some are wrong: a robust start, then least squares without the outliers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

_DEVIATIONS_OF_A_NORMAL = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""

_OUTLIER_DEVIATIONS = 4.0
_LEAST_OUTLYING_SHARE = 0.15
"""What lies closer to the line than this share of the typical value is no outlier, however straight the others are."""


@dataclass(frozen=True)
class Line:
    """``y = slope * x + intercept``, with standard errors as if the points were independent.

    Attributes:
        slope: The slope.
        intercept: The intercept.
        slope_error: Standard error of the slope.
        intercept_error: Standard error of the intercept.
        outliers: Positions of the points that were left out.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float
    outliers: frozenset[int]

    def at(self, x: float) -> float:
        """Returns the line's value."""
        return self.slope * x + self.intercept


def robust_line(xs: Sequence[float], ys: Sequence[float]) -> Line | None:
    """Returns the line through points; None if they do not determine one.

    The start is Theil's (1950) incomplete method, in which every point is paired with the one half the points
    further right, with the slopes weighted by the distance of their pair (Jaeckel 1972): pairs within one cluster
    of points say little of the slope and count for little. Points further from it than four standard deviations,
    estimated from the median absolute deviation, are left out of the least squares that follow.

    Args:
        xs: At least 3 values.
        ys: As many.
    """
    slope = _median_slope(xs, ys)
    if slope is None:
        return None
    intercept = median(y - slope * x for x, y in zip(xs, ys, strict=True))
    distances = [abs(y - slope * x - intercept) for x, y in zip(xs, ys, strict=True)]
    farthest = max(
        _OUTLIER_DEVIATIONS * _DEVIATIONS_OF_A_NORMAL * median(distances),
        _LEAST_OUTLYING_SHARE * abs(median(ys)),
    )
    outliers = frozenset(index for index, distance in enumerate(distances) if distance > farthest)
    kept = [(x, y) for index, (x, y) in enumerate(zip(xs, ys, strict=True)) if index not in outliers]
    return _least_squares(kept, outliers)


def _median_slope(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    points = sorted(zip(xs, ys, strict=True))
    half = len(points) // 2
    pairs = list(zip(points[: len(points) - half], points[half:], strict=True))
    slopes = sorted((((y2 - y1) / (x2 - x1)), x2 - x1) for (x1, y1), (x2, y2) in pairs if x2 > x1)
    left = math.fsum(weight for _, weight in slopes) / 2
    for slope, weight in slopes:
        left -= weight
        if left <= 0:
            return slope
    return None


def _least_squares(points: Sequence[tuple[float, float]], outliers: frozenset[int]) -> Line | None:
    """Ordinary least squares (Draper and Smith, Applied Regression Analysis, 3rd ed., sections 1.2 to 1.4)."""
    count = len(points)
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    if count < 3 or spread == 0:
        return None
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    intercept = mean_y - slope * mean_x
    variance = math.fsum((y - slope * x - intercept) ** 2 for x, y in points) / (count - 2)
    return Line(
        slope=slope,
        intercept=intercept,
        slope_error=math.sqrt(variance / spread),
        intercept_error=math.sqrt(variance * (1 / count + mean_x**2 / spread)),
        outliers=outliers,
    )
