"""Desktops and servers without a GPU: what their processors offer."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulation.realtime import RealTimeDevice
from tests.emulated.sysfs.kernel.cpufreq_drivers import ContinuousClocks, acpi_cpufreq, amd_pstate, intel_pstate
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER, Cpus
from tests.emulated.sysfs.kernel.hwmon_class import next_hwmon
from tests.emulated.sysfs.kernel.powercap import Constraint, Zone
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.physics import Physics
from tests.emulated.sysfs.tree import Tree

_RYZEN_CLOCKS = ContinuousClocks(lowest_khz=400_000, nominal_khz=4_700_000, highest_khz=5_573_000)
_XEON_CLOCKS = ContinuousClocks(lowest_khz=800_000, nominal_khz=2_400_000, highest_khz=3_500_000)
_ACPI_CLOCKS_KHZ = (1_200_000, 1_400_000, 1_600_000, 1_800_000, 2_000_000, 2_200_000, 2_400_000, 2_401_000)

_PLATFORM_OVERHEAD = 1.25
"""Power of the whole platform over that of packages and memory. Assumed."""


@dataclass(kw_only=True)
class Processor(Machine):
    """A machine whose CPUs count their energy.

    Attributes:
        physics: The truth behind its files: the power of packages and memory together.
        zones: The energy counters, by place (``intel-rapl:0``).
    """

    physics: Physics
    zones: dict[str, Zone] = field(default_factory=dict)


def ryzen(
    device: RealTimeDevice | None = None,
    *,
    generation: Generation = Generation.K6_12,
    cores: int = 8,
    active: bool = True,
) -> Processor:
    """Returns an AMD Ryzen desktop: amd-pstate, counters of the package and its cores, a temperature.

    Args:
        device: The virtual device behind it, if any.
        generation: The kernel.
        cores: How many CPUs.
        active: Whether amd-pstate governs itself (amd-pstate-epp).
    """
    tree = Tree()
    cpus = Cpus(tree, cores, boot_cpu_stays=True)
    frequency = amd_pstate(tree, generation, cpus, _RYZEN_CLOCKS, active=active)
    physics = Physics(device, power_w=45.0)
    physics.drive_cpus(frequency.policies)
    sensor = next_hwmon(tree, "/sys/devices/pci0000:00/0000:00:18.3", "k10temp")
    sensor.add("temp1_input", lambda: round(physics.temperature_c() * 1000))
    sensor.add("temp1_label", "Tctl")
    shares = {"intel-rapl:0": ("package-0", 1.0), "intel-rapl:0:0": ("core", 0.6)}
    return Processor(
        name="ryzen",
        generation=generation,
        tree=tree,
        cpus=cpus,
        cpu_frequency=frequency,
        physics=physics,
        zones=_zones(tree, generation, physics, shares),
    )


def xeon(
    device: RealTimeDevice | None = None,
    *,
    generation: Generation = Generation.K6_1,
    cores: int = 8,
    active: bool = True,
) -> Processor:
    """Returns a server of two Intel Xeon packages with memory of their own, and a counter of the whole platform.

    Args:
        device: The virtual device behind it, if any.
        generation: The kernel.
        cores: How many CPUs, half of them in each package.
        active: Whether intel_pstate governs itself; otherwise it is intel_cpufreq.
    """
    tree = Tree()
    cpus = Cpus(tree, cores, boot_cpu_stays=True, package_of=lambda cpu: cpu // (cores // 2))
    frequency = intel_pstate(tree, generation, cpus, _XEON_CLOCKS, active=active)
    physics = Physics(device, power_w=180.0)
    physics.drive_cpus(frequency.policies)
    for package in range(2):
        sensor = next_hwmon(tree, f"/sys/devices/platform/coretemp.{package}", "coretemp")
        sensor.add("temp1_input", lambda: round(physics.temperature_c() * 1000))
        sensor.add("temp1_label", f"Package id {package}")
    shares = {
        "intel-rapl:0": ("package-0", 0.45),
        "intel-rapl:0:0": ("dram", 0.08),
        "intel-rapl:1": ("package-1", 0.40),
        "intel-rapl:1:0": ("dram", 0.07),
        "intel-rapl:2": ("psys", _PLATFORM_OVERHEAD),
        "intel-rapl-mmio:0": ("package-0", 0.45),
    }
    return Processor(
        name="xeon",
        generation=generation,
        tree=tree,
        cpus=cpus,
        cpu_frequency=frequency,
        physics=physics,
        zones=_zones(tree, generation, physics, shares),
    )


def acpi_server(generation: Generation = Generation.K5_15, *, cores: int = 4) -> Machine:
    """Returns an older server with acpi-cpufreq, which lists its clocks."""
    tree = Tree()
    cpus = Cpus(tree, cores, boot_cpu_stays=True)
    frequency = acpi_cpufreq(tree, generation, cpus, _ACPI_CLOCKS_KHZ)
    return Machine(name="acpi-server", generation=generation, tree=tree, cpus=cpus, cpu_frequency=frequency)


def virtual_machine(generation: Generation = Generation.K6_1, *, cores: int = 2) -> Machine:
    """Returns a virtual machine: CPUs that come and go, and an empty folder where the clocks would be."""
    tree = Tree()
    cpus = Cpus(tree, cores, boot_cpu_stays=True)
    tree.add_folder(f"{CPU_FOLDER}/cpufreq")
    return Machine(name="vm", generation=generation, tree=tree, cpus=cpus)


def _zones(
    tree: Tree, generation: Generation, physics: Physics, shares: dict[str, tuple[str, float]]
) -> dict[str, Zone]:
    return {
        place: Zone(tree, generation, place, name, physics.share_j(share), _constraints(name))
        for place, (name, share) in shares.items()
    }


def _constraints(name: str) -> tuple[Constraint, ...]:
    long_term = Constraint("long_term", 125_000_000, 27_983_872, 205_000_000)
    if name.startswith("package-"):
        return long_term, Constraint("short_term", 150_000_000, 2_440, 205_000_000)
    return (long_term,)
