"""The same configuration set without the keeper: by NVML calls, and by system calls on the kernel's files.

*Bare* is each knob written and read back. *Careful* reads before it writes, too: without that, nothing could be taken
back when a later knob is refused. A lock of an NVIDIA clock has no getter, so that it is one call either way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pynvml

from knobs.contract import Value

Configuration = Mapping[str, Value]

_WATTS = 1000
_KILOHERTZ = 1000
_HERTZ = 1_000_000


@dataclass(frozen=True)
class ByHand:
    """Sets a configuration in two ways.

    Attributes:
        bare: Writes and reads back.
        careful: Reads, writes and reads back.
    """

    bare: Callable[[Configuration], None]
    careful: Callable[[Configuration], None]


GPU_CONFIGURATIONS: tuple[Configuration, Configuration] = (
    {"gpu.core.max_mhz": 1005, "gpu.power.limit_w": 250},
    {"gpu.core.max_mhz": 1305, "gpu.power.limit_w": 350},
)


def by_nvml_calls() -> ByHand:
    """Sets the first GPU of the open library."""
    gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
    lowest_mhz = min(
        pynvml.nvmlDeviceGetSupportedGraphicsClocks(gpu, pynvml.nvmlDeviceGetSupportedMemoryClocks(gpu)[0])
    )

    def bare(values: Configuration) -> None:
        pynvml.nvmlDeviceSetGpuLockedClocks(gpu, lowest_mhz, int(values["gpu.core.max_mhz"]))
        pynvml.nvmlDeviceSetPowerManagementLimit(gpu, int(values["gpu.power.limit_w"]) * _WATTS)
        pynvml.nvmlDeviceGetPowerManagementLimit(gpu)

    def careful(values: Configuration) -> None:
        pynvml.nvmlDeviceGetPowerManagementLimit(gpu)
        bare(values)

    return ByHand(bare, careful)


BOARD_CONFIGURATIONS: tuple[Configuration, Configuration] = (
    {"gpu.core.max_mhz": 612, "memory.max_mhz": 2133, "cpu.core.max_mhz": 1190.4},
    {"gpu.core.max_mhz": 1224, "memory.max_mhz": 3199, "cpu.core.max_mhz": 2188.8},
)


def by_system_calls(root: Path) -> ByHand:
    """Sets a Jetson by its files.

    Args:
        root: Where its files are.
    """
    policies = (root / "sys/devices/system/cpu/cpufreq").glob("policy*/scaling_max_freq")
    units: dict[Path, tuple[str, int]] = {
        root / "sys/class/devfreq/17000000.gpu/max_freq": ("gpu.core.max_mhz", _HERTZ),
        root / "sys/kernel/nvpmodel_clk_cap/emc": ("memory.max_mhz", _HERTZ),
        **dict.fromkeys(policies, ("cpu.core.max_mhz", _KILOHERTZ)),
    }

    def bare(values: Configuration) -> None:
        for path, (knob_id, unit) in units.items():
            _write(path, round(float(values[knob_id]) * unit))
            _read(path)

    def careful(values: Configuration) -> None:
        for path in units:
            _read(path)
        bare(values)

    return ByHand(bare, careful)


PROCESS_CONFIGURATIONS: tuple[Configuration, Configuration] = ({"workload.cpu.cores": 1}, {"workload.cpu.cores": 2})


def by_scheduler_calls(pid: int) -> ByHand:
    """Confines a process to CPUs: two real system calls of this machine's kernel."""
    cpus = sorted(os.sched_getaffinity(pid))

    def bare(values: Configuration) -> None:
        os.sched_setaffinity(pid, cpus[: int(values["workload.cpu.cores"])])
        os.sched_getaffinity(pid)

    def careful(values: Configuration) -> None:
        os.sched_getaffinity(pid)
        bare(values)

    return ByHand(bare, careful)


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _write(path: Path, number: int) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, str(number).encode())
    finally:
        os.close(descriptor)
