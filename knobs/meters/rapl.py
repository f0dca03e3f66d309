"""Energy of the CPU packages, counted by the processor itself (RAPL) and shown by the kernel's powercap class.

Source: the kernel's Documentation/power/powercap/powercap.rst. Only zones named ``package-…`` at the
top level are added up: ``core`` and ``uncore`` lie inside a package, ``psys`` around it, and
``intel-rapl-mmio`` shows the packages a second time.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from knobs.contract import (
    Absence,
    DeviceError,
    Meter,
    MeterSpec,
    Provenance,
    Quantity,
    Reading,
    Scope,
)
from knobs.meters.counter import WrappingCounter
from knobs.sysfs import KernelFiles

METER_ID = "cpu.package.rapl"

_POWERCAP = "/sys/class/powercap"
_TOP_LEVEL_ZONE = re.compile(r"intel-rapl:\d+")
_MICROJOULES_PER_JOULE = 1e6


@dataclass(frozen=True)
class _Package:
    """One zone's counter of microjoules."""

    path: str
    counter: WrappingCounter


class RaplMeter(Meter):
    """The sum of all packages."""

    def __init__(self, files: KernelFiles, zones: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        """Prepares the meter.

        Args:
            files: The kernel's files.
            zones: The packages' folders.
            clock: The monotonic clock.

        Raises:
            DeviceError: A zone does not say at which count it wraps.
        """
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._packages = tuple(
            _Package(f"{zone}/energy_uj", WrappingCounter(int(files.read_text(f"{zone}/max_energy_range_uj"))))
            for zone in zones
        )
        self._spec = MeterSpec(
            id=METER_ID,
            quantity=Quantity.ENERGY_J,
            scope=Scope.CPU,
            provenance=Provenance.MEASURED,
            update_period_s=0.001,
            resolution=61e-6,
            device="cpu",
            note=f"Sum of {len(zones)} CPU package(s), everything that runs on them included.",
        )

    @property
    def spec(self) -> MeterSpec:
        """The meter as a record."""
        return self._spec

    def sample(self) -> Reading:
        """Returns the joules counted so far, wraps undone."""
        with self._lock:
            counted_uj = sum(
                package.counter.total(int(self._files.read_text(package.path))) for package in self._packages
            )
            return Reading(time_s=self._clock(), value=counted_uj / _MICROJOULES_PER_JOULE)


def find_rapl(files: KernelFiles, clock: Callable[[], float] = time.monotonic) -> RaplMeter | Absence:
    """Returns the meter of this machine's CPU packages, or why there is none."""
    if not files.exists(_POWERCAP):
        return Absence(
            METER_ID,
            "the kernel shows no power capping zones; virtual machines have none",
            "on bare metal, load the module intel_rapl_msr",
        )
    zones = tuple(
        f"{_POWERCAP}/{name}"
        for name in files.listdir(_POWERCAP)
        if _TOP_LEVEL_ZONE.fullmatch(name) and files.read_text(f"{_POWERCAP}/{name}/name").startswith("package-")
    )
    if not zones:
        return Absence(METER_ID, "the processor shows no package energy counter", "load the module intel_rapl_msr")
    try:
        counts = [int(files.read_text(f"{zone}/energy_uj")) for zone in zones]
    except DeviceError as error:
        return Absence(
            METER_ID,
            f"its counter cannot be read, since CVE-2020-8694 only root may: {error}",
            "start the keeper as root, or grant its group read access to energy_uj with a udev rule",
        )
    if not any(counts):
        return Absence(METER_ID, "the energy counter stands at zero, as hypervisors show it", "measure on bare metal")
    return RaplMeter(files, zones, clock)
