"""Which Jetson this is, and in which power mode: from the device tree and from NVIDIA's own files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knobs.drivers.jetson.power_mode import PowerMode, present_power_mode
from knobs.drivers.jetson.text import text_or_nothing
from knobs.sysfs import KernelFiles

_DEVICE_TREES = ("/proc/device-tree", "/sys/firmware/devicetree/base")
_RELEASE = "/etc/nv_tegra_release"


@dataclass(frozen=True)
class JetsonBoard:
    """A board with a Tegra system on a chip.

    Attributes:
        model: What the maker calls it: ``NVIDIA Jetson AGX Orin Developer Kit``; empty where it cannot be told.
        soc: The system on a chip: ``tegra234``.
        release: The release of NVIDIA's Linux: ``36.4.3``; empty on other systems.
        mode: The power mode that nvpmodel last set; None where it cannot be told.
    """

    model: str
    soc: str
    release: str
    mode: PowerMode | None


def identify_board(files: KernelFiles) -> JetsonBoard | None:
    """Returns the board; None if this machine has no Tegra."""
    for tree in _DEVICE_TREES:
        for kind in device_tree_strings(files, f"{tree}/compatible"):
            soc = re.fullmatch(r"nvidia,(tegra\d+)", kind)
            if soc is not None:
                model = " ".join(device_tree_strings(files, f"{tree}/model"))
                return JetsonBoard(model, soc[1], _release(files), present_power_mode(files))
    return None


def device_tree_strings(files: KernelFiles, path: str) -> tuple[str, ...]:
    """Returns the strings of a property of the device tree, which end with a NUL each; none if it is not there."""
    return tuple(text for text in text_or_nothing(files, path).split("\0") if text)


def _release(files: KernelFiles) -> str:
    """The first line reads ``# R36 (release), REVISION: 4.3, GCID: …``."""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text_or_nothing(files, _RELEASE))
    return f"{found[1]}.{found[2]}" if found else ""
