"""Energy per request from pieces between meter readings, with an interval that may be looked at after every piece."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tuner.measuring.confidence.dependence import BatchLadder
from tuner.measuring.confidence.student import time_uniform_t
from tuner.trial import Interval

ERROR = 0.05
"""Probability that the truth is ever outside of the interval."""
_UNSEEN_PIECES = 2.0
"""Dependence and rare expensive pieces cannot be seen in few pieces: they count as if the variance of the mean were
larger by so many pieces' worth."""
_LEAST_STRETCHES = 6
_MOST_STRETCHES = 64


@dataclass(frozen=True)
class Drift:
    """By how much power changed from the first half of a window to the second.

    Attributes:
        change: Relative to the first half.
        half_width: Half the width of the time-uniform 95 % interval of ``change``; infinity if the pieces are too few.
    """

    change: float
    half_width: float

    @property
    def is_significant(self) -> bool:
        """Whether power has changed at all beyond doubt."""
        return abs(self.change) > self.half_width


@dataclass(frozen=True)
class _Stretch:
    """One piece, or neighbours merged."""

    energy_j: float
    duration_s: float

    def __add__(self, other: _Stretch) -> _Stretch:
        return _Stretch(self.energy_j + other.energy_j, self.duration_s + other.duration_s)


class EnergyPerRequest:
    """Joules per request as the ratio of sums over pieces.

    The standard error is that of a ratio estimator (Cochran, Sampling Techniques, 3rd ed., 1977, section 6.3),
    inflated by the dependence of neighbouring pieces (batch means with doubling length, see :class:`BatchLadder`); the
    factor is time-uniform and infinite where there are few pieces (see :func:`time_uniform_t`).
    """

    def __init__(self) -> None:
        """Has seen no piece."""
        self._ladder = BatchLadder()
        self._stretches: list[_Stretch] = []
        self._merged = 1
        self._open: list[_Stretch] = []

    def add(self, energy_j: float, items: float, duration_s: float) -> None:
        """Adds what lies between two meter readings.

        Args:
            energy_j: Joules.
            items: Requests worked on; a fraction where a reading cut one.
            duration_s: Seconds.

        Raises:
            ValueError: Time stood still or ran backwards, or a number is none.
        """
        if not (duration_s > 0.0 and math.isfinite(energy_j + items + duration_s)):
            raise ValueError(f"No piece of a window: {energy_j} J for {items} requests in {duration_s} s.")
        self._ladder.add(energy_j, items)
        self._open.append(_Stretch(energy_j, duration_s))
        if len(self._open) == self._merged:
            self._stretches.append(_sum(self._open))
            self._open = []
        if len(self._stretches) == _MOST_STRETCHES:
            self._stretches = [_sum(self._stretches[index : index + 2]) for index in range(0, _MOST_STRETCHES, 2)]
            self._merged *= 2

    @property
    def pieces(self) -> int:
        """Number of pieces."""
        return self._ladder.pieces

    @property
    def ratio_j(self) -> float:
        """Joules per request; 0 while there was none."""
        return self._ladder.ratio

    def half_width_j(self, error: float = ERROR) -> float:
        """Returns half the width of the time-uniform interval of joules per request; infinity while nothing is known.

        Args:
            error: Probability that the truth is ever outside.
        """
        pieces = self._ladder.pieces
        if pieces < 2 or not self._ladder.size:
            return math.inf
        independent = pieces / (self._ladder.inflation() + _UNSEEN_PIECES / pieces)
        factor = time_uniform_t(independent, error)
        if math.isinf(factor):
            return math.inf
        variance = self._ladder.squares() / (pieces - 1)
        return factor * math.sqrt(variance / independent) / (self._ladder.size / pieces)

    def interval(self, error: float = ERROR) -> Interval:
        """Returns the time-uniform interval of joules per request.

        Args:
            error: Probability that the truth is ever outside.
        """
        half_width_j = self.half_width_j(error)
        return Interval(max(0.0, self.ratio_j - half_width_j), self.ratio_j + half_width_j)

    @property
    def drift(self) -> Drift:
        """How power changed from the first half of the pieces to the second."""
        stretches = self._stretches + ([_sum(self._open)] if self._open and self._merged == 1 else [])
        count = len(stretches)
        first, second = _sum(stretches[: count // 2]), _sum(stretches[count // 2 :])
        if count < _LEAST_STRETCHES or not first.energy_j > 0.0:
            return Drift(0.0, math.inf)
        first_w = first.energy_j / first.duration_s
        change = second.energy_j / second.duration_s / first_w - 1.0
        return Drift(change, _drift_half_width_w(stretches) / first_w)


def _sum(stretches: list[_Stretch]) -> _Stretch:
    return sum(stretches, _Stretch(0.0, 0.0))


def _drift_half_width_w(stretches: list[_Stretch]) -> float:
    """Returns how far off the difference between the halves' powers may be.

    The scatter is that around a straight line: a trend is what one looks for, and neither noise nor dependence.
    """
    powers_w = [stretch.energy_j / stretch.duration_s for stretch in stretches]
    count, mean_w, middle = len(powers_w), math.fsum(powers_w) / len(powers_w), (len(powers_w) - 1) / 2.0
    spread = count * (count**2 - 1) / 12.0
    slope_w = sum((index - middle) * power_w for index, power_w in enumerate(powers_w)) / spread
    ladder = BatchLadder()
    for index, power_w in enumerate(powers_w):
        ladder.add(power_w - mean_w - slope_w * (index - middle))
    independent = count / (ladder.inflation() + _UNSEEN_PIECES / count)
    factor = time_uniform_t(independent, ERROR)
    # The halves hold half of the pieces each, so that their difference has twice the standard error of the mean.
    return factor * 2.0 * math.sqrt(ladder.squares() / (count - 2) / independent) if math.isfinite(factor) else math.inf
