"""Facts about the machine and the software, for the record of a study."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles


def wattune_version() -> str:
    """Returns the version of this program; ``unknown`` where it runs from a checkout that was never installed."""
    try:
        return version("wattune")
    except PackageNotFoundError:
        return "unknown"


def describe_machine(files: KernelFiles) -> dict[str, str]:
    """Returns facts by name: processor, cores, kernel, versions.

    Args:
        files: The kernel's files.
    """
    return {
        "processor": _processor(files) or platform.machine(),
        "architecture": platform.machine(),
        "cores": str(os.cpu_count() or 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "wattune": wattune_version(),
    }


def _processor(files: KernelFiles) -> str:
    """Returns the processor's name as x86 and Arm kernels give it; empty if they do not."""
    try:
        lines = files.read_text("/proc/cpuinfo").splitlines()
    except DeviceError:
        return ""
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model", "Hardware")))
    return next(named, "")
