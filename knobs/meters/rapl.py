"""Energy counted by the processor itself (RAPL), as the kernel's powercap class shows it.

Source: the kernel's Documentation/power/powercap/powercap.rst and drivers/powercap/intel_rapl_common.c, which serves
Intel and AMD. The zones lie inside of each other: ``core`` and ``uncore`` are parts of a ``package-…``, ``dram`` is
listed below a package but counts apart from it, ``psys`` counts the whole platform around all of them. Every zone
wraps at a count of its own. ``intel-rapl-mmio`` shows the packages a second time and is never added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from knobs.attributes import optional_text, whole_number
from knobs.contract import Absence, DeviceError, Scope
from knobs.device_tree import find_device_tree
from knobs.found import Found
from knobs.meters.counter import WrappingCounter
from knobs.meters.sampling import CounterSource, SampledMeter, Sampler, SourceFacts
from knobs.sysfs import ForbiddenError, KernelFiles
from knobs.units import MICROJOULES_PER_JOULE

METER_ID = "cpu.package.rapl"
MEMORY_METER_ID = "cpu.package_and_dram.rapl"
PLATFORM_METER_ID = "board.psys.rapl"

_POWERCAP = "/sys/class/powercap"
_ZONE = re.compile(r"intel-rapl:\d+(:\d+)?")
_UPDATE_PERIOD_S = 0.001
_RESOLUTION_J = 61e-6
_HIGHEST_POWER_W = 1000.0
"""No zone draws more; so often is a counter read that it wraps at most once in between."""


@dataclass(frozen=True)
class _Zone:
    """One counter of microjoules."""

    folder: str
    name: str

    @property
    def is_package(self) -> bool:
        return self.name.startswith("package-")


class ZoneCounters:
    """The sum of several zones, their wraps undone one by one."""

    def __init__(self, files: KernelFiles, folders: tuple[str, ...]) -> None:
        """Reads where the zones wrap.

        Args:
            files: The kernel's files.
            folders: The zones' folders.

        Raises:
            DeviceError: A zone does not say at which count it wraps.
        """
        self._files = files
        ranges_uj = {folder: whole_number(files, f"{folder}/max_energy_range_uj") for folder in folders}
        self._counters = {f"{folder}/energy_uj": WrappingCounter(range_) for folder, range_ in ranges_uj.items()}
        self.longest_interval_s = min(ranges_uj.values()) / MICROJOULES_PER_JOULE / _HIGHEST_POWER_W / 2.0

    def read_j(self) -> float:
        """Returns the joules counted by all zones.

        Raises:
            NoValueError: A package is offline: a sum without it would be wrong.
            DeviceError: A zone is gone.
        """
        counted_uj = sum(counter.total(whole_number(self._files, path)) for path, counter in self._counters.items())
        return counted_uj / MICROJOULES_PER_JOULE


def find_rapl(files: KernelFiles, sampler: Sampler) -> Found:
    """Returns the meters of this machine's processors, the widest scope first, or why there are none.

    Args:
        files: The kernel's files.
        sampler: Reads the counters before they wrap.
    """
    zones = _zones(files)
    packages = [zone for zone in zones if zone.is_package]
    memories = [zone for zone in zones if zone.name == "dram"]
    platforms = [zone for zone in zones if zone.name == "psys"]
    if not packages:
        return Found(absent=tuple(_why_none(files)))
    count = f"{len(packages)} CPU package{'s' if len(packages) > 1 else ''}"
    found = [_found(files, sampler, METER_ID, Scope.CPU, packages, f"Sum of {count}, all that runs on them included.")]
    if memories:
        note = f"Sum of {count} and their memory, all that runs on them included."
        found.insert(0, _found(files, sampler, MEMORY_METER_ID, Scope.SOC, packages + memories, note))
    if platforms:
        note = (
            "The platform as the maker of the machine has wired it up; how much of the board that is, only they know."
        )
        found.insert(0, _found(files, sampler, PLATFORM_METER_ID, Scope.BOARD, platforms, note))
    return Found.of(found)


def _found(
    files: KernelFiles, sampler: Sampler, meter_id: str, scope: Scope, zones: list[_Zone], note: str
) -> SampledMeter | Absence:
    try:
        counters = ZoneCounters(files, tuple(zone.folder for zone in zones))
        count_j = counters.read_j()
    except ForbiddenError as error:
        return Absence(
            meter_id,
            f"its counter cannot be read, since CVE-2020-8694 only root may: {error}",
            "start the keeper as root, or grant its group read access to energy_uj with a udev rule",
        )
    except (DeviceError, ValueError) as error:
        return Absence(meter_id, f"its counter does not answer: {error}", "bring all CPU packages online")
    if count_j == 0.0:
        return Absence(meter_id, "the energy counter stands at zero, as hypervisors show it", "measure on bare metal")
    facts = SourceFacts(
        id=meter_id,
        scope=scope,
        device="cpu",
        update_period_s=_UPDATE_PERIOD_S,
        resolution=_RESOLUTION_J * len(zones),
        longest_interval_s=counters.longest_interval_s,
        note=note,
    )
    return SampledMeter(CounterSource(facts, counters.read_j), sampler)


def _why_none(files: KernelFiles) -> Iterator[Absence]:
    """Why there is no meter; nobody misses it on an Arm board such as a Jetson, whose processor never counts."""
    if find_device_tree(files):
        return
    if files.exists(_POWERCAP):
        yield Absence(METER_ID, "the processor shows no package energy counter", "load the module intel_rapl_msr")
    else:
        reason = "the kernel shows no power capping zones; virtual machines have none"
        yield Absence(METER_ID, reason, "on bare metal, load the module intel_rapl_msr")


def _zones(files: KernelFiles) -> list[_Zone]:
    """Returns all zones that can be named; one that vanishes meanwhile is left out."""
    present = files.listdir(_POWERCAP) if files.exists(_POWERCAP) else []
    folders = [f"{_POWERCAP}/{name}" for name in present if _ZONE.fullmatch(name)]
    names = {folder: optional_text(files, f"{folder}/name") for folder in folders}
    return [_Zone(folder, name) for folder, name in names.items() if name]
