"""Energy counters and power limits of processors (Documentation/power/powercap): ``/sys/class/powercap``."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.parsing import boolean
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

POWERCAP_CLASS = "/sys/class/powercap"
USUAL_RANGE_UJ = 262_143_328_850

_POWERCAP_DEVICES = "/sys/devices/virtual/powercap"
_STEP_UJ = 1e6 / 2**14
"""The processor counts in steps of 2^-14 J (Intel SDM volume 3, MSR_RAPL_POWER_UNIT)."""


@dataclass
class Constraint:
    """A power limit over a time.

    Attributes:
        name: ``long_term``, ``short_term``, ``peak_power``.
        limit_uw: The limit.
        window_us: The time.
        most_uw: What the data sheet allows.
    """

    name: str
    limit_uw: int
    window_us: int
    most_uw: int


class Zone:
    """One counter, with the limits that go with it.

    Attributes:
        energy_j: Returns the energy since the machine was switched on.
        start_uj: Where the counter stood then: set it near the range to see it wrap.
        range_uj: Where it wraps.
        unreachable: Whether the counter cannot be read, as where the package is offline: the powercap core then
            answers EINVAL, whatever its driver said (powercap_sys.c, ``define_power_zone_show``).
        locked: Whether the firmware has locked the limits, so that writes change nothing.
        constraints: The limits.
    """

    def __init__(
        self,
        tree: Tree,
        generation: Generation,
        place: str,
        name: str,
        energy_j: Callable[[], float],
        constraints: tuple[Constraint, ...] = (),
    ) -> None:
        """Makes the files.

        Args:
            tree: The kernel's files.
            generation: The kernel: since 5.10 only root may read the counter (CVE-2020-8694).
            place: Its numbers, as ``intel-rapl:0:1``.
            name: What it counts: ``package-0``, ``core``, ``dram``, ``psys``.
            energy_j: Returns the energy since the machine was switched on.
            constraints: The limits.
        """
        self.energy_j = energy_j
        self.start_uj = 93_956_880
        self.range_uj = USUAL_RANGE_UJ
        self.unreachable = False
        self.locked = False
        self.constraints = constraints
        self._enabled = True
        control, *numbers = place.split(":")
        parts = [control, *(f"{control}:{':'.join(numbers[: depth + 1])}" for depth in range(len(numbers)))]
        folder = Folder(tree, "/".join([_POWERCAP_DEVICES, *parts]))
        self.path = f"{POWERCAP_CLASS}/{place}"
        powercap_class = Folder(tree, POWERCAP_CLASS)
        powercap_class.link(control, f"{_POWERCAP_DEVICES}/{control}")
        powercap_class.link(place, folder.path)
        folder.add("name", name)
        folder.add("energy_uj", self._count, mode=0o400 if generation >= Generation.K5_10 else 0o444)
        folder.add("max_energy_range_uj", lambda: self.range_uj)
        folder.add("enabled", lambda: int(self._enabled), self._enable)
        for number, constraint in enumerate(constraints):
            self._add_constraint(folder, f"constraint_{number}", constraint)

    def _count(self) -> int:
        if self.unreachable:
            raise kernel_error(errno.EINVAL)
        counted_uj = math.floor(self.energy_j() * 1e6 / _STEP_UJ) * _STEP_UJ
        return int(self.start_uj + counted_uj) % self.range_uj

    def _enable(self, text: str) -> None:
        wanted = boolean(text)
        if not self.locked:
            self._enabled = wanted

    def _add_constraint(self, folder: Folder, stem: str, constraint: Constraint) -> None:
        def store_limit(text: str) -> None:
            value = _decimal(text)
            if not self.locked:
                constraint.limit_uw = value

        def store_window(text: str) -> None:
            value = _decimal(text)
            if not self.locked:
                constraint.window_us = value

        folder.add(f"{stem}_name", constraint.name)
        folder.add(f"{stem}_power_limit_uw", lambda: constraint.limit_uw, store_limit)
        folder.add(f"{stem}_time_window_us", lambda: constraint.window_us, store_window)
        folder.add(f"{stem}_max_power_uw", lambda: constraint.most_uw)


def _decimal(text: str) -> int:
    """Parses as ``kstrtou64(text, 10)`` does."""
    digits = text.removesuffix("\n").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise kernel_error(errno.EINVAL)
    return int(digits)
