"""What this machine offers: its knobs and meters, and for each one that is absent the reason and the fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from knobs.attributes import optional_text
from knobs.contract import (
    Absence,
    Captured,
    DeviceError,
    InventoryRecord,
    Knob,
    Meter,
    Monitor,
)
from knobs.device_tree import find_device_tree
from knobs.drivers.cpufreq.find import find_cpu
from knobs.drivers.nvidia.find import find_nvidia
from knobs.drivers.process import ProcessDriver
from knobs.found import Found, Reopen, Wishes, merged
from knobs.meters.battery import find_battery
from knobs.meters.calibrated import find_calibrated
from knobs.meters.hwmon import find_hwmon
from knobs.meters.rapl import find_rapl
from knobs.meters.sampling import Sampler
from knobs.meters.self_check import self_checked
from knobs.sysfs import KernelFiles
from knobs.workload import Originals, WorkloadDriver, WorkloadParts


class Inventory:
    """The knobs and meters of a machine, and of at most one workload process at a time.

    Its mappings are replaced, never changed, so that other threads may go through them meanwhile.

    Attributes:
        knobs: Every knob, by id, those of the attached workload included.
        meters: Every meter, by id, those of the attached workload included.
        monitors: What watches the machine's devices, and the attached workload.
    """

    def __init__(
        self,
        knobs: Iterable[Knob],
        meters: Iterable[Meter],
        absent: Iterable[Absence] = (),
        workload_drivers: Iterable[WorkloadDriver] = (),
        monitors: Iterable[Monitor] = (),
        reopen: Reopen | None = None,
    ) -> None:
        """Keeps the machine's own knobs and meters, and the drivers that know how to find a workload's."""
        self.knobs: dict[str, Knob] = {knob.spec.id: knob for knob in knobs}
        self.meters: dict[str, Meter] = {meter.spec.id: meter for meter in meters}
        self.monitors: tuple[Monitor, ...] = tuple(monitors)
        self._reopen = reopen
        self._absent = tuple(absent)
        self._drivers = tuple(workload_drivers)
        self._attached: tuple[WorkloadParts, ...] = ()

    def record(self) -> InventoryRecord:
        """Returns the inventory as a record."""
        found = self.knobs.keys() | self.meters.keys()
        absent = (*self._absent, *(absence for parts in self._attached for absence in parts.absent))
        return InventoryRecord(
            knobs=tuple(knob.spec for knob in self.knobs.values()),
            meters=tuple(meter.spec for meter in self.meters.values()),
            absent=tuple(absence for absence in absent if absence.id not in found),
            monitored=tuple(dict.fromkeys(monitor.device for monitor in self.monitors)),
        )

    def attach(self, pid: int, originals: Originals | None = None, attendants: Iterable[int] = ()) -> None:
        """Adds the knobs, meters and monitors of a workload process, in place of an earlier one's.

        Args:
            pid: The workload's process id.
            originals: What the journal holds, so that a process changed already keeps its true originals.
            attendants: Processes that take part in measuring it, the keeper's own for one.

        Raises:
            DeviceError: There is no such process; what was attached before stays attached.
        """
        attached = tuple(driver.open(pid, originals or {}, frozenset(attendants)) for driver in self._drivers)
        self.detach()
        self._attached = attached
        self.knobs = {**self.knobs, **{knob.spec.id: knob for parts in attached for knob in parts.knobs}}
        self.meters = {**self.meters, **{meter.spec.id: meter for parts in attached for meter in parts.meters}}
        self.monitors = (*self.monitors, *(monitor for parts in attached for monitor in parts.monitors))

    def detach(self) -> None:
        """Takes what belongs to the attached workload out again; none attached is fine."""
        gone = {knob.spec.id for parts in self._attached for knob in parts.knobs}
        gone |= {meter.spec.id for parts in self._attached for meter in parts.meters}
        watching = {id(monitor) for parts in self._attached for monitor in parts.monitors}
        self._attached = ()
        self.monitors = tuple(monitor for monitor in self.monitors if id(monitor) not in watching)
        self.knobs = {knob_id: knob for knob_id, knob in self.knobs.items() if knob_id not in gone}
        self.meters = {meter_id: meter for meter_id, meter in self.meters.items() if meter_id not in gone}

    def process_of(self, knob_id: str) -> str:
        """Returns the process to which a knob belongs; empty if it is the machine's own."""
        for parts in self._attached:
            if any(knob.spec.id == knob_id for knob in parts.knobs):
                return parts.process
        return ""

    def reopen(self, knob_id: str, captured: Captured) -> Knob:
        """Finds or rebuilds the knob that a journal entry belongs to, possibly written by an earlier keeper.

        Raises:
            DeviceError: Nothing here knows this knob.
        """
        for driver in self._drivers:
            knob = driver.reopen(knob_id, captured)
            if knob is not None:
                return knob
        found = self._reopen(knob_id, captured) if self._reopen is not None else None
        if found is not None:
            return found
        if knob_id in self.knobs:
            return self.knobs[knob_id]
        raise DeviceError(
            f"The journal names the knob {knob_id}, which this machine does not offer now: "
            "bring its device or driver back, then run wattune restore."
        )


def discover(root: Path = Path("/"), wishes: Wishes | None = None, *, check_meters: bool = True) -> Inventory:
    """Returns the inventory of this machine; writes nothing.

    Args:
        root: The folder under which the kernel's files are looked up.
        wishes: What the operator says about the hardware; the defaults where None.
        check_meters: Whether to leave out meters that do not meter, which takes a quarter of a second to find out.

    Raises:
        RefusedError: The operator wishes for something that is not there.
        DeviceError: The kernel's own files cannot be read at all.
    """
    files = KernelFiles(root)
    wishes = wishes or Wishes()
    workload = ProcessDriver(files, wishes.coefficients)
    machine = merged(_machine_parts(files, wishes))
    meters, refused = self_checked(machine.meters) if check_meters else (machine.meters, ())
    calibrated = find_calibrated(meters, wishes.calibrations)
    return Inventory(
        knobs=machine.knobs,
        meters=(*meters, *calibrated.meters),
        absent=(*workload.absent(), *machine.absent, *refused, *calibrated.absent),
        workload_drivers=(workload,),
        monitors=machine.monitors,
        reopen=machine.reopen,
    )


def _machine_parts(files: KernelFiles, wishes: Wishes) -> Iterator[Found]:
    """Asks every driver whose hardware may be here. The others are not even loaded: a keeper is to stay small."""
    sampler = Sampler()
    graphics = _graphics_drivers(files)
    if wishes.plugs:
        from knobs.meters.plug import find_plugs

        yield find_plugs(wishes)
    yield find_nvidia(files, wishes, sampler)
    if find_device_tree(files):
        from knobs.drivers.jetson import find_jetson

        yield find_jetson(files, wishes, sampler)
    if "amdgpu" in graphics:
        from knobs.drivers.amdgpu import find_amdgpu

        yield find_amdgpu(files, wishes, sampler)
    if graphics & {"i915", "xe"}:
        from knobs.drivers.intel_gpu import find_intel_gpu

        yield find_intel_gpu(files, wishes, sampler)
    yield find_cpu(files, wishes)
    yield find_rapl(files, sampler)
    yield find_hwmon(files, wishes, sampler)
    yield find_battery(files, wishes, sampler)


def _graphics_drivers(files: KernelFiles) -> frozenset[str]:
    """Returns the names of the kernel drivers that serve the display adapters."""
    facts = (optional_text(files, path) for path in files.glob("/sys/class/drm/card*/device/uevent"))
    return frozenset(line.removeprefix("DRIVER=") for text in facts for line in text.splitlines())
