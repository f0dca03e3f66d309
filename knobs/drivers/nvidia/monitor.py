"""What the GPUs of a device set say about themselves while they work, as one device's conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from knobs.attributes import optional_text
from knobs.contract import Conditions, Monitor, Occupant
from knobs.drivers.nvidia.device import GpuProcess, Reason
from knobs.drivers.nvidia.look import Look, Watcher
from knobs.drivers.nvidia.names import CORE_MAX, MEMORY_MAX
from knobs.drivers.nvidia.selection import DeviceSet
from knobs.sysfs import KernelFiles

_OBSTACLES = {
    Reason.HARDWARE_SLOWDOWN: "slowed down by its hardware, for heat or supply",
    Reason.SOFTWARE_THERMAL: "slowed down by its driver, for heat",
    Reason.HARDWARE_THERMAL: "slowed down by its hardware, for heat",
    Reason.HARDWARE_POWER_BRAKE: "slowed down by the power brake of the machine's supply",
}
_REMARKS = {
    Reason.SOFTWARE_POWER_CAP: "held down by its power cap",
    Reason.SYNC_BOOST: "held at the clock of other GPUs by sync boost",
    Reason.DISPLAY_CLOCK: "held at a display's clock",
}
_WORKING_SHARE = 0.5
"""A GPU that is busier than this share of the busiest takes part in the work."""


class NvidiaMonitor(Monitor):
    """Watches the GPUs of one device set."""

    def __init__(self, files: KernelFiles, device_set: DeviceSet) -> None:
        """Asks nothing yet.

        Args:
            files: The kernel's files, which name processes.
            device_set: The GPUs.
        """
        self._files = files
        self._set = device_set
        self._watchers = {gpu.device.label: Watcher(gpu.device) for gpu in device_set.gpus}

    @property
    def device(self) -> str:
        """The device set."""
        return self._set.name

    def observe(self) -> Conditions:
        """Returns the conditions of all GPUs of the set together."""
        looks = {label: watcher.look() for label, watcher in self._watchers.items()}
        busy = [look.utilization for look in looks.values() if look.utilization is not None]
        return Conditions(
            delivered=self._delivered(looks.values()),
            obstacles=_clauses(looks, _OBSTACLES),
            remarks=(*self._standing_remarks(), *_clauses(looks, _REMARKS)),
            power_capped=any(look.reasons & Reason.SOFTWARE_POWER_CAP for look in looks.values()),
            temperatures_c=tuple(
                (label, look.temperature_c) for label, look in looks.items() if look.temperature_c is not None
            ),
            utilization=max(busy, default=None),
            occupants=self._occupants(process for look in looks.values() for process in look.processes),
        )

    def _delivered(self, looks: Iterable[Look]) -> tuple[tuple[str, float], ...]:
        """The slowest core and the fastest memory of the GPUs that work: what is promised of either, for all."""
        working = _working(tuple(looks))
        core_mhz = min((look.core_mhz for look in working if look.core_mhz is not None), default=None)
        memory_mhz = max((look.memory_mhz for look in working if look.memory_mhz is not None), default=None)
        clocks = ((CORE_MAX, core_mhz), (MEMORY_MAX, memory_mhz))
        return tuple((f"{self._set.name}.{kind}", clock) for kind, clock in clocks if clock is not None)

    def _standing_remarks(self) -> tuple[str, ...]:
        return tuple(
            f"{gpu.device.label}: cut into MIG instances, whose clocks, limits and energy are the whole GPU's"
            for gpu in self._set.gpus
            if gpu.mig
        )

    def _occupants(self, processes: Iterable[GpuProcess]) -> tuple[Occupant, ...]:
        """Every process once, with the memory that it holds on all GPUs of the set."""
        memory_by_pid: dict[int, int | None] = {}
        for process in processes:
            known = memory_by_pid.get(process.pid)
            told = [memory for memory in (known, process.memory_bytes) if memory is not None]
            memory_by_pid[process.pid] = sum(told) if told else None
        return tuple(
            Occupant(pid, self._set.name, optional_text(self._files, f"/proc/{pid}/comm"), memory)
            for pid, memory in memory_by_pid.items()
        )


def _working(looks: Sequence[Look]) -> Sequence[Look]:
    busiest = max((look.utilization for look in looks if look.utilization is not None), default=0.0)
    return [look for look in looks if look.utilization is None or look.utilization >= _WORKING_SHARE * busiest]


def _clauses(looks: Mapping[str, Look], wordings: Mapping[Reason, str]) -> tuple[str, ...]:
    return tuple(
        f"{label}: {wording}"
        for label, look in looks.items()
        for reason, wording in wordings.items()
        if look.reasons & reason
    )
