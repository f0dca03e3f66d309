"""What the kernel's thermal framework does to clocks, and the temperatures behind it.

Source: the kernel's Documentation/driver-api/thermal/sysfs-api.rst. A cooling device above state 0 lowers a clock
through the same limits that a user sets, so that a limit read meanwhile may be the cap and not the user's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from knobs.attributes import optional_number, optional_text
from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles
from knobs.units import MILLIDEGREES_PER_DEGREE

_COOLING_DEVICES = "/sys/class/thermal/cooling_device*"
_ZONES = "/sys/class/thermal/thermal_zone*"
_LONGEST_WAIT_S = 10.0
_PAUSE_S = 0.5


@dataclass(frozen=True)
class ThermalCaps:
    """The cooling devices that slow one part of the machine down.

    Attributes:
        files: The kernel's files.
        kinds: Matches the types of the cooling devices in question (``cpufreq-cpu0``, ``thermal-devfreq-0``).
        clock: The monotonic clock.
        sleep: Waits for some seconds.
    """

    files: KernelFiles
    kinds: re.Pattern[str]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def active(self) -> tuple[str, ...]:
        """Returns the caps in force as clauses; those that do not answer are left out."""
        return tuple(
            f"thermal cap {kind} is at state {state}"
            for path in self.files.glob(_COOLING_DEVICES)
            if (kind := optional_text(self.files, f"{path}/type")) and self.kinds.search(kind)
            if (state := optional_number(self.files, f"{path}/cur_state") or 0) > 0
        )

    def wait_until_gone(self, what: str, hides: Callable[[], bool] = lambda: True) -> None:
        """Returns once no cap is in force, or what is in force hides nothing.

        Args:
            what: What the cap may hide, as the start of a sentence.
            hides: Whether a cap that is in force could hide it now.

        Raises:
            DeviceError: The caps stay.
        """
        deadline_s = self.clock() + _LONGEST_WAIT_S
        while (caps := self.active()) and hides():
            if self.clock() >= deadline_s:
                raise DeviceError(f"{what} cannot be told: {', '.join(caps)}; try again when the machine is cooler.")
            self.sleep(_PAUSE_S)


def temperatures_c(files: KernelFiles, kinds: re.Pattern[str]) -> tuple[tuple[str, float], ...]:
    """Returns the temperatures of the zones whose type matches; a zone without power just now is left out.

    Zones of one type are told apart by their number: ``x86_pkg_temp``, ``x86_pkg_temp 7``.
    """
    found: dict[str, float] = {}
    for path in files.glob(_ZONES):
        kind = optional_text(files, f"{path}/type")
        if not kind or not kinds.search(kind):
            continue
        millidegrees = optional_number(files, f"{path}/temp")
        if millidegrees is not None:
            name = f"{kind} {path.rpartition('thermal_zone')[2]}" if kind in found else kind
            found[name] = millidegrees / MILLIDEGREES_PER_DEGREE
    return tuple(found.items())
