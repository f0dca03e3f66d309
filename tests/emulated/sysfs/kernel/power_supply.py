"""Batteries and chargers (drivers/power/supply/power_supply_sysfs.c)."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from tests.emulated.sysfs.tree import Folder, Tree, kernel_error


@dataclass
class EmulatedBattery:
    """One battery; change it and the files follow.

    Attributes:
        folder: Its files.
        status: What it does: Discharging, Charging, Full, Not charging, Unknown.
        power_w: What is drawn from it or put into it.
        sign: The sign that its driver gives to what is drawn.
        voltage_v: Its voltage.
        drawn_j: What has been drawn since it was full.
        full_j: What it holds when full.
        answers: False makes every read fail with ENODEV, as while the firmware loses it.
    """

    folder: Folder
    status: str = "Discharging"
    power_w: float = 10.0
    sign: int = 1
    voltage_v: float = 12.0
    drawn_j: float = 0.0
    full_j: float = 180_000.0
    answers: bool = True

    def number(self, value: float) -> int:
        """Returns what a file of millionths shows."""
        if not self.answers:
            raise kernel_error(errno.ENODEV)
        return round(value * 1e6)


def add_battery(tree: Tree, name: str, shows: tuple[str, ...]) -> EmulatedBattery:
    """Adds a battery that shows some of: power, current, energy."""
    folder = Folder(tree, f"/sys/devices/virtual/power_supply/{name}")
    battery = EmulatedBattery(folder)
    folder.add("type", "Battery")
    folder.add("present", 1)
    folder.add("status", lambda: battery.status)
    if "power" in shows:
        folder.add("power_now", lambda: battery.number(battery.sign * battery.power_w))
    if "current" in shows:
        folder.add("current_now", lambda: battery.number(battery.sign * battery.power_w / battery.voltage_v))
        folder.add("voltage_now", lambda: battery.number(battery.voltage_v))
    if "energy" in shows:
        folder.add("energy_full", lambda: battery.number(battery.full_j / 3600))
        folder.add("energy_now", lambda: battery.number((battery.full_j - battery.drawn_j) / 3600))
    Folder(tree, "/sys/class/power_supply").link(name, folder.path)
    return battery


@dataclass
class EmulatedSupply:
    """Something that feeds the machine when it is plugged in."""

    folder: Folder
    online: bool = False


def add_supply(tree: Tree, name: str, kind: str = "Mains") -> EmulatedSupply:
    """Adds a charger or a port."""
    supply = EmulatedSupply(Folder(tree, f"/sys/devices/virtual/power_supply/{name}"))
    supply.folder.add("type", kind)
    supply.folder.add("online", lambda: int(supply.online))
    Folder(tree, "/sys/class/power_supply").link(name, supply.folder.path)
    return supply
