"""Power over time with an exact integral: what a meter is checked against."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass


class Profile(ABC):
    """Power over time."""

    @abstractmethod
    def power_w(self, time_s: float) -> float: ...

    @abstractmethod
    def energy_j(self, time_s: float) -> float:
        """The integral of the power from zero on."""


@dataclass(frozen=True)
class Constant(Profile):
    level_w: float

    def power_w(self, time_s: float) -> float:
        return self.level_w

    def energy_j(self, time_s: float) -> float:
        return self.level_w * time_s


@dataclass(frozen=True)
class Ramp(Profile):
    start_w: float
    slope_w_per_s: float

    def power_w(self, time_s: float) -> float:
        return self.start_w + self.slope_w_per_s * time_s

    def energy_j(self, time_s: float) -> float:
        return (self.start_w + self.slope_w_per_s * time_s / 2.0) * time_s


@dataclass(frozen=True)
class Sine(Profile):
    mean_w: float
    amplitude_w: float
    period_s: float
    phase: float = 0.0

    def power_w(self, time_s: float) -> float:
        return self.mean_w + self.amplitude_w * math.sin(self._angle(time_s))

    def energy_j(self, time_s: float) -> float:
        swing_j = self.amplitude_w * self.period_s / (2.0 * math.pi)
        return self.mean_w * time_s + swing_j * (math.cos(self._angle(0.0)) - math.cos(self._angle(time_s)))

    def _angle(self, time_s: float) -> float:
        return 2.0 * math.pi * (time_s / self.period_s + self.phase)


@dataclass(frozen=True)
class Bursts(Profile):
    """A square wave: high for a share of every period, low for the rest."""

    low_w: float
    high_w: float
    period_s: float
    share: float = 0.5
    phase: float = 0.0

    def power_w(self, time_s: float) -> float:
        return self.high_w if (time_s / self.period_s + self.phase) % 1.0 < self.share else self.low_w

    def energy_j(self, time_s: float) -> float:
        return self._energy_from_the_first_period(time_s) - self._energy_from_the_first_period(0.0)

    def _energy_from_the_first_period(self, time_s: float) -> float:
        periods, rest = divmod(time_s / self.period_s + self.phase, 1.0)
        high_s = (periods * self.share + min(rest, self.share)) * self.period_s
        return self.low_w * time_s + (self.high_w - self.low_w) * high_s
