"""The clock of a Jetson's memory, which belongs to a processor of its own (BPMP) and is shown in debugfs.

``clk/emc`` is written blindly: since MRQ_DEBUG (5.10) a request that the firmware turns down still succeeds
(drivers/firmware/tegra/bpmp-debugfs.c, ``mrq_debug_write``), and one that it takes may come out rounded.
Beside it lies the cap that nvpmodel sets, in a folder of its own.
"""

from __future__ import annotations

import errno
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.parsing import strict_unsigned
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

DEBUG_FOLDER = "/sys/kernel/debug"
BPMP_FOLDER = f"{DEBUG_FOLDER}/bpmp/debug"

_ROOT_ONLY, _ROOT_READS = 0o600, 0o400
_HZ_PER_KHZ = 1000


class MemoryClock:
    """The external memory controller's clock.

    Attributes:
        table_hz: The clocks that exist, ascending.
        locked: Whether the rate that was asked for is held; otherwise the firmware follows the traffic.
        cap_hz: The cap of nvpmodel, 0 for none.
        idle_hz: The clock without a lock and without traffic; None stays at the highest.
        ignores_lock: A fault: the firmware takes the lock and does not hold the rate.
        changed: Called after each change of what may be delivered.
    """

    def __init__(self, tree: Tree, generation: Generation, table_hz: tuple[int, ...], cap_path: str) -> None:
        """Makes the files.

        Args:
            tree: The kernel's files.
            generation: The kernel.
            table_hz: The clocks that exist, ascending.
            cap_path: Where the cap is.
        """
        self.table_hz = table_hz
        self.locked = False
        self.cap_hz = 0
        self.idle_hz: int | None = None
        self.ignores_lock = False
        self.changed: Callable[[], None] = lambda: None
        self._asked_hz = table_hz[-1]
        self._generation = generation
        tree.add_folder(DEBUG_FOLDER, mode=0o700)
        clock = Folder(tree, f"{BPMP_FOLDER}/clk/emc")
        clock.add("rate", self.current_hz, self._blindly(self._ask), _ROOT_ONLY)
        clock.add("mrq_rate_locked", lambda: int(self.locked), self._blindly(self._lock), _ROOT_ONLY)
        clock.add("state", 1, self._blindly(lambda _: None), _ROOT_ONLY)
        clock.add("min_rate", table_hz[0], self._blindly(self._turn_down), _ROOT_ONLY)
        clock.add("max_rate", table_hz[-1], self._blindly(self._turn_down), _ROOT_ONLY)
        kilohertz = " ".join(str(hz // _HZ_PER_KHZ) for hz in table_hz)
        Folder(tree, f"{BPMP_FOLDER}/emc").add("possible_rates", f"{kilohertz} (kHz)", mode=_ROOT_READS)
        folder, _, name = cap_path.rpartition("/")
        Folder(tree, folder).add(name, lambda: self.cap_hz, self._store_cap)

    def current_hz(self) -> int:
        """Returns the clock that is delivered now."""
        top = self._at_most(self.cap_hz or self.table_hz[-1])
        if self.locked and not self.ignores_lock:
            return min(self._asked_hz, top)
        return top if self.idle_hz is None else min(self.idle_hz, top)

    def _at_most(self, hz: int) -> int:
        return self.table_hz[max(bisect_right(self.table_hz, hz) - 1, 0)]

    def _blindly(self, request: Callable[[int], None]) -> Callable[[str], None]:
        """Hides what the firmware answers, as the kernel does since 5.10."""

        def store(text: str) -> None:
            try:
                request(strict_unsigned(text))
            except OSError:
                if self._generation < Generation.K5_10:
                    raise
            self.changed()

        return store

    def _ask(self, hz: int) -> None:
        if hz > self.table_hz[-1]:
            self._turn_down(hz)
        self._asked_hz = self.table_hz[bisect_left(self.table_hz, hz)]

    def _lock(self, flag: int) -> None:
        self.locked = bool(flag)

    def _turn_down(self, _: int) -> None:
        raise kernel_error(errno.EINVAL)

    def _store_cap(self, text: str) -> None:
        self.cap_hz = strict_unsigned(text)
        self.changed()
