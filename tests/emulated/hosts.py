"""Computers with NVIDIA GPUs in them, as their kernels show them; what NVIDIA's library says comes beside."""

from __future__ import annotations

from collections.abc import Sequence

from tests.emulated.nvml.catalogue import MACHINES
from tests.emulated.nvml.gpu import pci_bus_of
from tests.emulated.nvml.profile import GpuProfile
from tests.emulated.sysfs.kernel.pci import PciDevice, pci_device
from tests.emulated.sysfs.kernel.power_supply import add_battery, add_supply
from tests.emulated.sysfs.machines.processors import Processor, ryzen, xeon
from tests.emulated.sysfs.tree import Tree


def gpu_server(gpus: str | Sequence[GpuProfile]) -> Processor:
    """Returns a server of two Xeons with NVIDIA GPUs, named as in the catalogue or given."""
    machine = xeon()
    plug_in(machine.tree, MACHINES[gpus] if isinstance(gpus, str) else gpus)
    return machine


def gpu_laptop(gpus: str | Sequence[GpuProfile] = "rtx-3060-laptop") -> tuple[Processor, PciDevice]:
    """Returns a laptop on its battery with an NVIDIA GPU, and that GPU's place on the bus."""
    machine = ryzen()
    add_battery(machine.tree, "BAT0", ("power", "energy"))
    add_supply(machine.tree, "AC")
    (device,) = plug_in(machine.tree, MACHINES[gpus] if isinstance(gpus, str) else gpus)
    return machine, device


def plug_in(tree: Tree, profiles: Sequence[GpuProfile]) -> list[PciDevice]:
    """Plugs GPUs in where NVIDIA's library says they are."""
    places = [f"0000:{pci_bus_of(index):02x}:00.0" for index, _ in enumerate(profiles)]
    ids = [f"10DE:{profile.pci_device_id >> 16:04X}" for profile in profiles]
    return [pci_device(tree, place, "nvidia", ids[index], index) for index, place in enumerate(places)]
