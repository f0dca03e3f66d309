"""What one NVIDIA GPU says about itself at one look, and has counted since the look before.

Source: the clock event reasons and the numbered fields in nvml.h. Reasons are what holds clocks down at this
instant; the counters behind some of them (nanoseconds since the driver was loaded) tell of what came and went
between two looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from knobs.drivers.nvidia.device import ClockDomain, Device, Field, GpuProcess, Reason
from knobs.drivers.nvidia.errors import told

_HEAT_OF_EITHER_KIND = Field(75)
_COUNTED_REASONS = {
    Field(74): Reason.SOFTWARE_POWER_CAP,
    _HEAT_OF_EITHER_KIND: Reason.SOFTWARE_THERMAL,
    Field(269): Reason.SOFTWARE_THERMAL,
    Field(270): Reason.HARDWARE_THERMAL,
    Field(271): Reason.HARDWARE_POWER_BRAKE,
}
_NO_REASON = Reason(0)


@dataclass(frozen=True)
class Look:
    """What one GPU said. What it does not tell is None, or missing.

    Attributes:
        core_mhz: Its core clock.
        memory_mhz: Its memory clock.
        reasons: What held its clocks down now or since the last look.
        temperature_c: The temperature of its die.
        utilization: Its busy share, 0 to 1.
        processes: What computes or draws on it.
    """

    core_mhz: float | None
    memory_mhz: float | None
    reasons: Reason
    temperature_c: float | None
    utilization: float | None
    processes: tuple[GpuProcess, ...]


class Watcher:
    """Looks at one GPU, and remembers its counters from one look to the next."""

    def __init__(self, device: Device) -> None:
        """Asks nothing yet."""
        self._device = device
        self._counted: Mapping[Field, float] = {}

    def look(self) -> Look:
        """Returns what the GPU says now.

        Raises:
            NvmlError: It is lost.
        """
        device = self._device
        now = told(device.clock_reasons, _NO_REASON)
        return Look(
            core_mhz=told(lambda: device.clock_mhz(ClockDomain.GRAPHICS), None),
            memory_mhz=told(lambda: device.clock_mhz(ClockDomain.MEMORY), None),
            reasons=self._reasons_since() | now,
            temperature_c=told(device.temperature_c, None),
            utilization=told(device.utilization, None),
            processes=told(device.processes, ()),
        )

    def _reasons_since(self) -> Reason:
        """The reasons whose counters have grown since the last look; none at the first."""
        before, self._counted = self._counted, told(lambda: self._device.fields(tuple(_COUNTED_REASONS)), {})
        reasons = _NO_REASON
        for field, count in self._counted.items():
            if count > before.get(field, count):
                reasons |= _COUNTED_REASONS[field]
        return reasons
