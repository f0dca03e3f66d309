"""The knobs and the monitor of this machine's CPUs."""

from __future__ import annotations

import time
from collections.abc import Callable

from knobs.attributes import optional_text
from knobs.contract import Absence
from knobs.drivers.cpu_online import find_cores_online
from knobs.drivers.cpufreq.names import GOVERNOR_ID, INTEL_PSTATE, max_id, min_id
from knobs.drivers.cpufreq.policy import CPUFREQ, find_policies
from knobs.found import Found, Wishes, merged
from knobs.sysfs import KernelFiles

_ALWAYS_EXPECTED = (max_id("cpu.core"), min_id("cpu.core"), GOVERNOR_ID)


def find_cpu(
    files: KernelFiles,
    wishes: Wishes,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """Returns the knobs and the monitor of the CPUs, and the reason for each knob that is absent; writes nothing.

    Args:
        files: The kernel's files.
        wishes: What the operator allows.
        clock: The monotonic clock.
        sleep: Waits for some seconds.
    """
    return merged([_find_clocks(files, clock, sleep), find_cores_online(files, wishes, sleep)])


def _find_clocks(files: KernelFiles, clock: Callable[[], float], sleep: Callable[[float], None]) -> Found:
    policies = find_policies(files, clock, sleep)
    if not any(policy.cpus() for policy in policies):
        reason, fix = _why_no_policies(files)
        return Found(absent=tuple(Absence(knob_id, reason, fix) for knob_id in _ALWAYS_EXPECTED))
    from knobs.drivers.cpufreq.clocks import Clocks  # only here: most virtual machines have none

    return Clocks(files, policies, clock, sleep).found()


def _why_no_policies(files: KernelFiles) -> tuple[str, str]:
    """Returns why this machine's clocks cannot be set, and what to do about it."""
    if optional_text(files, f"{INTEL_PSTATE}/status") == "off":
        return "the driver intel_pstate is switched off", f"write active to {INTEL_PSTATE}/status"
    return (
        f"the kernel shows no clock policies in {CPUFREQ}; in a virtual machine the hypervisor controls the clocks",
        "run on bare metal; there, enable CPU frequency scaling in the firmware and load its driver",
    )
