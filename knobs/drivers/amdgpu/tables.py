"""The two tables that amdgpu prints: levels of a clock, and the overdrive table.

Source: the sections pp_dpm_sclk and pp_od_clk_voltage of the kernel's drivers/gpu/drm/amd/pm/amdgpu_pm.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_LEVEL = re.compile(r"(?P<index>S|\d+):\s*(?P<mhz>\d+)\s*MHz\s*(?P<present>\*?)", re.IGNORECASE)
_SECTION = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*):")
_ROW = re.compile(r"(?P<index>\d+):\s*(?P<mhz>\d+)\s*MHz", re.IGNORECASE)
_RANGE = re.compile(r"SCLK:\s*(?P<low>\d+)\s*MHz\s+(?P<high>\d+)\s*MHz", re.IGNORECASE)
_CORE_SECTIONS = ("OD_SCLK", "GFXCLK")
_FEWEST_LEVELS = 4


@dataclass(frozen=True)
class Levels:
    """The levels of a clock that can be allowed or forbidden one by one.

    Attributes:
        mhz: The clock of each level, strictly ascending; level 0 first.
    """

    mhz: tuple[int, ...]

    def mask_up_to(self, mhz: int) -> str:
        """Returns what allows all levels up to one: their numbers."""
        return " ".join(str(level) for level, clock in enumerate(self.mhz) if clock <= mhz)


@dataclass(frozen=True)
class Overdrive:
    """The part of an overdrive table that says how the core clock may move.

    Attributes:
        lowest_mhz: The lowest core clock in force (row 0).
        highest_mhz: The highest core clock in force (row 1).
        range_mhz: What the highest one may be set to.
    """

    lowest_mhz: int
    highest_mhz: int
    range_mhz: tuple[int, int]


def parse_levels(text: str) -> Levels | None:
    """Returns the levels in a ``pp_dpm_…`` file; None where it shows no list of levels.

    Chips whose clock moves in fine steps print two or three rows: lowest, present and highest clock. They cannot be
    told from a short list, so only lists of four rows and more are taken for one. A row ``S`` is a deep sleep that is
    no level.
    """
    rows = [match for line in text.splitlines() if (match := _LEVEL.match(line.strip()))]
    levels = [match for match in rows if match["index"].upper() != "S"]
    mhz = tuple(int(match["mhz"]) for match in levels)
    numbered = [int(match["index"]) for match in levels] == list(range(len(levels)))
    ascending = all(low < high for low, high in pairwise(mhz))
    return Levels(mhz) if numbered and ascending and len(mhz) >= _FEWEST_LEVELS else None


def parse_overdrive(text: str) -> Overdrive | None:
    """Returns the core clock's part of a ``pp_od_clk_voltage`` file; None where it has none that we can use.

    Chips up to Vega 10 list a voltage beside each clock; a clock cannot be moved there without choosing a voltage,
    so such tables are not used.
    """
    rows: dict[int, int] = {}
    section = ""
    range_mhz: tuple[int, int] | None = None
    for line in (line.strip() for line in text.splitlines()):
        if (heading := _SECTION.fullmatch(line)) is not None:
            section = heading["name"]
        elif section in _CORE_SECTIONS and (row := _ROW.fullmatch(line)) is not None:
            rows[int(row["index"])] = int(row["mhz"])
        elif section in _CORE_SECTIONS and _ROW.match(line) is not None:
            return None
        elif section == "OD_RANGE" and (limits := _RANGE.fullmatch(line)) is not None:
            range_mhz = int(limits["low"]), int(limits["high"])
    if set(rows) != {0, 1} or range_mhz is None or not rows[0] <= rows[1] or not range_mhz[0] <= range_mhz[1]:
        return None
    return Overdrive(rows[0], rows[1], range_mhz)
