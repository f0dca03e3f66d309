"""A PCI device with a card in the DRM class (drivers/pci/pci-sysfs.c, drivers/gpu/drm/drm_sysfs.c)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulated.sysfs.tree import Folder, Tree

_VENDORS = {"10DE": "0x10de", "1002": "0x1002", "8086": "0x8086"}


@dataclass
class PciDevice:
    """A device that the kernel may switch off while nobody uses it.

    Attributes:
        folder: Its folder below the bus.
        card: The folder of its card.
        asleep: Whether it is switched off.
        woken: How often a read or write has woken it.
    """

    folder: Folder
    card: Folder
    asleep: bool = False
    woken: int = 0

    def touch(self) -> None:
        """Wakes it, as drivers of kernels up to 6.12 do on any access."""
        if self.asleep:
            self.asleep = False
            self.woken += 1

    def unplug(self) -> None:
        """Takes it out while the machine runs."""
        tree = self.folder.tree
        tree.remove(f"/sys/class/drm/{self.card.path.rpartition('/')[2]}")
        tree.remove(f"/sys/bus/pci/devices/{self.folder.path.rpartition('/')[2]}")
        self.folder.remove()


def pci_device(tree: Tree, address: str, driver: str, pci_id: str, card: int | None = None) -> PciDevice:
    """Plugs in a display device.

    Args:
        tree: The machine.
        address: Its PCI address.
        driver: Its kernel driver.
        pci_id: Vendor and device: ``1002:687F``.
        card: Its number in the DRM class; None where its driver keeps out of it.
    """
    bus, number = address.split(":")[1], card if card is not None else 0
    root = "/sys/devices/pci0000:00"
    folder = Folder(tree, f"{root}/{address}" if bus == "00" else f"{root}/0000:00:01.{number}/{address}")
    device = PciDevice(folder, folder.folder(f"drm/card{number}"))
    folder.add("class", "0x030000")
    folder.add("vendor", _VENDORS[pci_id.split(":")[0]])
    folder.add("uevent", f"DRIVER={driver}\nPCI_CLASS=30000\nPCI_ID={pci_id}\nPCI_SLOT_NAME={address}")
    folder.add("power/runtime_status", lambda: "suspended" if device.asleep else "active")
    Folder(tree, "/sys/bus/pci/devices").link(address, folder.path)
    if card is not None:
        device.card.link("device", folder.path)
        Folder(tree, "/sys/class/drm").link(f"card{card}", device.card.path)
    return device
