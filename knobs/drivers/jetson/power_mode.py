"""The power mode of a Jetson, as NVIDIA's program nvpmodel keeps it.

nvpmodel writes which CPUs run, the limits of CPU and GPU clocks and a cap of the memory clock, all at once, out of a
table in ``/etc/nvpmodel.conf``. A mode is what the owner chose for the board's power supply and cooling: clocks
above its limits are therefore not offered unless the operator allows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from knobs.attributes import optional_text
from knobs.contract import Absence
from knobs.sysfs import KernelFiles

KNOB_ID = "jetson.power_mode"

_STATUS = "/var/lib/nvpmodel/status"
_TABLE = "/etc/nvpmodel.conf"
_FAN_STATUS = "/var/lib/nvfancontrol/status"
_FAN_DEFAULTS = "/etc/nvfancontrol.conf"
_NO_LIMIT = (-1, 0, 2**31 - 1, 2**63 - 1)
"""What stands for no limit: ``-1`` everywhere, ``0`` for memory up to JetPack 5, and what nvpmodel makes of them."""
_ROUNDED_BY = 1.01
"""NVIDIA's tables hold rounded figures: 850 MHz of the TX2 stand for 854.25, 670 MHz of the AGX Xavier for 675.75."""


@dataclass(frozen=True)
class PowerMode:
    """One line-up of limits.

    Attributes:
        number: Its number: ``2``.
        name: Its name: ``30W``; empty where the table does not tell.
        limits_hz: Highest clocks by part (``GPU``, ``EMC``); a part that is not named has no limit.
    """

    number: int
    name: str
    limits_hz: Mapping[str, int]

    def __str__(self) -> str:
        """Returns the mode as nvpmodel prints it."""
        return f"{self.name} ({self.number})" if self.name else str(self.number)

    def within(self, part: str, clocks_hz: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the clocks of a part that the mode lets through; all if it would let none through."""
        limit = self.limits_hz.get(part, clocks_hz[-1])
        return tuple(clock for clock in clocks_hz if clock <= limit * _ROUNDED_BY) or clocks_hz


def present_power_mode(files: KernelFiles) -> PowerMode | None:
    """Returns the mode that nvpmodel last set; None where it cannot be told."""
    found = re.search(r"pmode:(\d+)", optional_text(files, _STATUS))
    if found is None:
        return None
    number = int(found[1])
    modes = {mode.number: mode for mode in parse_modes(optional_text(files, _TABLE))}
    return modes.get(number, PowerMode(number, "", {}))


def parse_modes(table: str) -> tuple[PowerMode, ...]:
    """Returns the modes that an ``nvpmodel.conf`` defines.

    A mode starts with ``< POWER_MODEL ID=2 NAME=MODE_30W >`` and ends where the next ``<`` starts something else.
    Above the modes the same keywords name files; those are not part of any mode.
    """
    modes = []
    for section in re.split(r"^\s*(?=<)", table, flags=re.MULTILINE):
        head = re.match(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)\s*>", section)
        if head is not None:
            modes.append(PowerMode(int(head[1]), head[2].removeprefix("MODE_"), _limits(section)))
    return tuple(modes)


def fan_profile(files: KernelFiles) -> str:
    """Returns the profile of the fan (``quiet``, ``cool``); empty where it cannot be told."""
    for path, pattern in (
        (_FAN_STATUS, r"FAN_PROFILE[:\s]+(\w+)"),
        (_FAN_DEFAULTS, r"FAN_DEFAULT_PROFILE\s+(\w+)"),
        (_STATUS, r"fmode:(\w+)"),  # where nvpmodel sets the fan as well, up to L4T 32
    ):
        found = re.search(pattern, optional_text(files, path))
        if found is not None:
            return found[1]
    return ""


def why_no_knob(mode: PowerMode) -> Absence:
    """Returns why the power mode is not a knob.

    A mode moves the knobs that a study tunes one by one, all of them at once and behind the journal of originals;
    only NVIDIA's program can change it, which reports success in a container without having done anything; and the
    modes that differ in their power-gating masks ask for a reboot.
    """
    return Absence(
        KNOB_ID,
        f"the power mode, {mode} now, moves clocks and cores that are knobs of their own, and some modes need a reboot",
        'choose the mode with nvpmodel before a study; clocks above its limits need [knobs."ID"] allow = true',
    )


def _limits(section: str) -> dict[str, int]:
    found = re.findall(r"^\s*(GPU|EMC)\s+MAX_FREQ\s+(-?\d+)\s*$", section, flags=re.MULTILINE)
    return {part: int(limit) for part, limit in found if int(limit) not in _NO_LIMIT}
