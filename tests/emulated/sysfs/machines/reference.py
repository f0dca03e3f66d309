"""The machine of the golden traces: what ran in QEMU, with two CPUs of an Orin Nano and a counter of a desktop."""

from __future__ import annotations

from tests.emulated.sysfs.kernel.cpufreq_drivers import TEGRA194, table_driven
from tests.emulated.sysfs.kernel.devfreq import Devfreq
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import Cpus
from tests.emulated.sysfs.kernel.powercap import Constraint, Zone
from tests.emulated.sysfs.machines.jetson_boards import ORIN_NANO_SUPER
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.tree import Tree


def reference(generation: Generation) -> Machine:
    """Returns the machine with a kernel of a generation."""
    tree = Tree()
    cpus = Cpus(tree, 2, boot_cpu_stays=True)
    frequency = table_driven(tree, generation, cpus, TEGRA194, [((0, 1), ORIN_NANO_SUPER.cpu_khz)])
    Devfreq(tree, generation, "/sys/devices/platform/17000000.gpu", ORIN_NANO_SUPER.gpu_hz, ("simple_ondemand",))
    limit = Constraint("long_term", 65_000_000, 27_983_872, 65_000_000)
    Zone(tree, generation, "intel-rapl:0", "package-0", lambda: 0.0, (limit,))
    return Machine(name="reference", generation=generation, tree=tree, cpus=cpus, cpu_frequency=frequency)
