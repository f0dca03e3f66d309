"""NVIDIA's GPUs as the kernel shows them on the PCI bus, whether a driver serves them or not."""

from __future__ import annotations

import re

from knobs.attributes import optional_text
from knobs.sysfs import KernelFiles

PCI_DEVICES = "/sys/bus/pci/devices"

_ADDRESS = re.compile(r"(?:(?P<domain>[0-9a-f]{1,8}):)?(?P<rest>[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])")
_NVIDIA = "0x10de"
_DISPLAY_CLASS = "0x03"


def nvidia_addresses(files: KernelFiles) -> tuple[str, ...]:
    """Returns the PCI addresses of NVIDIA's graphics processors."""
    return tuple(
        folder.rpartition("/")[2]
        for folder in files.glob(f"{PCI_DEVICES}/*")
        if optional_text(files, f"{folder}/vendor") == _NVIDIA
        and optional_text(files, f"{folder}/class").startswith(_DISPLAY_CLASS)
    )


def kernel_address(address: str) -> str:
    """Returns a PCI address as the kernel writes it, from any of the usual spellings; empty for what is none."""
    match = _ADDRESS.fullmatch(address.strip().lower())
    return f"{int(match['domain'] or '0', 16):04x}:{match['rest']}" if match else ""
