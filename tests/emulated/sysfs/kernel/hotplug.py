"""CPUs that come and go: ``/sys/devices/system/cpu/cpuN/online`` (drivers/base/cpu.c, kernel/cpu.c)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from tests.emulated.sysfs.kernel.parsing import boolean, cpu_list
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

CPU_FOLDER = "/sys/devices/system/cpu"


class Cpus:
    """The CPUs of a machine.

    Attributes:
        online: Those that run.
        busy: Set it to make every change fail with EBUSY, as during suspend or another hotplug.
        watchers: Called after each change.
    """

    def __init__(
        self, tree: Tree, count: int, *, boot_cpu_stays: bool, package_of: Callable[[int], int] = lambda _: 0
    ) -> None:
        """Makes the files.

        Args:
            tree: The kernel's files.
            count: How many there are, all online.
            boot_cpu_stays: Whether CPU 0 has no ``online``, as on x86; on ARM it has.
            package_of: The package that each is in.
        """
        self.all: Sequence[int] = range(count)
        self.online = set(self.all)
        self.busy = False
        self.watchers: list[Callable[[], None]] = []
        self._folder = Folder(tree, CPU_FOLDER)
        self._folder.add("possible", cpu_list(self.all))
        self._folder.add("present", cpu_list(self.all))
        self._folder.add("online", lambda: cpu_list(self.online))
        self._folder.add("offline", lambda: cpu_list(set(self.all) - self.online))
        for cpu in self.all:
            folder = self._folder.folder(f"cpu{cpu}")
            folder.add("topology/physical_package_id", package_of(cpu))
            folder.add("topology/core_id", cpu)
            folder.add("topology/thread_siblings_list", cpu)
            if cpu or not boot_cpu_stays:
                self._add_switch(cpu)

    def set_online(self, cpu: int, online: bool) -> None:
        """Brings a CPU up or takes it down; to do so twice is fine.

        Raises:
            OSError: EBUSY for the last one that runs, and while CPUs may not come or go.
        """
        if online == (cpu in self.online):
            return
        if self.busy or self.online == {cpu}:
            raise kernel_error(errno.EBUSY)
        self.online ^= {cpu}
        for watcher in self.watchers:
            watcher()

    def _add_switch(self, cpu: int) -> None:
        self._folder.folder(f"cpu{cpu}").add(
            "online", lambda: int(cpu in self.online), lambda text: self.set_online(cpu, boolean(text))
        )
