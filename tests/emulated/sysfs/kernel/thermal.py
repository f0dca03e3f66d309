"""Temperatures and what is done about them: ``/sys/class/thermal`` (Documentation/driver-api/thermal/sysfs-api.rst)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from tests.emulated.sysfs.kernel.parsing import strict_unsigned
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

THERMAL_CLASS = "/sys/class/thermal"
_THERMAL_DEVICES = "/sys/devices/virtual/thermal"


class ThermalZone:
    """A temperature.

    Attributes:
        temperature_c: Returns it.
        asleep: Whether what it measures is switched off, so that reading answers EAGAIN.
    """

    def __init__(self, tree: Tree, kind: str, temperature_c: Callable[[], float], *, asleep: bool = False) -> None:
        """Makes the files of the next zone.

        Args:
            tree: The kernel's files.
            kind: What its ``type`` says.
            temperature_c: Returns the temperature.
            asleep: Whether it starts switched off.
        """
        self.temperature_c = temperature_c
        self.asleep = asleep
        self.path = _next(tree, "thermal_zone").path
        folder = Folder(tree, self.path)
        folder.add("type", kind)
        folder.add("temp", self._show)
        folder.add("mode", "enabled")
        folder.add("trip_point_0_type", "passive")
        folder.add("trip_point_0_temp", 99_000)

    def _show(self) -> int:
        if self.asleep:
            raise kernel_error(errno.EAGAIN)
        return round(self.temperature_c() * 1000)


class CoolingDevice:
    """Something that lowers temperatures, in steps.

    Attributes:
        state: The step in force, 0 for none.
    """

    def __init__(self, tree: Tree, kind: str, highest: int, apply: Callable[[int], None] = lambda _: None) -> None:
        """Makes the files of the next cooling device.

        Args:
            tree: The kernel's files.
            kind: What its ``type`` says.
            highest: Its last step.
            apply: Called with each new step.
        """
        self.state = 0
        self._highest = highest
        self._apply = apply
        self.path = _next(tree, "cooling_device").path
        folder = Folder(tree, self.path)
        folder.add("type", kind)
        folder.add("max_state", highest)
        folder.add("cur_state", lambda: self.state, lambda text: self.set(strict_unsigned(text)))

    def set(self, state: int) -> None:
        """Takes a step, as the thermal governor or whoever writes to ``cur_state`` does.

        Raises:
            OSError: EINVAL, if there is no such step.
        """
        if not 0 <= state <= self._highest:
            raise kernel_error(errno.EINVAL)
        self.state = state
        self._apply(state)


def clock_cooling(tree: Tree, kind: str, table: Sequence[int], cap: Callable[[str, int | None], None]) -> CoolingDevice:
    """Returns a cooling device each of whose steps takes one more clock away from the top.

    Args:
        tree: The kernel's files.
        kind: What its ``type`` says.
        table: The clocks, ascending, in the unit of ``cap``.
        cap: Sets a cap by the cooling device's name, or lifts it.
    """
    return CoolingDevice(tree, kind, len(table) - 1, lambda state: cap(kind, table[-1 - state] if state else None))


def _next(tree: Tree, stem: str) -> Folder:
    thermal_class = Folder(tree, THERMAL_CLASS)
    number = sum(name.startswith(stem) for name in tree.names(THERMAL_CLASS))
    folder = Folder(tree, f"{_THERMAL_DEVICES}/{stem}{number}")
    thermal_class.link(f"{stem}{number}", folder.path)
    return folder
