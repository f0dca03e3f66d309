"""Which clocks the memory of a Jetson can run at.

The boot processor (BPMP) lists them in debugfs. Where that is closed, the documented clocks of the board are taken,
and the knob says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from knobs.attributes import optional_text
from knobs.drivers.jetson.board import JetsonBoard
from knobs.sysfs import KernelFiles

LOWEST_SAFE_HZ = 600_000_000
"""Clocks below are left out by default: a display or a camera that does not get its share in time fails at once.

On the narrowest memory here (64 bits, Jetson Nano) 665.6 MHz move 10 GB/s, of which a 4K display at 60 Hz and a
camera at the same rate need some 2 GB/s each; the next lower steps (408 and 204 MHz, and those below) leave too
little beside the load, and 40.8 to 102 MHz are known to cause trouble by themselves.
"""

_LISTS = (
    "/sys/kernel/debug/bpmp/debug/emc/possible_rates",
    "/sys/kernel/debug/clk/emc/clk_possible_rates",  # Tegra210, which has no BPMP firmware
)
_KILOHERTZ_BELOW = 10_000_000
"""The lists are in kHz, the clocks themselves in Hz: no memory clock is above 10 GHz, none below 10 MHz."""

_XAVIER_HZ = (204_000_000, 408_000_000, 665_600_000, 800_000_000, 1_065_600_000, 1_331_200_000, 1_600_000_000)
_DOCUMENTED_HZ = (
    ("tegra186", "", (
        40_800_000, 68_000_000, 102_000_000, 204_000_000, 408_000_000, 665_600_000, 800_000_000,
        1_062_400_000, 1_331_200_000, 1_600_000_000, 1_866_000_000,
    )),
    ("tegra194", "AGX", (*_XAVIER_HZ, 1_866_000_000, 2_133_000_000)),
    ("tegra194", "", (*_XAVIER_HZ, 1_866_000_000)),
    ("tegra234", "AGX|NX|Super", (204_000_000, 665_600_000, 2_133_000_000, 3_199_000_000)),
    ("tegra234", "", (204_000_000, 665_600_000, 2_133_000_000)),
)  # fmt: skip
"""System on a chip, pattern of the board's model, clocks; the first match counts."""


@dataclass(frozen=True)
class MemoryRates:
    """The clocks that a memory can run at.

    Attributes:
        hertz: All of them, ascending; none where they cannot be told.
        note: Where they come from, if not from the device itself.
    """

    hertz: tuple[int, ...]
    note: str = ""


def memory_rates(files: KernelFiles, board: JetsonBoard) -> MemoryRates:
    """Returns the clocks that the device lists, or else those that are documented for the board."""
    for path in _LISTS:
        listed = [int(number) for number in re.findall(r"\d+", optional_text(files, path))]
        hertz = {number * 1000 if number < _KILOHERTZ_BELOW else number for number in listed if number}
        if hertz:
            return MemoryRates(tuple(sorted(hertz)))
    return _documented(board)


def _documented(board: JetsonBoard) -> MemoryRates:
    for soc, model, hertz in _DOCUMENTED_HZ:
        if soc == board.soc and re.search(model, board.model):
            note = f"The kernel lists no memory clocks (debugfs is closed); these are the documented ones of {soc}."
            return MemoryRates(hertz, note)
    return MemoryRates(())
