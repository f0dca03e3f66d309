"""An NVIDIA GPU's silicon: the device on the real clock, with a past for the sensors and clocks that park when idle.

What sensors need is the past: a counter that steps every 100 ms shows the energy at the last step, a mean is over the
last second. Every stretch of constant power is remembered, so that both are exact whenever somebody looks.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from simulation.model import DeviceModel
from simulation.realtime import Orders, RealTimeDevice, Stretch

IDLE_AFTER_S = 0.5
"""Work keeps the clocks at the highest that settings and limits allow, and for this long after it. ASSUMED."""

_REMEMBERED_S = 3.0
_MOMENT_S = 1e-6


@dataclass(frozen=True)
class Reading:
    """What has accumulated since the device was switched on, at one instant."""

    time_s: float
    energy_j: float = 0.0
    busy_s: float = 0.0
    power_capped_s: float = 0.0
    heat_capped_s: float = 0.0


class NvidiaDevice(RealTimeDevice):
    """One GPU. Safe to use from several threads."""

    def __init__(
        self,
        model: DeviceModel,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Switches the GPU on: cold and idle.

        Args:
            model: Its constants.
            seed: Seed of the noise in latency.
            clock: The clock that it lives by, in seconds.
            sleep: Lets that clock go on.
        """
        self._past = [Reading(0.0)]
        self._idle_since_s = -IDLE_AFTER_S
        self._is_parked = True
        self._core_range_mhz = model.core_clocks_mhz[0], model.core_clocks_mhz[-1]
        self._busy_memory_mhz = self._idle_memory_mhz = model.memory_clocks_mhz[-1]
        super().__init__(model, seed, clock, sleep)

    def set_core_range(self, low_mhz: float, high_mhz: float) -> None:
        """Bounds the core clock: with work it is as high as may be, without it sinks to the lower bound."""
        with self.present():
            self._core_range_mhz = low_mhz, high_mhz
            super().set_core_range(low_mhz, high_mhz)

    def set_memory_clocks(self, busy_mhz: float, idle_mhz: float) -> None:
        """Sets the memory clock with work, and without."""
        with self.present():
            self._busy_memory_mhz, self._idle_memory_mhz = busy_mhz, idle_mhz
            self.set_memory(busy_mhz)

    def orders(self, time_s: float, busy: bool) -> Orders:
        """Returns the clocks for work, or those of a GPU that is parked because it had none for a while."""
        parks_at_s = self._idle_since_s + IDLE_AFTER_S
        low_mhz, high_mhz = self._core_range_mhz
        self._is_parked = not busy and time_s > parks_at_s - _MOMENT_S
        if self._is_parked:
            return Orders(low_mhz, self._idle_memory_mhz)
        return Orders(high_mhz, self._busy_memory_mhz, math.inf if busy else parks_at_s)

    def passed(self, stretch: Stretch) -> None:
        """Adds a stretch to the past."""
        if stretch.busy:
            self._idle_since_s = stretch.end_s
        before, passed_s = self._past[-1], stretch.end_s - stretch.start_s
        self._past.append(
            Reading(
                time_s=stretch.end_s,
                energy_j=stretch.energy_j,
                busy_s=before.busy_s + stretch.busy * passed_s,
                power_capped_s=before.power_capped_s + stretch.capped_by_power * passed_s,
                heat_capped_s=before.heat_capped_s + stretch.capped_by_heat * passed_s,
            )
        )
        if self._past[len(self._past) // 2].time_s < stretch.end_s - _REMEMBERED_S:
            del self._past[: len(self._past) // 2]

    def now(self) -> Reading:
        """Returns what has accumulated until now."""
        with self.present():
            return self._past[-1]

    def is_idle(self) -> bool:
        """Tells whether the clocks are parked."""
        with self.present():
            return self._is_parked

    def at(self, time_s: float) -> Reading:
        """Returns what had accumulated at an instant of the last seconds; what is older counts as the oldest."""
        with self.present():
            index = bisect_right(self._past, time_s, key=lambda reading: reading.time_s)
            if index == 0:
                return self._past[0]
            if index == len(self._past):
                return self._past[-1]
            return _between(self._past[index - 1], self._past[index], time_s)

    def mean_power_w(self, start_s: float, end_s: float) -> float:
        """Returns the mean power between two instants of the last seconds; power now if there is nothing between."""
        start, end = self.at(start_s), self.at(end_s)
        if end.time_s <= start.time_s:
            return self.observe().power_w
        return (end.energy_j - start.energy_j) / (end.time_s - start.time_s)


def _between(first: Reading, second: Reading, time_s: float) -> Reading:
    share = (time_s - first.time_s) / (second.time_s - first.time_s)

    def mixed(before: float, after: float) -> float:
        return before + share * (after - before)

    return Reading(
        time_s,
        mixed(first.energy_j, second.energy_j),
        mixed(first.busy_s, second.busy_s),
        mixed(first.power_capped_s, second.power_capped_s),
        mixed(first.heat_capped_s, second.heat_capped_s),
    )
