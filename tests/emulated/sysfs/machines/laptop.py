"""A laptop that runs on its batteries."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulated.sysfs.kernel.hwmon import add_chip
from tests.emulated.sysfs.kernel.power_supply import EmulatedBattery, EmulatedSupply, add_battery, add_supply
from tests.emulated.sysfs.tree import Folder, Tree


@dataclass
class Laptop:
    """A laptop with two batteries, a mouse, a charger, and a USB port that has negotiated power.

    Attributes:
        tree: Its files.
        batteries: Its batteries; the second rests while the first is used.
        charger: What it can be plugged into.
        port: A USB port.
    """

    tree: Tree
    batteries: tuple[EmulatedBattery, EmulatedBattery]
    charger: EmulatedSupply
    port: EmulatedSupply


def laptop(shows: tuple[str, ...] = ("power", "energy")) -> Laptop:
    """Returns a laptop whose batteries show some of: power, current, energy."""
    tree = Tree()
    first, second = add_battery(tree, "BAT0", shows), add_battery(tree, "BAT1", shows)
    second.status, second.power_w = "Not charging", 0.0
    mouse = Folder(tree, "/sys/devices/virtual/power_supply/hidpp_battery_0")
    for file, value in {"type": "Battery", "scope": "Device", "status": "Discharging", "present": 1}.items():
        mouse.add(file, value)
    Folder(tree, "/sys/class/power_supply").link("hidpp_battery_0", mouse.path)
    add_chip(tree, 0, "BAT0", "virtual/power_supply/BAT0", {"in0_input": 12000, "power1_input": 10_000_000})
    return Laptop(tree, (first, second), add_supply(tree, "AC"), add_supply(tree, "ucsi-source-psy-USBC000:001", "USB"))
