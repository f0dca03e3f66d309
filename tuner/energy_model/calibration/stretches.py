"""Two meters that saw the same time, cut into stretches, with the lag between them undone.

Stretches begin and end at readings of the slower meter. What it shows there belongs to that time and no other: between
two readings nobody knows what it saw, and a line drawn there would blur every change of power, so that the factor of
the fit came out too small.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import correlation, quantiles

from tuner.energy_model.calibration.series import EnergySeries

_UPDATES_A_STRETCH = (4, 16)
_LEAST_STRETCH_S = 0.5
_ENOUGH_STRETCHES = 200
_MOST_STRETCHES = 2000
_LONGEST_LAG_S = 5.0
_LAG_SHARE = 1 / 12
"""The search for the lag may cost this share of the recording at either end."""

_CERTAIN_SHARE = 0.9
_LAGS_A_SIDE = 25
_REFINEMENTS = 3
_REFINEMENT_FACTOR = 5


@dataclass(frozen=True)
class Stretch:
    """The mean powers of two meters over one stretch of time.

    Attributes:
        device_w: Of the meter that is calibrated.
        reference_w: Of the reference.
    """

    device_w: float
    reference_w: float


class Recording:
    """A meter and a reference that were recorded at the same time."""

    def __init__(self, device: EnergySeries, reference: EnergySeries) -> None:
        """Decides how long stretches are.

        Args:
            device: The meter that is calibrated.
            reference: The reference.
        """
        self.device, self.reference = device, reference
        self._device_is_slower = device.update_s > reference.update_s
        self.stretch_s = self._stretch_length_s()
        self._device_gaps_s = device.gaps_s(self.stretch_s)
        self._reference_gaps_s = reference.gaps_s(self.stretch_s)

    def stretches(self, lag_s: float) -> list[Stretch]:
        """Returns the stretches over which both have readings; those with a gap are left out.

        Args:
            lag_s: How much later the reference shows what the device shows.
        """
        return list(self._stretches(lag_s, self._common_time_s(lag_s, lag_s)))

    def lag_s(self) -> float | None:
        """Returns how much later the reference shows what the device shows.

        It is the lag at which the powers of both are correlated best. Every meter averages over a time of its own
        and passes its values on after a while.

        Returns:
            The lag, negative if the reference is ahead; None if it is about as long as can be searched, so that the
            true one may be longer.
        """
        start_s, end_s = self._common_time_s(0.0, 0.0)
        longest_s = min(_LONGEST_LAG_S, (end_s - start_s) * _LAG_SHARE)
        within_s = self._common_time_s(-longest_s, longest_s)

        def agreement(lag_s: float) -> tuple[float, float]:
            return _agreement(list(self._stretches(lag_s, within_s))), -abs(lag_s)  # among equals the shortest

        step_s = longest_s / _LAGS_A_SIDE
        best_s = max((number * step_s for number in range(-_LAGS_A_SIDE, _LAGS_A_SIDE + 1)), key=agreement)
        for _ in range(_REFINEMENTS):
            step_s /= _REFINEMENT_FACTOR
            near = range(-_REFINEMENT_FACTOR, _REFINEMENT_FACTOR + 1)
            best_s = max((best_s + number * step_s for number in near), key=agreement)
        return best_s if abs(best_s) < _CERTAIN_SHARE * longest_s else None

    def _stretch_length_s(self) -> float:
        start_s, end_s = self._common_time_s(0.0, 0.0)
        least, most = _UPDATES_A_STRETCH
        update_s = max(self.device.update_s, self.reference.update_s)
        wanted_s = min(max(least * update_s, (end_s - start_s) / _ENOUGH_STRETCHES), most * update_s)
        return max(wanted_s, _LEAST_STRETCH_S, (end_s - start_s) / _MOST_STRETCHES)

    def _common_time_s(self, least_lag_s: float, greatest_lag_s: float) -> tuple[float, float]:
        """Begin and end, on the device's clock, of the time that both saw at every lag in between."""
        start_s = max(self.device.times_s[0], self.reference.times_s[0] - least_lag_s)
        end_s = min(self.device.times_s[-1], self.reference.times_s[-1] - greatest_lag_s)
        return start_s, max(start_s, end_s)

    def _stretches(self, lag_s: float, within_s: tuple[float, float]) -> Iterator[Stretch]:
        for begin_s, end_s in pairwise(self._edges_s(lag_s, within_s)):
            if _touches(self._device_gaps_s, begin_s, end_s):
                continue
            if _touches(self._reference_gaps_s, begin_s + lag_s, end_s + lag_s):
                continue
            yield Stretch(
                device_w=_mean_w(self.device, begin_s, end_s),
                reference_w=_mean_w(self.reference, begin_s + lag_s, end_s + lag_s),
            )

    def _edges_s(self, lag_s: float, within_s: tuple[float, float]) -> Iterator[float]:
        """Readings of the slower meter that are a stretch apart, on the device's clock."""
        shift_s = 0.0 if self._device_is_slower else lag_s
        times_s = self.device.times_s if self._device_is_slower else self.reference.times_s
        start_s, end_s = (edge_s + shift_s for edge_s in within_s)
        index = bisect_left(times_s, start_s)
        while index < len(times_s) and times_s[index] <= end_s:
            yield times_s[index] - shift_s
            index = max(index + 1, bisect_left(times_s, times_s[index] + self.stretch_s))


def _mean_w(series: EnergySeries, begin_s: float, end_s: float) -> float:
    return (series.at(end_s) - series.at(begin_s)) / (end_s - begin_s)


def _touches(gaps_s: Sequence[tuple[float, float]], begin_s: float, end_s: float) -> bool:
    """Tells whether a stretch needs a reading within a gap."""
    index = bisect_right(gaps_s, begin_s, key=lambda gap: gap[1])
    return index < len(gaps_s) and gaps_s[index][0] < end_s


def _agreement(stretches: Sequence[Stretch]) -> float:
    """The correlation of both powers, the highest and lowest of each cut off so that a wrong reading weighs little."""
    if len(stretches) < 2:
        return -math.inf
    device_w = _without_extremes([stretch.device_w for stretch in stretches])
    reference_w = _without_extremes([stretch.reference_w for stretch in stretches])
    if min(device_w) == max(device_w) or min(reference_w) == max(reference_w):
        return -math.inf
    return correlation(device_w, reference_w)


def _without_extremes(powers_w: Sequence[float]) -> list[float]:
    deciles = quantiles(powers_w, n=10, method="inclusive")
    return [min(max(power_w, deciles[0]), deciles[-1]) for power_w in powers_w]
