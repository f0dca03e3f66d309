"""Has warming up ended? A test on slices of load: what is still to change must be small, and surely so."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tuner.measuring.confidence.student import student_t

LEAST_SLICES = 4
"""The fewest slices that tell an approach from noise: three are explained by its level, its rest and its pace."""
_MOST_SLICES = 24
"""Older slices are forgotten: what happened then is over."""
_ASSURANCE = 0.9
"""Probability with which what is still to come is below the bound that is held against ``within``."""
_PLAUSIBILITY = 0.95
"""Below this quantile of Student's t, the data do not contradict a time constant."""
_TIME_CONSTANTS_SLICES = (1.5, 3.0, 6.0, 12.0, 25.0, 50.0, 100.0, 200.0)
"""From half a second to more than a minute, at 0.4 s a slice."""


class Steadiness:
    """Whether latency and power have stopped changing.

    Heat, caches and queues approach their end exponentially. So exponentials of many time constants are fitted to
    latency and to power, slice by slice, and every one that the data do not contradict is asked what it has still to
    come over the slices that will be measured. Load is steady once the largest of these upper bounds is within what is
    allowed, after two slices in a row: an equivalence test (Schuirmann, "A comparison of the two one-sided tests
    procedure", J. Pharmacokinetics and Biopharmaceutics 15, 1987), so that noise never passes for rest, as it would if
    one only asked whether a trend were significant. What was cold at first is dropped if the later half of the slices
    alone is steady (truncation; Hoad, Robinson and Davies, "Automating warm-up length estimation", J. Operational
    Research Society 61(9), 2010, compare such rules); so few slices contradict nothing, and every approach is asked.
    """

    def __init__(self, within: float, horizon_slices: int = 30) -> None:
        """Has seen no slice.

        Args:
            within: Relative change that may still come.
            horizon_slices: Slices over which it may come: about as long as one will measure.
        """
        self._within = within
        self._horizon_slices = horizon_slices
        self._slices = 0
        self._seen: dict[str, deque[float]] = {
            "Latency": deque(maxlen=_MOST_SLICES),
            "Power": deque(maxlen=_MOST_SLICES),
        }
        self._was_calm = False
        self._why_not = "No slice of load was seen."

    def add(self, latency_s: float | None, power_w: float | None = None) -> None:
        """Adds a slice of load.

        Args:
            latency_s: Its median latency; None if nothing was completed within it.
            power_w: Its mean power; None if the meter did not move.
        """
        self._slices += 1
        for name, value in (("Latency", latency_s), ("Power", power_w)):
            if value is not None and 0.0 < value < math.inf:
                self._seen[name].append(value)
        obstacle = self._obstacle()
        # One look in many passes by chance; two in a row seldom do.
        self._why_not = obstacle or ("" if self._was_calm else "Only the last slice of load looked steady.")
        self._was_calm = not obstacle

    @property
    def is_steady(self) -> bool:
        """Whether what is still to change is small."""
        return not self._why_not

    @property
    def why_not(self) -> str:
        """Why load is not steady, in one sentence; empty if it is. Power is not asked for where no meter moved."""
        return self._why_not

    def _obstacle(self) -> str:
        if not self._seen["Latency"]:
            return f"Slices of load in which a request was completed: none of {self._slices}."
        obstacles = (self._obstacle_of(name, values) for name, values in self._seen.items() if values)
        return next((obstacle for obstacle in obstacles if obstacle), "")

    def _obstacle_of(self, name: str, values: Sequence[float]) -> str:
        if len(values) < LEAST_SLICES:
            return f"{name} is known of {len(values)} slices of load, and {LEAST_SLICES} are needed to see a trend."
        to_come = _least_to_come(list(values), self._horizon_slices)
        if to_come <= self._within:
            return ""
        return (
            f"{name} may still change by {to_come:.0%} within the next {self._horizon_slices} slices of load, "
            f"where {self._within:.0%} is allowed."
        )


def _least_to_come(values: Sequence[float], horizon_slices: int) -> float:
    """Returns the upper bound of the relative change still to come, from all slices or from the later half."""
    half = values[len(values) // 2 :]
    relative = [value / fmean(half) for value in values]
    to_come = _of_plausible(_approaches(relative, horizon_slices), len(values))
    if len(half) < LEAST_SLICES:
        return to_come
    later = _approaches(relative[len(values) // 2 :], horizon_slices)
    return min(to_come, max(approach.to_come for approach in later))


def _approaches(values: Sequence[float], horizon_slices: int) -> list[_Approach]:
    return [_approach(values, time_constant, horizon_slices) for time_constant in _TIME_CONSTANTS_SLICES]


def _of_plausible(approaches: Sequence[_Approach], slices: int) -> float:
    """Returns the most that is to come, over all approaches that the slices do not contradict."""
    degrees = slices - 3
    least_squares = min(approach.squares for approach in approaches)
    tolerated = least_squares * (1.0 + student_t(degrees, _PLAUSIBILITY) ** 2 / degrees)
    return max(approach.to_come for approach in approaches if approach.squares <= tolerated)


@dataclass(frozen=True)
class _Approach:
    """An exponential approach: the squares it leaves unexplained, and at most what it has still to come."""

    squares: float
    to_come: float


def _approach(values: Sequence[float], time_constant_slices: float, horizon_slices: int) -> _Approach:
    """Fits ``level + rest * exp(-t / time_constant)`` by least squares; ``t`` is 0 at the last slice."""
    count, mean = len(values), fmean(values)
    shape = [math.exp((count - 1 - index) / time_constant_slices) for index in range(count)]
    middle = fmean(shape)
    spread = sum((each - middle) ** 2 for each in shape)
    rest = sum((each - middle) * value for each, value in zip(shape, values, strict=True)) / spread
    squares = sum((value - mean - rest * (each - middle)) ** 2 for each, value in zip(shape, values, strict=True))
    error = math.sqrt(squares / (count - 2) / spread)
    largest_rest = abs(rest) + student_t(count - 2, _ASSURANCE) * error
    return _Approach(squares, largest_rest * -math.expm1(-horizon_slices / time_constant_slices))
