"""Which make of core each CPU is: ``cpuN/regs/identification/midr_el1`` (arch/arm64/kernel/cpuinfo.c)."""

from __future__ import annotations

from collections.abc import Mapping

from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER, Cpus
from tests.emulated.sysfs.tree import Folder, Tree

CORTEX_A57, CORTEX_A78AE = 0x411FD073, 0x410FD421
DENVER_2, CARMEL = 0x4E0F0030, 0x4E0F0040
"""Main ID registers, as Linux names the parts (arch/arm64/include/asm/cputype.h)."""


def identify_cores(tree: Tree, cpus: Cpus, makes: Mapping[int, int]) -> None:
    """Shows the make of each CPU, as long as it runs.

    Args:
        tree: The kernel's files.
        cpus: The CPUs.
        makes: Main ID registers by CPU.
    """

    def show() -> None:
        for cpu, make in makes.items():
            folder = f"{CPU_FOLDER}/cpu{cpu}/regs"
            if cpu not in cpus.online:
                tree.remove(folder)
            elif not tree.is_folder(folder):
                Folder(tree, f"{folder}/identification").add("midr_el1", f"0x{make:016x}")

    cpus.watchers.append(show)
    show()
