"""A device whose clock follows its load: ``/sys/class/devfreq/NAME`` (drivers/devfreq/devfreq.c). Clocks are in Hz.

Up to 5.4 (here L4T's 4.9) a limit that crosses the other is refused. Since 5.5 limits are requests in whole kHz, which
stay until they are replaced. Neither snaps to the clocks that exist; where both limits lie between two clocks, the
one above is taken.
"""

from __future__ import annotations

import errno
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.parsing import scanned_unsigned, signed_32, word
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

DEVFREQ_CLASS = "/sys/class/devfreq"

_HZ_PER_KHZ = 1000
_NO_MAXIMUM_KHZ = 2**31 - 1
_DEFAULT_VALUE = -1
_U64 = 2**64


class Devfreq:
    """One device.

    Attributes:
        table_hz: Its clocks, ascending.
        governor: The governor in charge.
        load: Returns how busy the device is, 0 to 1.
        delivered_hz: Returns the clock that physics delivers; None leaves it to limits and load alone.
        changed: Called after each change of what may be delivered.
        set_hz: What was asked for under the governor ``userspace``.
    """

    def __init__(
        self,
        tree: Tree,
        generation: Generation,
        parent: str,
        table_hz: tuple[int, ...],
        governors: tuple[str, ...],
        *,
        own_folder: str = "devfreq",
    ) -> None:
        """Makes the files, and the link to them from the class.

        Args:
            tree: The kernel's files.
            generation: The kernel.
            parent: The folder of the device itself.
            table_hz: Its clocks, ascending.
            governors: What may be chosen; the first is chosen.
            own_folder: The folder in the parent in which the files lie.
        """
        self.table_hz = table_hz
        self.governor = governors[0]
        self.load: Callable[[], float] = lambda: 0.0
        self.delivered_hz: Callable[[], int] | None = None
        self.changed: Callable[[], None] = lambda: None
        self.set_hz: int | None = None
        self._polling_ms = 50
        self._generation = generation
        self._governors = governors
        self._asked_lowest = 0 if generation.limits_are_requests else table_hz[0]
        self._asked_highest = _NO_MAXIMUM_KHZ if generation.limits_are_requests else table_hz[-1]
        self._caps_hz: dict[str, int] = {}
        self.parent = parent
        self.name = parent.rpartition("/")[2]
        self._tree = tree
        self._path = f"{parent}/{own_folder}/{self.name}"
        self.appear()

    @property
    def folder(self) -> Folder:
        """Its folder, where it really is."""
        return Folder(self._tree, self._path)

    def appear(self) -> None:
        """Adds the files: some GPUs have none before they were powered once."""
        self._add_files()
        Folder(self._tree, DEVFREQ_CLASS).link(self.name, self._path)

    def disappear(self) -> None:
        """Removes the files, as when the driver is unloaded."""
        self._tree.remove(f"{DEVFREQ_CLASS}/{self.name}")
        self._tree.remove(self._path)

    def limits_hz(self) -> tuple[int, int]:
        """Returns the lowest and the highest clock as the files show them."""
        highest_asked, lowest_asked = self._asked_highest, self._asked_lowest
        if not self._generation.limits_are_requests:
            return lowest_asked, min([highest_asked, *self._caps_hz.values()])
        highest = min(self.table_hz[-1], *self._caps_hz.values()) if self._caps_hz else self.table_hz[-1]
        highest = min(highest, highest_asked * _HZ_PER_KHZ % _U64)
        return min(max(self.table_hz[0], lowest_asked * _HZ_PER_KHZ % _U64), highest), highest

    def range_hz(self) -> tuple[int, int]:
        """Returns the lowest and the highest clock that can be delivered."""
        lowest, highest = self.limits_hz()
        floor = self._clock(lowest, upward=True)
        return floor, max(self._clock(highest or self.table_hz[-1], upward=False), floor)

    def current_hz(self) -> int:
        """Returns the clock that is delivered now."""
        if self.delivered_hz is not None:
            return self.delivered_hz()
        lowest, highest = self.range_hz()
        return min(max(self._clock(self._wanted_hz(), upward=True), lowest), highest)

    def cap(self, name: str, hz: int | None) -> None:
        """Sets or lifts what a cooling device allows."""
        if hz is None:
            self._caps_hz.pop(name, None)
        else:
            self._caps_hz[name] = hz
        self.changed()

    def _wanted_hz(self) -> int:
        if self.governor == "userspace":
            return self.set_hz or 0
        if self.governor in ("performance", "powersave"):
            return self.table_hz[-1] if self.governor == "performance" else 0
        return int(self.load() * self.table_hz[-1])

    def _clock(self, hz: int, *, upward: bool) -> int:
        index = bisect_left(self.table_hz, hz) if upward else bisect_right(self.table_hz, hz) - 1
        return self.table_hz[min(max(index, 0), len(self.table_hz) - 1)]

    def _add_files(self) -> None:
        folder = self.folder
        folder.add("name", self.name)
        folder.add("available_frequencies", " ".join(map(str, self.table_hz)))
        folder.add("available_governors", " ".join(self._governors))
        folder.add("governor", lambda: self.governor, self._store_governor)
        folder.add("min_freq", lambda: self.limits_hz()[0], self._store_lowest)
        folder.add("max_freq", lambda: self.limits_hz()[1], self._store_highest)
        folder.add("cur_freq", self.current_hz)
        folder.add("target_freq", self.current_hz)
        folder.add("polling_interval", lambda: self._polling_ms, self._store_polling)
        folder.link("device", self.parent)
        folder.link("subsystem", DEVFREQ_CLASS)

    def _store_polling(self, text: str) -> None:
        self._polling_ms = scanned_unsigned(text)

    def _store_lowest(self, text: str) -> None:
        asked = scanned_unsigned(text)
        if self._generation.limits_are_requests:
            kilohertz = signed_32(asked // _HZ_PER_KHZ)
            self._asked_lowest = 0 if kilohertz == _DEFAULT_VALUE else kilohertz
        else:
            if asked and self._asked_highest and asked > self._asked_highest:
                raise kernel_error(errno.EINVAL)
            self._asked_lowest = max(asked, self.table_hz[0])
        self.changed()

    def _store_highest(self, text: str) -> None:
        asked = scanned_unsigned(text)
        if self._generation.limits_are_requests:
            kilohertz = signed_32(-(-asked // _HZ_PER_KHZ)) if asked else _DEFAULT_VALUE
            self._asked_highest = _NO_MAXIMUM_KHZ if kilohertz == _DEFAULT_VALUE else kilohertz
        else:
            if asked and asked < self._asked_lowest:
                raise kernel_error(errno.EINVAL)
            self._asked_highest = min(asked, self.table_hz[-1])
        self.changed()

    def _store_governor(self, text: str) -> None:
        name = word(text)
        if name not in self._governors:  # no such module since 5.10; up to then none was looked for
            raise kernel_error(errno.ENOENT if self._generation >= Generation.K5_10 else errno.ENODEV)
        if name == "userspace" and self.governor != "userspace":
            self.set_hz = None
            shown = self.folder.folder("userspace")
            shown.add("set_freq", lambda: "undefined" if self.set_hz is None else self.set_hz, self._store_set)
        elif name != "userspace" and self.governor == "userspace":
            self.folder.folder("userspace").remove()
        self.governor = name
        self.changed()

    def _store_set(self, text: str) -> None:
        self.set_hz = scanned_unsigned(text)
        self.changed()
