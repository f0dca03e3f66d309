"""What one meter showed over time: joules counted up to instants."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median, quantiles

from tuner.errors import BadInputError

_LEAST_POINTS = 3
_MOST_POLLS_AN_UPDATE = 5
"""A sensor that shows the same power in more polls than these draws the same power."""


@dataclass(frozen=True)
class EnergySeries:
    """Joules of one meter over time.

    Attributes:
        name: The meter's id, or what stands for it.
        times_s: Instants, in ascending order.
        energy_j: Joules counted up to each of them.
        update_s: How often the value behind the readings changes.
    """

    name: str
    times_s: tuple[float, ...]
    energy_j: tuple[float, ...]
    update_s: float

    @classmethod
    def of_counter(cls, name: str, times_s: Sequence[float], energy_j: Sequence[float]) -> EnergySeries:
        """Returns the series of a counter, which may have been read more often than it moves.

        Only the readings at which it had moved are kept: those between belong to the instant before them.

        Args:
            name: The meter's id.
            times_s: When it was read.
            energy_j: Joules that it showed then.

        Raises:
            BadInputError: Time or joules run backwards, or there are too few readings.
        """
        _require_order(name, times_s)
        if any(after < before for before, after in pairwise(energy_j)):
            raise BadInputError(f"The joules of {name} run backwards: cut the recording where its counter was reset.")
        moved = [index for index in range(1, len(times_s)) if energy_j[index] != energy_j[index - 1]]
        _require_points(name, len(moved))
        kept_s = tuple(times_s[index] for index in moved)
        return cls(name, kept_s, tuple(energy_j[index] for index in moved), _typical_interval_s(kept_s))

    @classmethod
    def of_power(cls, name: str, times_s: Sequence[float], power_w: Sequence[float]) -> EnergySeries:
        """Returns the series of a sensor of watts, each of which is taken for the mean since the reading before.

        That is what plugs and most sensors show. Of one that shows the power at an instant this makes a lag of half
        an interval.

        Args:
            name: The meter's id.
            times_s: When it was read.
            power_w: Watts that it showed then.

        Raises:
            BadInputError: Time runs backwards, a power is below zero, or there are too few readings.
        """
        _require_order(name, times_s)
        _require_points(name, len(times_s))
        if min(power_w) < 0:
            raise BadInputError(f"{name} shows {min(power_w):g} W, which is no power: correct its sign or its sensor.")
        intervals_s = [after - before for before, after in pairwise(times_s)]
        steps_j = (watts * seconds for watts, seconds in zip(power_w[1:], intervals_s, strict=True))
        interval_s = median(intervals_s)
        changes_s = [times_s[index] for index in range(1, len(times_s)) if power_w[index] != power_w[index - 1]]
        between_changes_s = _typical_interval_s(changes_s) if len(changes_s) >= _LEAST_POINTS else interval_s
        update_s = max(interval_s, min(between_changes_s, _MOST_POLLS_AN_UPDATE * interval_s))
        return cls(name, tuple(times_s), tuple(accumulate(steps_j, initial=0.0)), update_s)

    def at(self, time_s: float) -> float:
        """Returns the joules counted up to an instant, on a straight line between two readings."""
        index = min(max(bisect_right(self.times_s, time_s), 1), len(self.times_s) - 1)
        before_s, after_s = self.times_s[index - 1], self.times_s[index]
        before_j, after_j = self.energy_j[index - 1], self.energy_j[index]
        return before_j + (after_j - before_j) * (time_s - before_s) / (after_s - before_s)

    def gaps_s(self, longest_s: float) -> list[tuple[float, float]]:
        """Returns between which neighbouring readings there is more time than allowed."""
        return [(before, after) for before, after in pairwise(self.times_s) if after - before > longest_s]


def _typical_interval_s(times_s: Sequence[float]) -> float:
    """The lower quartile: an update that brings no change is not seen, so that intervals are too long if anything."""
    intervals_s = [after - before for before, after in pairwise(times_s)]
    return quantiles(intervals_s, n=4, method="inclusive")[0]


def _require_order(name: str, times_s: Sequence[float]) -> None:
    for before, after in pairwise(times_s):
        if after <= before:
            raise BadInputError(f"The clock of {name} does not go on from {before:.15g} s to {after:.15g} s: sort it.")


def _require_points(name: str, points: int) -> None:
    if points < _LEAST_POINTS:
        raise BadInputError(
            f"{name} changed {points} times only: record for longer, while the machine works and rests."
        )
