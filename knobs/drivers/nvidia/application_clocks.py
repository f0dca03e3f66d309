"""The core clock of data-centre GPUs before Volta: application clocks, set as exact pairs of memory and core clock.

Source: nvmlDeviceSetApplicationsClocks in nvml.h. GeForce GPUs do not support it, and drivers from R580 on answer
that it is deprecated; they no longer serve these GPUs either.
"""

from __future__ import annotations

from knobs.checks import captured_number, require_back, require_listed
from knobs.contract import (
    Captured,
    Delivery,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.nvidia.device import ClockDomain, Device
from knobs.drivers.nvidia.locked_clocks import SETTLE_S, core_tolerance
from knobs.drivers.nvidia.names import CORE_MAX

_MEMORY = "memory_mhz"
_CORE = "core_mhz"


class ApplicationClockKnob(DescribedKnob):
    """The core clock at which applications run, at the highest memory clock."""

    def __init__(self, set_name: str, gpu: Device, memory_mhz: int, core_clocks_mhz: tuple[int, ...]) -> None:
        """Prepares the knob; writes nothing.

        Args:
            set_name: The device set: ``gpu``.
            gpu: The GPU.
            memory_mhz: Its highest memory clock.
            core_clocks_mhz: The core clocks at that memory clock, ascending.
        """
        self._gpu = gpu
        self._memory_mhz = memory_mhz
        self._spec = KnobSpec(
            id=f"{set_name}.{CORE_MAX}",
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=core_clocks_mhz,
            restore_class=RestoreClass.EXACT,
            device=set_name,
            settle_s=SETTLE_S,
            tolerance=core_tolerance(core_clocks_mhz),
            delivery=Delivery.REACHED,
            note="Set by application clocks, because this GPU is too old for locked clocks.",
        )

    def read(self) -> Value:
        """Returns the core clock at which applications are to run."""
        return self._gpu.application_clock_mhz(ClockDomain.GRAPHICS)

    def write(self, value: Value) -> None:
        """Sets the core clock together with the highest memory clock: only pairs that are listed are taken."""
        require_listed(self._spec, value)
        self._gpu.set_application_clocks_mhz(self._memory_mhz, int(value))

    def capture(self) -> Captured:
        """Returns the pair in force."""
        return {_MEMORY: self._gpu.application_clock_mhz(ClockDomain.MEMORY), _CORE: self.read()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts the pair back, the default by a reset, and reads it back."""
        memory_mhz = captured_number(self._spec.id, captured, _MEMORY)
        core_mhz = captured_number(self._spec.id, captured, _CORE)
        if (memory_mhz, core_mhz) == self._default():
            self._gpu.reset_application_clocks()
        else:
            self._gpu.set_application_clocks_mhz(memory_mhz, core_mhz)
        require_back(self._spec, self._gpu.label, core_mhz, self.read())
        return RestoreOutcome.RESTORED

    def _default(self) -> tuple[int, int]:
        default = self._gpu.default_application_clock_mhz
        return default(ClockDomain.MEMORY), default(ClockDomain.GRAPHICS)
