"""Chips of the hardware monitoring class (drivers/hwmon/hwmon.c)."""

from __future__ import annotations

from tests.emulated.sysfs.tree import Folder, Tree


def add_chip(tree: Tree, number: int, name: str, place: str, attributes: dict[str, object]) -> Folder:
    """Adds a chip; returns its folder, in which more attributes can be put.

    Args:
        tree: The machine.
        number: Its number in the class, which changes from boot to boot.
        name: Its name.
        place: The folder of its device, below ``/sys/devices``.
        attributes: Contents by file; a function is called for each read.
    """
    device = Folder(tree, f"/sys/devices/{place}")
    chip = device.folder(f"hwmon/hwmon{number}")
    chip.add("name", name)
    chip.link("device", device.path)
    for file, value in attributes.items():
        chip.add(file, value)
    Folder(tree, "/sys/class/hwmon").link(f"hwmon{number}", chip.path)
    return chip
