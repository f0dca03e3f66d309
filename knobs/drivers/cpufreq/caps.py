"""What else holds the clocks down, through the same limits that a user sets or beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from knobs.attributes import optional_number, optional_text
from knobs.contract import DeviceError
from knobs.drivers.cpufreq.names import INTEL_PSTATE
from knobs.drivers.cpufreq.policy import Policy
from knobs.drivers.thermal import ThermalCaps
from knobs.sysfs import KernelFiles

CPU_COOLING = re.compile(r"cpu|processor|powerclamp", re.IGNORECASE)
"""Cooling devices of CPUs: ``cpufreq-cpu0``, ``thermal-cpufreq-0``, ``Processor``, ``intel_powerclamp``."""

_EVERYTHING_PERCENT = 100


@dataclass(frozen=True)
class ClockCaps(ThermalCaps):
    """The caps that lower a limit of these policies as it reads.

    Attributes:
        policies: The policies.
    """

    policies: tuple[Policy, ...] = ()

    def active(self) -> tuple[str, ...]:
        """Returns the caps in force as clauses: of cooling devices, of the firmware and of intel_pstate."""
        return (*super().active(), *firmware_caps(self.policies), *performance_cap(self.files, passive=True))

    def wait_until_limits_show(self, what: str) -> None:
        """Returns once the limits that are read are the user's own.

        Raises:
            DeviceError: A cap stays that may hide them.
        """
        self.wait_until_gone(what, lambda: any(policy.is_lowered for policy in self.policies))


def firmware_caps(policies: Iterable[Policy]) -> tuple[str, ...]:
    """Returns where the firmware (ACPI's _PPC, shown as ``bios_limit``) allows less than the table of frequencies."""
    clauses = []
    for policy in policies:
        try:
            limit_khz = policy.khz("bios_limit") if policy.has("bios_limit") else 0
            if limit_khz and limit_khz < max(policy.frequencies_khz("scaling_available_frequencies"), default=0):
                clauses.append(f"the firmware holds {policy.name} at {limit_khz // 1000} MHz")
        except DeviceError:
            continue
    return tuple(clauses)


def performance_cap(files: KernelFiles, *, passive: bool) -> tuple[str, ...]:
    """Returns whether intel_pstate's own limit, a percentage, is below everything.

    Args:
        files: The kernel's files.
        passive: Whether it counts only where it lowers the policies' limits, as the passive mode does.
    """
    percent = optional_number(files, f"{INTEL_PSTATE}/max_perf_pct")
    if percent is None or percent >= _EVERYTHING_PERCENT:
        return ()
    if passive and optional_text(files, f"{INTEL_PSTATE}/status") != "passive":
        return ()
    return (f"{INTEL_PSTATE}/max_perf_pct holds the clock at {percent} % of the highest",)
