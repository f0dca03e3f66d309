"""One GPU's knobs, or why it lacks one. Its clock locks are made once, whatever knobs come to share them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from knobs.contract import Absence, Knob, Value
from knobs.drivers.nvidia.application_clocks import ApplicationClockKnob
from knobs.drivers.nvidia.clock_lock import ClockLock
from knobs.drivers.nvidia.device import ClockDomain
from knobs.drivers.nvidia.errors import NvmlError
from knobs.drivers.nvidia.gpu import Gpu
from knobs.drivers.nvidia.locked_clocks import LockedClockKnob, core_max_spec, core_min_spec, memory_max_spec
from knobs.drivers.nvidia.names import CORE_MAX, CORE_MIN, MEMORY_MAX, POWER_LIMIT
from knobs.drivers.nvidia.power_limit import PowerLimitKnob

_USE_THE_POWER_LIMIT = "use the power limit where it is offered"


class GpuParts:
    """The knobs of one GPU."""

    def __init__(self, gpu: Gpu) -> None:
        """Makes its locks; writes nothing."""
        self.gpu = gpu
        device, make = gpu.device, gpu.make
        self._core_lock = (
            ClockLock(make.core_clocks_mhz, device.lock_core_mhz, device.unlock_core)
            if gpu.has_core_locks and len(make.core_clocks_mhz) > 1
            else None
        )
        self._memory_lock = (
            ClockLock(make.memory_clocks_mhz, device.lock_memory_mhz, device.unlock_memory)
            if gpu.has_memory_locks and len(make.full_memory_clocks_mhz) > 1
            else None
        )

    def knob(
        self, kind: str, set_name: str, restore_to: Mapping[str, Value], limits_in_force_mw: Iterable[int] = ()
    ) -> Knob | Absence:
        """Returns one of :data:`~knobs.drivers.nvidia.names.KNOBS`, or why this GPU lacks it.

        Args:
            kind: Which one.
            set_name: The device set that the GPU is in: ``gpu``.
            restore_to: What the operator declares for knobs without a getter, by knob id.
            limits_in_force_mw: Power limits that are or were in force in the set, which are offered too.

        Raises:
            RefusedError: The device does not list what the operator declares.
        """
        declared = restore_to.get(f"{set_name}.{kind}")
        if kind == CORE_MAX:
            return self._core_max(set_name, declared)
        if kind == CORE_MIN:
            return self._core_min(set_name, declared)
        if kind == MEMORY_MAX:
            return self._memory_max(set_name, declared)
        return self._power_limit(set_name, limits_in_force_mw)

    def _core_max(self, set_name: str, declared: Value | None) -> Knob | Absence:
        clocks = self.gpu.make.core_clocks_mhz
        if self._core_lock is not None:
            is_knob = self._memory_lock is not None
            spec = core_max_spec(set_name, clocks, memory_is_a_knob=is_knob, note=self._note())
            return LockedClockKnob(spec, self._core_lock, "high", declared)
        knob_id = f"{set_name}.{CORE_MAX}"
        if len(clocks) < 2:
            return Absence(
                knob_id, f"the driver lists no choice of core clocks for {self._named()}", _USE_THE_POWER_LIMIT
            )
        try:
            self.gpu.device.application_clock_mhz(ClockDomain.GRAPHICS)
        except NvmlError as error:
            reason = f"locked clocks need Volta or newer, and application clocks are not to be had: {error.reason}"
            return Absence(knob_id, reason, _USE_THE_POWER_LIMIT)
        return ApplicationClockKnob(set_name, self.gpu.device, self.gpu.make.memory_clocks_mhz[-1], clocks)

    def _core_min(self, set_name: str, declared: Value | None) -> Knob | Absence:
        if self._core_lock is None:
            reason = f"{self._named()} cannot lock its core clock"
            return Absence(f"{set_name}.{CORE_MIN}", reason, "none is needed: the core rests when idle")
        spec = core_min_spec(set_name, self.gpu.make.core_clocks_mhz, self._note())
        return LockedClockKnob(spec, self._core_lock, "low", declared)

    def _memory_max(self, set_name: str, declared: Value | None) -> Knob | Absence:
        knob_id = f"{set_name}.{MEMORY_MAX}"
        clocks = self.gpu.make.full_memory_clocks_mhz
        if len(clocks) < 2:
            reason = f"{self._named()} has one memory clock only at which its core can run at full speed"
            return Absence(knob_id, reason, "none: use the core clock")
        if self._memory_lock is None:
            reason = (
                f"{self._named()} cannot lock its memory clock: that needs Ampere or newer and a driver from R455 on"
            )
            return Absence(knob_id, reason, "none on older GPUs; update an older driver")
        spec = memory_max_spec(set_name, clocks, self._note())
        return LockedClockKnob(spec, self._memory_lock, "high", declared)

    def _power_limit(self, set_name: str, in_force_mw: Iterable[int]) -> Knob | Absence:
        if self.gpu.make.power is None:
            reason = f"the driver does not let the power limit of {self._named()} be set, as is usual in laptops"
            return Absence(f"{set_name}.{POWER_LIMIT}", reason, "none: use the core clock where it is offered")
        return PowerLimitKnob(set_name, self.gpu.device, self.gpu.make.power, in_force_mw, self._note())

    def _named(self) -> str:
        return f"the {self.gpu.make.name}"

    def _note(self) -> str:
        notes = []
        if self.gpu.mig:
            notes.append("It holds for the whole GPU, all its MIG instances included.")
        if self.gpu.persistent is False:
            notes.append("Persistence mode is off: the driver forgets it when the last process lets go of the GPU.")
        return " ".join(notes)
