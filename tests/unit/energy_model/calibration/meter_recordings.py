"""Recordings of a machine whose true coefficients are known, as meters with faults of their own would show it."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from tuner.energy_model.calibration.series import EnergySeries

FACTOR, BASE_W = 1.06, 97.0


@dataclass
class Machine:
    """A GPU that rests and works by turns, in a machine that draws ``FACTOR`` times that, and ``BASE_W``.

    Attributes:
        duration_s: How long it is looked at.
        factor: Watts at the wall for each of the GPU's.
        base_w: Watts at the wall beside.
        idle_w: The GPU's power at rest.
        busy_w: Its powers at work are drawn between these.
        wander_w: Something else draws this much on average, changing slowly (a fan).
        seed: Of every random choice.
    """

    duration_s: float = 120.0
    factor: float = FACTOR
    base_w: float = BASE_W
    idle_w: float = 20.0
    busy_w: tuple[float, float] = (60.0, 250.0)
    wander_w: float = 0.0
    seed: int = 0
    _edges_s: list[float] = field(init=False)
    _counts_j: list[float] = field(init=False)
    _powers_w: list[float] = field(init=False)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self._edges_s, self._powers_w = [-20.0], []
        while self._edges_s[-1] < self.duration_s + 20.0:
            works = len(self._powers_w) % 2
            self._powers_w.append(chance.uniform(*self.busy_w) if works else self.idle_w * chance.uniform(0.9, 1.1))
            self._edges_s.append(self._edges_s[-1] + chance.uniform(2.0, 9.0))
        spans_s = [after - before for before, after in pairwise(self._edges_s)]
        steps_j = (power_w * span_s for power_w, span_s in zip(self._powers_w, spans_s, strict=True))
        self._counts_j = list(accumulate(steps_j, initial=0.0))

    def device_j(self, time_s: float) -> float:
        index = max(0, bisect_right(self._edges_s, time_s) - 1)
        return self._counts_j[index] + self._powers_w[index] * (time_s - self._edges_s[index])

    def reference_j(self, time_s: float) -> float:
        fan_j = self.wander_w * (time_s + 60.0 * (1.0 - math.cos(time_s / 60.0)))
        return self.factor * self.device_j(time_s) + self.base_w * time_s + fan_j


@dataclass(frozen=True)
class Faults:
    """What a meter does wrong.

    Attributes:
        period_s: It shows a new value this often.
        jitter: Share of the period by which updates are early or late.
        lag_s: It shows what was so long ago.
        noise: Standard deviation of its values' errors, relative; independent.
        quantum: Its values are multiples of this, in watts or joules.
        spikes: Share of its values that are wrong by a factor of ten.
    """

    period_s: float = 0.1
    jitter: float = 0.0
    lag_s: float = 0.0
    noise: float = 0.0
    quantum: float = 0.0
    spikes: float = 0.0


def power_readings(truth_j, duration_s: float, faults: Faults, seed: int) -> tuple[list[float], list[float]]:  # type: ignore[no-untyped-def]
    """A plug or sensor: each value is the mean power since the one before, late by the lag."""
    chance = random.Random(seed)
    times_s = _updates_s(duration_s, faults, chance)
    powers_w = []
    for before_s, now_s in pairwise([times_s[0] - faults.period_s, *times_s]):
        power_w = (truth_j(now_s - faults.lag_s) - truth_j(before_s - faults.lag_s)) / (now_s - before_s)
        power_w *= 1.0 + chance.gauss(0.0, faults.noise)
        power_w *= 10.0 if chance.random() < faults.spikes else 1.0
        powers_w.append(_quantised(max(0.0, power_w), faults.quantum))
    return times_s, powers_w


def counter_readings(truth_j, duration_s: float, faults: Faults, seed: int) -> tuple[list[float], list[float]]:  # type: ignore[no-untyped-def]
    """A counter: each value is what had been drawn until then, late by the lag."""
    times_s = _updates_s(duration_s, faults, random.Random(seed))
    return times_s, [_quantised(truth_j(time_s - faults.lag_s), faults.quantum) for time_s in times_s]


def recorded(
    machine: Machine, device: Faults = Faults(), reference: Faults = Faults(1.0)
) -> tuple[EnergySeries, EnergySeries]:
    """The GPU's counter and the plug at the wall."""
    counter = counter_readings(machine.device_j, machine.duration_s, device, machine.seed + 1)
    plug = power_readings(machine.reference_j, machine.duration_s, reference, machine.seed + 2)
    return EnergySeries.of_counter("gpu.energy", *counter), EnergySeries.of_power("wall.plug", *plug)


def _updates_s(duration_s: float, faults: Faults, chance: random.Random) -> list[float]:
    count = int(duration_s / faults.period_s)
    return [(number + faults.jitter * chance.uniform(-0.4, 0.4)) * faults.period_s for number in range(count)]


def _quantised(value: float, quantum: float) -> float:
    return round(value / quantum) * quantum if quantum else value
