"""Which Jetson this is, and in which power mode: from the device tree and from NVIDIA's own files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from knobs.attributes import optional_text
from knobs.device_tree import find_device_tree, property_strings
from knobs.drivers.jetson.power_mode import PowerMode, present_power_mode
from knobs.sysfs import KernelFiles

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
    tree = find_device_tree(files)
    for kind in property_strings(files, f"{tree}/compatible"):
        soc = re.fullmatch(r"nvidia,(tegra\d+)", kind)
        if soc is not None:
            model = " ".join(property_strings(files, f"{tree}/model"))
            return JetsonBoard(model, soc[1], _release(files), present_power_mode(files))
    return None


def _release(files: KernelFiles) -> str:
    """The first line reads ``# R36 (release), REVISION: 4.3, GCID: …``."""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", optional_text(files, _RELEASE))
    return f"{found[1]}.{found[2]}" if found else ""
