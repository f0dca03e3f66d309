"""The energy of a window, from readings that do not lie exactly at its ends.

A meter's reading belongs to the last update of its source, up to one update period before one looked. So the
readings around a window are not those of its ends: between two readings energy is interpolated, and how wrong that
may be is stated.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from knobs.contract import MeterSpec, Reading

_WALK_S = 4.0
"""What a meter misses between updates adds up like a random walk. The errors that readings state cover windows of
this length; a longer window's error grows with the square root of its length."""


@dataclass(frozen=True)
class WindowEnergy:
    """The energy of a window.

    Attributes:
        energy_j: Joules.
        error_j: How far off that may be, to either side. The meter's own accuracy comes on top.
        gap_s: Seconds of it over which samples were missing.
    """

    energy_j: float
    error_j: float
    gap_s: float


def energy_of_window(readings: Iterable[Reading], start_s: float, end_s: float, meter: MeterSpec) -> WindowEnergy:
    """Returns the energy of a window.

    A window whose ends are the instants of readings (``Reading.time_s``) has the smallest error: those of the two
    readings. Elsewhere power is taken to lie between zero and twice the highest mean power between two readings.

    Args:
        readings: Joules counted by one meter, in the order in which they were taken. Best from one update period
            before the window to one after it.
        start_s: Begin of the window, on the clock of the readings.
        end_s: Its end.
        meter: What was read.

    Raises:
        ValueError: The window is empty, or there are no two readings at different instants.
    """
    if not start_s < end_s:
        raise ValueError(f"A window must end after it starts, not from {start_s} to {end_s}.")
    curve = _Curve(readings)
    start, end = curve.at(start_s), curve.at(end_s)
    gap_s = max(0.0, end.gap_s - start.gap_s)
    error_j = (start.error_j + end.error_j) * math.sqrt(max(1.0, (end_s - start_s) / _WALK_S))
    return WindowEnergy(
        energy_j=end.value - start.value,
        error_j=error_j + curve.highest_w * gap_s + 2.0 * meter.resolution,
        gap_s=gap_s,
    )


class _Curve:
    """Energy over time, a straight line between readings."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = list({reading.time_s: reading for reading in readings}.values())
        if len(self._readings) < 2:
            raise ValueError("The energy of a window needs two readings at different instants.")
        self._times_s = [reading.time_s for reading in self._readings]
        self.highest_w = max(_mean_power_w(before, after) for before, after in pairwise(self._readings))

    def at(self, time_s: float) -> Reading:
        """Returns what the meter would have read at an instant; beyond the readings, the line goes on."""
        index = min(max(bisect_right(self._times_s, time_s), 1), len(self._times_s) - 1)
        before, after = self._readings[index - 1], self._readings[index]
        share = (time_s - before.time_s) / (after.time_s - before.time_s)
        step_j = after.value - before.value
        return Reading(
            time_s=time_s,
            value=before.value + share * step_j,
            error_j=self._error_j(before, after, time_s),
            gap_s=before.gap_s + min(max(share, 0.0), 1.0) * (after.gap_s - before.gap_s),
        )

    def _error_j(self, before: Reading, after: Reading, time_s: float) -> float:
        nearest = min(before, after, key=lambda reading: abs(time_s - reading.time_s))
        if nearest.time_s == time_s:
            return nearest.error_j
        apart_j = self.highest_w * abs(time_s - nearest.time_s)
        if before.time_s < time_s < after.time_s:
            apart_j = min(apart_j, after.value - before.value)
        return max(before.error_j, after.error_j) + apart_j


def _mean_power_w(before: Reading, after: Reading) -> float:
    return (after.value - before.value) / (after.time_s - before.time_s)
