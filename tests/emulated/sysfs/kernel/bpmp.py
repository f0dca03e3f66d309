"""The clock of a Jetson's memory, which belongs to a processor of its own (BPMP) and is shown in debugfs.

``clk/emc`` is written blindly: since MRQ_DEBUG (5.10) a request that the firmware turns down still succeeds
(drivers/firmware/tegra/bpmp-debugfs.c, ``mrq_debug_write``), and one that it takes may come out rounded.
Jetson Nano has no such processor: there the kernel overrides the clock itself.

Beside it lies the cap that nvpmodel sets, in a folder of its own. Up to JetPack 5 (``emc_iso_cap``) the number that
was written is kept, and 0 is no cap. Since JetPack 6 (NVIDIA's nvpmodel_clk_cap.c) the cap is always a clock that
exists: what is written is rounded, so that 0 caps at the lowest clock. That it is rounded down is ASSUMED.
"""

from __future__ import annotations

import errno
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.parsing import scanned_unsigned, strict_unsigned
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
        cap_hz: The cap of nvpmodel; up to JetPack 5 0 for none.
        idle_hz: The clock without a lock and without traffic; None stays at the highest.
        ignores_lock: A fault: the firmware takes the lock and does not hold the rate.
        changed: Called after each change of what may be delivered.
    """

    def __init__(
        self, tree: Tree, generation: Generation, table_hz: tuple[int, ...], cap_path: str, *, has_firmware: bool = True
    ) -> None:
        """Makes the files.

        Args:
            tree: The kernel's files.
            generation: The kernel.
            table_hz: The clocks that exist, ascending.
            cap_path: Where the cap is.
            has_firmware: Whether the clock belongs to the BPMP.
        """
        self.table_hz = table_hz
        self.locked = False
        self.idle_hz: int | None = None
        self.ignores_lock = False
        self.changed: Callable[[], None] = lambda: None
        self._asked_hz = table_hz[-1]
        self._generation = generation
        tree.add_folder(DEBUG_FOLDER, mode=0o700)
        if has_firmware:
            self._add_firmware(tree)
        else:
            self._add_override(tree)
        self._rounds_cap = generation >= Generation.K5_15
        self.cap_hz = table_hz[-1] if self._rounds_cap else 0
        folder, _, name = cap_path.rpartition("/")
        mode = 0o664 if self._rounds_cap else 0o660
        Folder(tree, folder).add(name, lambda: self.cap_hz, self._store_cap, mode)

    def current_hz(self) -> int:
        """Returns the clock that is delivered now."""
        top = self._at_most(self.cap_hz or self.table_hz[-1])
        if self.locked and not self.ignores_lock:
            return min(self._asked_hz, top)
        return top if self.idle_hz is None else min(self.idle_hz, top)

    def _add_firmware(self, tree: Tree) -> None:
        clock = Folder(tree, f"{BPMP_FOLDER}/clk/emc")
        clock.add("rate", self.current_hz, self._blindly(self._ask), _ROOT_ONLY)
        clock.add("mrq_rate_locked", lambda: int(self.locked), self._blindly(self._lock), _ROOT_ONLY)
        clock.add("state", 1, self._blindly(lambda _: None), _ROOT_ONLY)
        clock.add("min_rate", self.table_hz[0], self._blindly(self._turn_down), _ROOT_ONLY)
        clock.add("max_rate", self.table_hz[-1], self._blindly(self._turn_down), _ROOT_ONLY)
        Folder(tree, f"{BPMP_FOLDER}/emc").add("possible_rates", self._list(), mode=_ROOT_READS)

    def _add_override(self, tree: Tree) -> None:
        """Tegra210: a clock that, while it is on, decides over the memory's."""
        override, clock = (Folder(tree, f"{DEBUG_FOLDER}/clk/{name}") for name in ("override.emc", "emc"))
        override.add("clk_state", lambda: int(self.locked), self._blindly(self._lock))
        override.add("clk_update_rate", lambda: self._asked_hz, self._blindly(self._ask))
        override.add("clk_rate", lambda: self._asked_hz)
        clock.add("clk_rate", self.current_hz)
        clock.add("clk_possible_rates", self._list())

    def _list(self) -> str:
        return f"{' '.join(str(hz // _HZ_PER_KHZ) for hz in self.table_hz)} (kHz)"

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
        if self._rounds_cap:
            self.cap_hz = self._at_most(strict_unsigned(text))
        else:
            self.cap_hz = scanned_unsigned(text)
        self.changed()
