"""Zones of the powercap class with counters that run on a clock."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.tree import Attribute, Tree, constant, kernel_error

RANGE_UJ = 262_143_328_850
POWERCAP = "/sys/class/powercap"


@dataclass
class Zones:
    """A powercap tree. Every zone draws a constant power from a first count on."""

    now_s: float = 100.0
    tree: Tree = field(default_factory=Tree)
    offline: set[str] = field(default_factory=set)

    def add(self, place: str, name: str, power_w: float = 10.0, first_uj: int = 1_000_000, **facts: int) -> None:
        """Adds a zone (``intel-rapl:0``); ``mode`` and ``range_uj`` may be other than usual."""
        range_uj = facts.get("range_uj", RANGE_UJ)

        def energy_uj() -> str:
            if place in self.offline:
                raise kernel_error(errno.EIO)
            return f"{int(first_uj + power_w * 1e3 * round((self.now_s - 100.0) * 1e3)) % range_uj}\n"

        folder = f"{POWERCAP}/{place}"
        self.tree.add(f"{folder}/name", constant(f"{name}\n"))
        self.tree.add(f"{folder}/max_energy_range_uj", constant(f"{range_uj}\n"))
        self.tree.add(f"{folder}/energy_uj", Attribute(show=energy_uj, mode=facts.get("mode", 0o400)))

    def files(self, *, is_root: bool = True) -> TreeFiles:
        return TreeFiles(self.tree, is_root=is_root)

    def clock(self) -> float:
        return self.now_s
