"""Where sensors are listed: ``/sys/class/hwmon/hwmonN``, numbered in the order in which they were found."""

from __future__ import annotations

from tests.emulated.sysfs.kernel.hwmon import add_chip
from tests.emulated.sysfs.tree import Folder, Tree


def next_hwmon(tree: Tree, device: str, name: str) -> Folder:
    """Makes the next ``hwmonN`` below a device.

    Args:
        tree: The kernel's files.
        device: The folder of the device that has the sensors.
        name: What the driver calls itself.
    """
    return add_chip(tree, len(tree.names("/sys/class/hwmon")), name, device.removeprefix("/sys/devices/"), {})
