"""Axes: what part of the numbers a chart shows at first, and whether on a linear or on a logarithmic scale.

A few slow or wasteful trials must not squeeze the corner that matters into a few pixels. So an axis spans what is of
interest; other numbers are shown as far as the interest still fills the larger part of the axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LOGARITHMIC_RATIO = 5.0
"""An axis is logarithmic if the largest number shown is more than this many times the smallest."""

_REACH = 2 / 3
"""How far beyond the interest other numbers are shown, as a share of the interest's own span."""
_MARGIN = 0.07
_LEAST_SPAN = 0.1
"""Span of an axis whose numbers are all the same, as a share of the number."""
_FEWEST_TICKS = 4
_MOST_TICKS = 9


@dataclass(frozen=True)
class Unit:
    """The unit of an axis.

    Attributes:
        factor: What a number in SI units is divided by.
        symbol: The unit, with its prefix.
    """

    factor: float
    symbol: str


@dataclass(frozen=True)
class Axis:
    """One axis of a chart. All numbers are in the axis's own unit.

    Attributes:
        unit: The unit.
        low: Where the axis begins.
        high: Where it ends.
        logarithmic: Whether its scale is logarithmic.
    """

    unit: Unit
    low: float
    high: float
    logarithmic: bool

    def number(self, value: float) -> float:
        """Returns a value in SI units as a number on this axis."""
        return value / self.unit.factor

    def share(self, value: float) -> float:
        """Returns where a value in SI units lies: 0 where the axis begins, 1 where it ends."""
        number = self.number(value)
        if self.logarithmic:
            # What has no logarithm lies below every axis.
            return math.log(number / self.low) / math.log(self.high / self.low) if number > 0 else -math.inf
        return (number - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Tells whether the axis shows a value in SI units."""
        return 0 <= self.share(value) <= 1

    @property
    def scale_remark(self) -> str:
        """What the title of the axis says of its scale."""
        return ", logarithmic" if self.logarithmic else ""


def axis_over(interest: Sequence[float], others: Iterable[float], unit: Unit) -> Axis:
    """Chooses what an axis shows.

    Args:
        interest: Numbers in SI units that are shown in any case; at least one.
        others: Numbers in SI units that are shown where they do not squeeze the interest.
        unit: The unit of the axis.
    """
    low, high = _with_others(min(interest), max(interest), others)
    logarithmic = _needs_logarithm(low, high)
    margin = _MARGIN * ((math.log(high / low) if logarithmic else high - low) or _LEAST_SPAN * high or 1.0)
    if logarithmic:
        low, high = low * math.exp(-margin), high * math.exp(margin)
    else:
        low, high = max(0.0, low - margin), high + margin
    return Axis(unit, low / unit.factor, high / unit.factor, logarithmic)


def unit_for(values: Iterable[float], symbol: str) -> Unit:
    """Chooses the prefix with which all values are at least one, as far as there is such a prefix.

    Args:
        values: Numbers in SI units.
        symbol: The unit without prefix.
    """
    smallest = min((value for value in values if value > 0), default=1.0)
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "µ")):
        if smallest >= factor:
            return Unit(factor, prefix + symbol)
    return Unit(1e-9, f"n{symbol}")


def logarithmic_ticks(low: float, high: float) -> tuple[float, ...]:
    """Returns the ticks between two positive numbers: 1, 2 and 5 of every decade; more if few, only 1 if many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)

    def ticks(*steps: float) -> tuple[float, ...]:
        return tuple(tick for decade in decades for step in steps if low <= (tick := step * 10.0**decade) <= high)

    usual = ticks(1, 2, 5)
    if len(usual) < _FEWEST_TICKS:
        return ticks(1, 2, 3, 5, 7)
    return usual if len(usual) <= _MOST_TICKS else ticks(1)


def _with_others(low: float, high: float, others: Iterable[float]) -> tuple[float, float]:
    """Extends what is of interest to those others that squeeze it on neither scale."""
    span = (high - low) or _LEAST_SPAN * high
    lowest, highest = low - _REACH * span, high + _REACH * span
    if low > 0:
        ratio = (1 + span / low) ** _REACH
        lowest = low / ratio
        highest = high * ratio if _needs_logarithm(low, high) else highest
    shown = [low, high, *(other for other in others if lowest <= other <= highest)]
    return min(shown), max(shown)


def _needs_logarithm(low: float, high: float) -> bool:
    return low > 0 and high > LOGARITHMIC_RATIO * low
