"""Which GPUs may be touched, and which of them are set alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from knobs.contract import RefusedError
from knobs.drivers.nvidia.gpu import Gpu, Make
from knobs.drivers.nvidia.names import ALL, UUID_PREFIX
from knobs.drivers.nvidia.pci import PCI_DEVICES, kernel_address, nvidia_addresses
from knobs.sysfs import KernelFiles

_INDEX = re.compile(r"\d+")


@dataclass(frozen=True)
class DeviceSet:
    """GPUs of one make, set alike and metered together.

    Attributes:
        name: What their knobs' ids begin with: ``gpu``, or ``gpu0`` where makes differ.
        gpus: The GPUs, by index.
    """

    name: str
    gpus: tuple[Gpu, ...]


def chosen(gpus: tuple[Gpu, ...], names: Iterable[str], files: KernelFiles) -> tuple[Gpu, ...]:
    """Returns the GPUs that the operator names, or all if none is named.

    Names of what is not NVIDIA's are other drivers' business.

    Args:
        gpus: The GPUs of this machine.
        names: Indices, UUIDs or the beginning of one, or PCI addresses.
        files: The kernel's files, which tell whether an address belongs to another maker's device.

    Raises:
        RefusedError: There is no such NVIDIA GPU, or a name fits several.
    """
    wanted = [name.strip() for name in names]
    if not wanted:
        return gpus
    indices = {_named(gpus, name).index for name in wanted if _is_ours(name, files)}
    return tuple(gpu for gpu in gpus if gpu.index in indices)


def device_sets(gpus: Iterable[Gpu]) -> tuple[DeviceSet, ...]:
    """Returns the GPUs in sets of one make each, in the order of their lowest index."""
    by_make: dict[Make, list[Gpu]] = {}
    for gpu in gpus:
        by_make.setdefault(gpu.make, []).append(gpu)
    groups = [tuple(group) for group in by_make.values()]
    if len(groups) == 1:
        return (DeviceSet(ALL, groups[0]),)
    return tuple(DeviceSet(f"{ALL}{group[0].index}", group) for group in groups)


def _is_ours(name: str, files: KernelFiles) -> bool:
    address = kernel_address(name)
    if not address:
        return bool(_INDEX.fullmatch(name)) or name.upper().startswith(UUID_PREFIX)
    return address in nvidia_addresses(files) or not files.exists(f"{PCI_DEVICES}/{address}")


def _named(gpus: tuple[Gpu, ...], name: str) -> Gpu:
    matches = [gpu for gpu in gpus if _is_called(gpu, name)]
    if len(matches) == 1:
        return matches[0]
    there = "; ".join(f"{gpu.index} = {gpu.uuid} at {gpu.pci or 'no PCI address'}" for gpu in gpus) or "none"
    trouble = "fits several NVIDIA GPUs" if matches else "is no NVIDIA GPU of this machine"
    raise RefusedError(f"The GPU {name} that the configuration names {trouble}: there is {there}.")


def _is_called(gpu: Gpu, name: str) -> bool:
    if _INDEX.fullmatch(name):
        return gpu.index == int(name)
    if address := kernel_address(name):
        return gpu.pci == address
    return gpu.uuid.upper().startswith(name.upper())
