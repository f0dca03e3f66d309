"""The scaling drivers: what each offers for a machine's CPUs.

Sources: the kernel's Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst and the drivers themselves.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from tests.emulated.sysfs.kernel.cpufreq import OWN_GOVERNORS, POLICIES, Policy, PolicyDriver
from tests.emulated.sysfs.kernel.energy_preference import EnergyPreference
from tests.emulated.sysfs.kernel.frequency_limits import Range
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER, Cpus
from tests.emulated.sysfs.kernel.parsing import boolean, scanned_unsigned
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

TEGRA_4_9 = PolicyDriver("tegra_cpufreq")
TEGRA194 = PolicyDriver("tegra194")
CPUFREQ_DT = PolicyDriver("cpufreq-dt", governor="ondemand")
ACPI = PolicyDriver("acpi-cpufreq", latency_ns=10_000, descending=True)
INTEL_ACTIVE = PolicyDriver("intel_pstate", OWN_GOVERNORS, "powersave", reports_hardware_clock=False, latency_ns=0)
INTEL_PASSIVE = PolicyDriver("intel_cpufreq", reports_hardware_clock=False, latency_ns=20_000)
AMD_ACTIVE = PolicyDriver("amd-pstate-epp", OWN_GOVERNORS, "powersave", reports_hardware_clock=False, latency_ns=0)
AMD_PASSIVE = PolicyDriver("amd-pstate", reports_hardware_clock=False, latency_ns=20_000)


class Boost:
    """Clocks above the nominal one.

    Attributes:
        on: Whether they may be taken.
        forbidden: Whether the firmware has switched them off for good.
    """

    def __init__(self, policies: Sequence[Policy], nominal_khz: int, *, lowers_limits: bool) -> None:
        """Starts with boost on.

        Args:
            policies: The policies.
            nominal_khz: The highest clock without boost.
            lowers_limits: Whether the limits show it when boost goes off; with ACPI only the clock delivered does.
        """
        self.on = True
        self.forbidden = False
        self._highest_khz = {policy: policy.clocks.highest_khz for policy in policies}
        self._nominal_khz = nominal_khz
        self._lowers_limits = lowers_limits
        for policy in policies:
            policy.ceiling_khz = lambda: None if self.on else nominal_khz

    def set(self, on: bool) -> None:
        """Switches boost."""
        self.on = on
        if self._lowers_limits:
            for policy, khz in self._highest_khz.items():
                policy.clocks.highest_khz = khz if on else min(khz, self._nominal_khz)
                policy.limits.resolve()


@dataclass
class CpuFrequency:
    """The policies of a machine, and what governs them all.

    Attributes:
        policies: In the order of their first CPUs.
        preferences: The energy performance preference of each policy, where there is one.
        boost: Clocks above the nominal one; None where there is no switch.
    """

    policies: tuple[Policy, ...]
    preferences: tuple[EnergyPreference, ...] = ()
    boost: Boost | None = None

    def cap(self, name: str, khz: int | None) -> None:
        """Sets or lifts a cooling device's cap on all policies."""
        for policy in self.policies:
            policy.limits.cap(name, khz)


def table_driven(
    tree: Tree,
    generation: Generation,
    cpus: Cpus,
    driver: PolicyDriver,
    clusters: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
) -> CpuFrequency:
    """Makes the policies of a driver with a table of clocks, as on ARM.

    Args:
        tree: The kernel's files.
        generation: The kernel.
        cpus: The CPUs.
        driver: The scaling driver.
        clusters: For each policy its CPUs and its clocks in kHz, ascending.
    """
    return CpuFrequency(
        tuple(
            Policy(tree, generation, cpus, members, Range(table[0], table[-1], table), driver)
            for members, table in clusters
        )
    )


def acpi_cpufreq(tree: Tree, generation: Generation, cpus: Cpus, table_khz: tuple[int, ...]) -> CpuFrequency:
    """Makes one policy a CPU, with ``cpufreq/boost``.

    Args:
        tree: The kernel's files.
        generation: The kernel.
        cpus: The CPUs.
        table_khz: The clocks, ascending; as with real ACPI tables, the last is 1 MHz above the nominal one and
            stands for boost.
    """
    clusters = [((cpu,), table_khz) for cpu in cpus.all]
    found = table_driven(tree, generation, cpus, ACPI, clusters)
    boost = Boost(found.policies, table_khz[-2], lowers_limits=False)
    Folder(tree, POLICIES).add("boost", lambda: int(boost.on), lambda text: boost.set(_boost_flag(generation, text)))
    return CpuFrequency(found.policies, boost=boost)


@dataclass(frozen=True)
class ContinuousClocks:
    """Clocks of a processor that has no table of them, in kHz."""

    lowest_khz: int
    nominal_khz: int
    highest_khz: int


def intel_pstate(
    tree: Tree, generation: Generation, cpus: Cpus, clocks: ContinuousClocks, *, active: bool = True
) -> CpuFrequency:
    """Makes one policy a CPU, with ``intel_pstate/{no_turbo,status,…}``; passive it is called intel_cpufreq."""
    policies = _one_a_cpu(tree, generation, cpus, clocks, INTEL_ACTIVE if active else INTEL_PASSIVE)
    for policy in policies:
        policy.add("base_frequency", lambda: clocks.nominal_khz)
    preferences = tuple(EnergyPreference(policy, takes_numbers=True, forced=active) for policy in policies)
    boost = Boost(policies, clocks.nominal_khz, lowers_limits=True)

    def store_no_turbo(text: str) -> None:
        off = scanned_unsigned(text, 32) != 0
        if boost.forbidden:
            raise kernel_error(errno.EPERM)
        boost.set(not off)

    folder = Folder(tree, f"{CPU_FOLDER}/intel_pstate")
    folder.add("status", "active" if active else "passive")
    folder.add("no_turbo", lambda: int(not boost.on), store_no_turbo)
    folder.add("num_pstates", (clocks.highest_khz - clocks.lowest_khz) // 100_000 + 1)
    folder.add("turbo_pct", 100 * (clocks.highest_khz - clocks.nominal_khz) // (clocks.highest_khz - clocks.lowest_khz))
    folder.add("max_perf_pct", 100)
    folder.add("min_perf_pct", 100 * clocks.lowest_khz // clocks.highest_khz)
    return CpuFrequency(policies, preferences, boost)


def amd_pstate(
    tree: Tree, generation: Generation, cpus: Cpus, clocks: ContinuousClocks, *, active: bool = True
) -> CpuFrequency:
    """Makes one policy a CPU, with ``cpufreq/boost`` and ``amd_pstate/{status,prefcore}``."""
    policies = _one_a_cpu(tree, generation, cpus, clocks, AMD_ACTIVE if active else AMD_PASSIVE)
    preferences = (
        tuple(EnergyPreference(policy, takes_numbers=False, forced=True) for policy in policies) if active else ()
    )
    boost = Boost(policies, clocks.nominal_khz, lowers_limits=True)

    def show() -> int:
        return int(boost.on)

    def store(text: str) -> None:
        boost.set(_boost_flag(generation, text))

    Folder(tree, POLICIES).add("boost", show, store)
    for policy in policies:
        policy.add("amd_pstate_max_freq", lambda: clocks.highest_khz)
        policy.add("amd_pstate_lowest_nonlinear_freq", lambda: clocks.lowest_khz * 2)
        policy.add("boost", show, store)
    folder = Folder(tree, f"{CPU_FOLDER}/amd_pstate")
    folder.add("status", "active" if active else "passive")
    folder.add("prefcore", "enabled")
    return CpuFrequency(policies, preferences, boost)


def _one_a_cpu(
    tree: Tree, generation: Generation, cpus: Cpus, clocks: ContinuousClocks, driver: PolicyDriver
) -> tuple[Policy, ...]:
    return tuple(
        Policy(tree, generation, cpus, (cpu,), Range(clocks.lowest_khz, clocks.highest_khz), driver) for cpu in cpus.all
    )


def _boost_flag(generation: Generation, text: str) -> bool:
    """As ``store_boost``: a number that must be 0 or 1, since 6.12 any boolean."""
    if generation >= Generation.K6_12:
        return boolean(text)
    number = scanned_unsigned(text, 32)
    if number > 1:
        raise kernel_error(errno.EINVAL)
    return bool(number)
