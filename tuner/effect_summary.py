"""What is to be made of a parameter's effect: whether it matters, and from which value on it gains nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tuner.configuration import Parameter, ParameterKind, Value
from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.trial import Interval

WORTH_KNOWING = 0.02
"""A parameter that certainly changes latency or energy by more than this matters."""

HARDLY = 0.05
"""One that certainly changes neither by more than this does not."""

_LEFT_OPEN = 0.2
"""A knee is told only where less than this may be left to be gained above it."""

_LEAST_ROOM = 1.25
"""A knee has at least this factor of values above it: just below the last choice, little is left in any case."""

_RESOURCES = frozenset(
    {
        ParameterKind.CLOCK,
        ParameterKind.CORES,
        ParameterKind.POWER_CAP,
        ParameterKind.QUOTA,
        ParameterKind.THREADS,
    }
)
"""What is given to the work, so that more of it makes the work quicker until it waits for something else."""


class Relevance(StrEnum):
    """Whether a parameter matters along its line."""

    MATTERS = "matters"
    DOES_NOT_MATTER = "does not matter"
    UNKNOWN = "unknown"
    """Its intervals are too wide to tell, or none but one of its values was measured."""


@dataclass(frozen=True)
class Knee:
    """From where on a parameter hardly makes the work quicker.

    Attributes:
        value: The choice.
        gain: The share of latency that is left to be gained above it.
        gain_interval: Its 95 % interval; below zero, latency rises again.
    """

    value: Value
    gain: float
    gain_interval: Interval


def relevance(effect: ParameterEffect) -> Relevance:
    """Returns whether a parameter matters."""
    intervals = [ratio.interval for ratio in (*effect.latency_ratios, *effect.energy_ratios)]
    if effect.tried < 2:
        return Relevance.UNKNOWN
    if any(one.low > 1 + WORTH_KNOWING or one.high < 1 - WORTH_KNOWING for one in intervals):
        return Relevance.MATTERS
    if all(one.low >= 1 - HARDLY and one.high <= 1 + HARDLY for one in intervals):
        return Relevance.DOES_NOT_MATTER
    return Relevance.UNKNOWN


def changes(ratios: Iterable[Ratio]) -> Interval:
    """Returns the interval that holds what all these ratios may be, as changes: -0.08 to 0.21."""
    intervals = [ratio.interval for ratio in ratios]
    return Interval(min(one.low for one in intervals) - 1, max(one.high for one in intervals) - 1)


def greatest_change(ratios: Iterable[Ratio]) -> float:
    """Returns the share by which a ratio may at most lie off one."""
    hull = changes(ratios)
    return max(-hull.low, hull.high)


def knee(effect: ParameterEffect, parameter: Parameter) -> Knee | None:
    """Returns from where on more of a resource hardly makes the work quicker: another phase is the bottleneck there.

    Args:
        effect: What the parameter does.
        parameter: The parameter; its choices ascend.

    Returns:
        None if it is no resource, gains nothing below either, gains up to its end, or if that is not known.
    """
    is_known_to_gain = relevance(effect) is Relevance.MATTERS and _gain(effect.latency_left[0]).low > WORTH_KNOWING
    if parameter.kind not in _RESOURCES or not is_known_to_gain:
        return None
    lefts = zip(effect.choices, effect.latency_left, strict=True)
    value, left = next((value, left) for value, left in lefts if left.median >= 1 - HARDLY)
    gain = _gain(left)
    if gain.high > _LEFT_OPEN or float(value) * _LEAST_ROOM > float(effect.choices[-1]):
        return None
    return Knee(value, 1 - left.median, gain)


def _gain(left: Ratio) -> Interval:
    return Interval(1 - left.interval.high, 1 - left.interval.low)
