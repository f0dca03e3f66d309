"""A machine with emulated NVIDIA GPUs, met through the real binding and a real library in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pynvml
import pytest

from knobs.drivers.nvidia.find import find_nvidia
from knobs.found import Found, Wishes
from knobs.meters.sampling import Sampler
from tests.emulated.nvml import NO_COMPILER, EmulatedDriver, compiler, emulated_driver
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.tree import Folder, Tree

needs_compiler = pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)

ROOT_CAPABILITIES = "000001ffffffffff"
NO_CAPABILITIES = "0000000000000000"


class NvidiaMachine:
    """The driver, and the kernel's files beside it."""

    def __init__(self, driver: EmulatedDriver) -> None:
        self.driver = driver
        self.control = driver.control
        self.tree = Tree()
        self.files = TreeFiles(self.tree)
        self.set_capabilities(ROOT_CAPABILITIES)
        for gpu in driver.gpus:
            if gpu.profile.pci_device_id:
                plug_in(self.tree, gpu.bus_id.removeprefix("0000").lower())

    def set_capabilities(self, capabilities: str) -> None:
        status = Folder(self.tree, "/proc/self")
        status.add("status", f"Name:\twattune\nCapPrm:\t{ROOT_CAPABILITIES}\nCapEff:\t{capabilities}")

    def find(self, wishes: Wishes | None = None) -> Found:
        """Returns what a fresh keeper finds: it knows of no lock."""
        return find_nvidia(self.files, wishes or Wishes(), Sampler())

    def settings(self) -> list[tuple[object, ...]]:
        """Returns everything that can be set, of all GPUs, as it truly is."""
        return [
            (held.core_lock_mhz, held.memory_lock_mhz, held.application_mhz, held.limit_w)
            for held in (gpu.settings for gpu in self.driver.gpus)
        ]


def plug_in(tree: Tree, address: str, vendor: str = "0x10de", kind: str = "0x030200") -> None:
    """Puts a device on the PCI bus."""
    folder = Folder(tree, f"/sys/bus/pci/devices/{address}")
    folder.add("vendor", vendor)
    folder.add("class", kind)


@contextmanager
def nvidia_machine(machine, **options) -> Iterator[NvidiaMachine]:
    """Gives a machine (see ``emulated_driver``) and takes it away again."""
    with emulated_driver(machine, **options) as driver, driver.in_this_process():
        try:
            yield NvidiaMachine(driver)
        finally:
            shut_down()


def shut_down() -> None:
    """Lets go of the library, however often it was opened."""
    with suppress(pynvml.NVMLError):
        while True:
            pynvml.nvmlShutdown()
