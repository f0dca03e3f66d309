"""The device tree, in which the firmware of most Arm boards describes them. A PC has none."""

from __future__ import annotations

from knobs.attributes import optional_text
from knobs.sysfs import KernelFiles

_TREES = ("/proc/device-tree", "/sys/firmware/devicetree/base")


def find_device_tree(files: KernelFiles) -> str:
    """Returns the tree's folder; empty where there is none."""
    return next((tree for tree in _TREES if files.exists(f"{tree}/compatible")), "")


def property_strings(files: KernelFiles, path: str) -> tuple[str, ...]:
    """Returns the strings of a property, which end with a NUL each; none if it is not there."""
    return tuple(text for text in optional_text(files, path).split("\0") if text)
