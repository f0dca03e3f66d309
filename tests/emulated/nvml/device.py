"""An NVIDIA GPU's silicon: the device on the real clock, with a past for the sensors and clocks that park when idle.

What sensors need is the past: a counter that steps every 100 ms shows the energy at the last step, a mean is over the
last second. Every stretch of constant power is remembered, so that both are exact whenever somebody looks.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from simulation.dynamics import is_throttled
from simulation.model import DeviceModel
from simulation.realtime import RealTimeDevice

IDLE_AFTER_S = 0.5
"""Work keeps the clocks at the highest that settings and limits allow, and for this long after it. ASSUMED."""

_REMEMBERED_S = 3.0
_MOMENT_S = 1e-6
_LONGEST_NAP_S = 0.01
"""Clocks change while a batch runs: whoever waits for it looks again."""


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
        super().__init__(model, seed, clock, lambda duration_s: sleep(min(duration_s, _LONGEST_NAP_S)))
        self._past = [Reading(0.0)]
        self._idle_since_s = -IDLE_AFTER_S
        self._parked_core_mhz = model.core_clocks_mhz[0]
        self._busy_memory_mhz = self._idle_memory_mhz = model.memory_clocks_mhz[-1]

    def set_core_range(self, low_mhz: float, high_mhz: float) -> None:
        """Bounds the core clock: with work it is as high as may be, without it sinks to the lower bound."""
        with self._present():
            self._parked_core_mhz = low_mhz
            super().set_core_range(low_mhz, high_mhz)

    def set_memory_clocks(self, busy_mhz: float, idle_mhz: float) -> None:
        """Sets the memory clock with work, and without."""
        with self._present():
            self._busy_memory_mhz, self._idle_memory_mhz = busy_mhz, idle_mhz

    def now(self) -> Reading:
        """Returns what has accumulated until now."""
        with self._present():
            return self._past[-1]

    def is_idle(self) -> bool:
        """Tells whether the clocks are parked."""
        with self._present():
            return self._is_parked()

    def at(self, time_s: float) -> Reading:
        """Returns what had accumulated at an instant of the last seconds; what is older counts as the oldest."""
        with self._present():
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

    def _is_parked(self) -> bool:
        return self._work is None and self._state.time_s > self._idle_since_s + IDLE_AFTER_S - _MOMENT_S

    def _step(self, at_most_s: float) -> None:
        """Lets one stretch of constant power pass, which ends at the latest when the clocks are parked."""
        before, state = self._past[-1], self._state
        busy = self._work is not None
        parked = self._is_parked()
        state.core_min_mhz = self._parked_core_mhz if parked else state.core_max_mhz
        state.memory_max_mhz = self._idle_memory_mhz if parked else self._busy_memory_mhz
        if not busy and not parked:
            at_most_s = min(at_most_s, self._idle_since_s + IDLE_AFTER_S - state.time_s)
        super()._step(at_most_s)
        passed_s = state.time_s - before.time_s
        hot = self._is_hot()
        capped = is_throttled(self._model, state) and not hot
        if busy:
            self._idle_since_s = state.time_s
        self._remember(
            Reading(
                time_s=state.time_s,
                energy_j=state.board_j,
                busy_s=before.busy_s + busy * passed_s,
                power_capped_s=before.power_capped_s + capped * passed_s,
                heat_capped_s=before.heat_capped_s + hot * passed_s,
            )
        )

    def _remember(self, reading: Reading) -> None:
        self._past.append(reading)
        if self._past[len(self._past) // 2].time_s < reading.time_s - _REMEMBERED_S:
            del self._past[: len(self._past) // 2]


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
