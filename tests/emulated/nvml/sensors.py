"""What the sensors of an emulated GPU show of its true state: late, in steps, and sometimes wrong."""

from __future__ import annotations

import math
from enum import Enum

from tests.emulated.nvml.device import NvidiaDevice
from tests.emulated.nvml.profile import GpuProfile

BEFORE_SWITCH_ON_MJ = 123_456_789
"""What the energy counter shows at the start: the driver was loaded long ago."""

UTILIZATION_WINDOW_S = 1.0 / 6.0
AVERAGE_WINDOW_S = 1.0
MEMORY_SHARE_OF_UTILIZATION = 0.5
"""Share of the busy time in which memory is accessed. ASSUMED."""


class CounterFault(Enum):
    """What is wrong with the energy counter."""

    NONE = "none"
    FROZEN = "frozen"
    ZERO = "zero"


class Sensors:
    """The sensors of one GPU."""

    def __init__(self, profile: GpuProfile, device: NvidiaDevice) -> None:
        self._profile = profile
        self._device = device
        self._offset_mj = BEFORE_SWITCH_ON_MJ
        self._fault = CounterFault.NONE
        self._frozen_mj = 0

    def energy_mj(self) -> int:
        """Returns what the energy counter shows: what it was when it moved last."""
        if self._fault is CounterFault.ZERO:
            return 0
        if self._fault is CounterFault.FROZEN:
            return self._frozen_mj
        moved_s = _last_edge_s(self._device.now().time_s, self._profile.sensor.energy_period_s)
        return self._offset_mj + int(self._device.at(moved_s).energy_j * 1e3)

    def module_energy_mj(self) -> int:
        """Returns the energy of GPU and module."""
        return self.energy_mj() + int(self._profile.module_extra_w * self._device.now().time_s * 1e3)

    def usage_w(self) -> float:
        """Returns what ``nvmlDeviceGetPowerUsage`` shows."""
        return self.average_w() if self._profile.sensor.usage_averaged else self.instant_w()

    def average_w(self) -> float:
        """Returns the mean power of the last second, renewed once a period."""
        end_s = _last_edge_s(self._device.now().time_s, self._profile.sensor.period_s)
        return self._device.mean_power_w(max(0.0, end_s - AVERAGE_WINDOW_S), end_s)

    def instant_w(self) -> float:
        """Returns the last measurement: the mean of what the sensor saw of a period."""
        sensor = self._profile.sensor
        start_s = _last_edge_s(self._device.now().time_s - sensor.seen_s, sensor.period_s)
        return self._device.mean_power_w(start_s, start_s + sensor.seen_s)

    def utilization_percent(self) -> tuple[int, int]:
        """Returns the busy share of GPU and memory over the last sixth of a second."""
        now = self._device.now()
        before = self._device.at(now.time_s - UTILIZATION_WINDOW_S)
        elapsed_s = now.time_s - before.time_s
        share = (now.busy_s - before.busy_s) / elapsed_s if elapsed_s > 0.0 else 0.0
        return round(100 * share), round(100 * share * MEMORY_SHARE_OF_UTILIZATION)

    def temperature_c(self) -> int:
        """Returns the temperature of the chip, in whole degrees."""
        return round(self._device.observe().temperature_c)

    def break_counter(self, fault: CounterFault) -> None:
        """Breaks the energy counter, or mends it."""
        self._frozen_mj = self.energy_mj()
        self._fault = fault

    def step_counter_back(self) -> None:
        """Lets the counter start again near 0, as a reload of the driver does."""
        self._offset_mj -= self.energy_mj()


def _last_edge_s(time_s: float, period_s: float) -> float:
    return math.floor(time_s / period_s) * period_s
