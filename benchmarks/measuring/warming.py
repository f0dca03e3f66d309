"""Warming up: how many slices it takes, and how much is still to change when it is called over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.hardware.figures import PERCENT, Figure, Section
from tuner.measuring.confidence import Steadiness

_WITHIN = 0.1
_SLICE_S = 0.4
_MOST_SLICES = 15
_HORIZON_SLICES = 30
_RESTS = (0.15, 0.3, 0.5)
_TIME_CONSTANTS_S = (2.0, 5.0, 10.0, 20.0, 60.0)


@dataclass(frozen=True)
class Approach:
    """Power that approaches its end from below.

    Attributes:
        rest: What is missing at the start, relative to the end.
        time_constant_s: How slowly.
    """

    rest: float
    time_constant_s: float

    def power_w(self, time_s: float) -> float:
        """Returns the power at an instant, 1 W in the end."""
        return 1.0 - self.rest * math.exp(-time_s / self.time_constant_s)


def warming_section(trials: int, seed: int) -> Section:
    """Says what became of clean, of noisy and of slowly warming loads.

    Args:
        trials: Warm-ups of each kind.
        seed: Of the random numbers.
    """
    generator = np.random.default_rng(seed)
    notes = []
    for noise in (0.001, 0.003, 0.01, 0.02):
        ends = [_warm_up(Approach(0.0, 1.0), noise, generator) for _ in range(trials)]
        notes.append(f"level, noise {noise:.1%} a slice: {_slices(ends)}")
    approaches = [Approach(rest, time_constant_s) for rest in _RESTS for time_constant_s in _TIME_CONSTANTS_S]
    # Where less than is allowed is to come from the start, nobody can be fooled.
    hard = [approach for approach in approaches if _to_come(approach, 0) > _WITHIN]
    return Section("Warming up", tuple(_fooled(approach, trials, generator) for approach in hard), tuple(notes))


def _fooled(approach: Approach, trials: int, generator: np.random.Generator) -> Figure:
    ends = [_warm_up(approach, 0.01, generator) for _ in range(trials)]
    left = sorted(_to_come(approach, end) for end in ends if end is not None)
    usual = f"{left[len(left) // 2]:.0%} to come in the median, {left[-1]:.0%} at most" if left else ""
    return Figure(
        f"{approach.rest:.0%} missing, {approach.time_constant_s:g} s",
        sum(each > _WITHIN for each in left) / trials,
        f"called steady with more than {_WITHIN:.0%} to come within {_HORIZON_SLICES} slices; {_slices(ends)}; {usual}",
        0.05,
        PERCENT,
    )


def _warm_up(approach: Approach, noise: float, generator: np.random.Generator) -> int | None:
    """Returns after how many slices load is called steady; None if it is not in time."""
    steadiness = Steadiness(_WITHIN, _HORIZON_SLICES)
    scatter = np.exp(noise * generator.standard_normal((_MOST_SLICES, 2))).tolist()
    for slices, (latency_s, factor) in enumerate(scatter, 1):
        steadiness.add(latency_s, factor * approach.power_w((slices - 0.5) * _SLICE_S))
        if steadiness.is_steady:
            return slices
    return None


def _to_come(approach: Approach, slices: int) -> float:
    now_w = approach.power_w(slices * _SLICE_S)
    return approach.power_w((slices + _HORIZON_SLICES) * _SLICE_S) / now_w - 1.0


def _slices(ends: list[int | None]) -> str:
    in_time = [end for end in ends if end is not None]
    if not in_time:
        return f"never steady within {_MOST_SLICES} slices"
    return f"{median(in_time):g} slices in the median, not within {_MOST_SLICES} in {1 - len(in_time) / len(ends):.0%}"
