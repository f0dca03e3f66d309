"""Levels of memory of GPUs: no interface tells the size of their L1, so that they stand here with their source.

L1 is what one streaming multiprocessor (SM) has for its L1 cache and its shared memory together, as NVIDIA states it;
how much of it caches depends on the kernel that runs. Memory is the whole of it as sold; on a Jetson the CPU shares it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.errors import NotFoundError

_KIB, _MIB, _GIB = 1 << 10, 1 << 20, 1 << 30

_VOLTA = "NVIDIA Tesla V100 GPU Architecture (white paper)"
_TURING = "NVIDIA Turing GPU Architecture (white paper)"
_AMPERE = "NVIDIA A100 Tensor Core GPU Architecture (white paper)"
_GA10X = "NVIDIA Ampere GA102 GPU Architecture (white paper)"
_HOPPER = "NVIDIA H100 Tensor Core GPU Architecture (white paper)"
_ADA = "NVIDIA Ada GPU Architecture (white paper), and the card's product brief"
_TX2 = "NVIDIA Jetson TX2 Series Module Data Sheet, and NVIDIA Pascal Tuning Guide"
_XAVIER = "NVIDIA Jetson AGX Xavier Series Module Data Sheet"
_ORIN = "NVIDIA Jetson AGX Orin Series Technical Brief"


@dataclass(frozen=True)
class _Gpu:
    title: str
    multiprocessors: int
    l1_kib: int
    l2_kib: int
    memory_gib: int
    source: str


_GPUS = {
    "v100": _Gpu("NVIDIA V100 16 GB", 80, 128, 6144, 16, _VOLTA),
    "v100-32gb": _Gpu("NVIDIA V100 32 GB", 80, 128, 6144, 32, _VOLTA),
    "t4": _Gpu("NVIDIA T4", 40, 96, 4096, 16, _TURING),
    "a100": _Gpu("NVIDIA A100 40 GB", 108, 192, 40960, 40, _AMPERE),
    "a100-80gb": _Gpu("NVIDIA A100 80 GB", 108, 192, 40960, 80, _AMPERE),
    "a10": _Gpu("NVIDIA A10", 72, 128, 6144, 24, _GA10X),
    "rtx-3090": _Gpu("NVIDIA GeForce RTX 3090", 82, 128, 6144, 24, _GA10X),
    "h100": _Gpu("NVIDIA H100 SXM5 80 GB", 132, 256, 51200, 80, _HOPPER),
    "h100-pcie": _Gpu("NVIDIA H100 PCIe 80 GB", 114, 256, 51200, 80, _HOPPER),
    "l4": _Gpu("NVIDIA L4", 58, 128, 49152, 24, _ADA),
    "l40s": _Gpu("NVIDIA L40S", 142, 128, 98304, 48, _ADA),
    "rtx-4090": _Gpu("NVIDIA GeForce RTX 4090", 128, 128, 73728, 24, _ADA),
    "jetson-tx2": _Gpu("NVIDIA Jetson TX2", 2, 48, 512, 8, _TX2),
    "jetson-agx-xavier": _Gpu("NVIDIA Jetson AGX Xavier 32 GB", 8, 128, 512, 32, _XAVIER),
    "jetson-agx-orin": _Gpu("NVIDIA Jetson AGX Orin 64 GB", 16, 192, 4096, 64, _ORIN),
}

KNOWN_DEVICES = tuple(_GPUS)
"""Names of the devices whose levels are known."""


def known_hierarchy(name: str) -> MemoryHierarchy:
    """Returns the levels of a device of the table.

    Raises:
        NotFoundError: It is not in the table.
    """
    gpu = _GPUS.get(name.lower())
    if gpu is None:
        raise NotFoundError(
            f"The caches of '{name}' are not known: name one of {', '.join(KNOWN_DEVICES)}, or describe them in a "
            "file, --caches FILE."
        )
    return MemoryHierarchy(
        device=gpu.title,
        levels=(
            MemoryLevel("L1", gpu.l1_kib * _KIB, units=gpu.multiprocessors),
            MemoryLevel("L2", gpu.l2_kib * _KIB, shared_by=gpu.multiprocessors),
            MemoryLevel("memory", gpu.memory_gib * _GIB, shared_by=gpu.multiprocessors),
        ),
        source=gpu.source,
    )
