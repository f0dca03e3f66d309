"""Quantiles of small samples."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns a percentile, interpolated linearly between the order statistics (definition 7 of Hyndman and Fan)."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / 100.0
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def order_statistic(values: Sequence[float], percent: float) -> float:
    """Returns the least value that this percentage does not exceed (their definition 1): infinite ones may occur."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100.0) - 1, 0)]
