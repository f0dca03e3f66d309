"""Machines and moments that the tests of the CPU knobs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from knobs.contract import Knob
from knobs.drivers.cpufreq.find import find_cpu
from knobs.found import Found, Wishes
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.cpufreq_drivers import TEGRA194, table_driven
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import Cpus
from tests.emulated.sysfs.kernel.thermal import CoolingDevice, clock_cooling
from tests.emulated.sysfs.machines.jetson import tx2
from tests.emulated.sysfs.machines.jetson_boards import ORIN_NANO
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.tree import Tree, constant

CPU = "/sys/devices/system/cpu"
POLICY = f"{CPU}/cpufreq/policy"
ORIN_KHZ = ORIN_NANO.cpu_khz
CORTEX_A57, DENVER_2 = "0x00000000411fd073", "0x000000004e0f0030"


@dataclass
class Time:
    """A clock that moves only when somebody waits.

    Attributes:
        now_s: What it shows.
        events: What happens while somebody waits, by instant.
    """

    now_s: float = 0.0
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        due = [event for at_s, event in self.events if at_s <= self.now_s]
        self.events = [(at_s, event) for at_s, event in self.events if at_s > self.now_s]
        for event in due:
            event()


class LaggingFiles(TreeFiles):
    """Shows new limits only after somebody has waited, as kernels do that bring them into force from a work queue."""

    def __init__(self, tree: Tree, time: Time) -> None:
        super().__init__(tree)
        self.time = time
        self._shown: dict[str, str] = {}

    def write_text(self, path: str, text: str) -> None:
        folder = path.rpartition("/")[0]
        if path.endswith(("_min_freq", "_max_freq")):
            for limit in (f"{folder}/scaling_min_freq", f"{folder}/scaling_max_freq"):
                self._shown.setdefault(limit, self.read_text(limit))
            self.time.events.append((self.time.now_s + 0.01, self._shown.clear))
        super().write_text(path, text)

    def read_text(self, path: str) -> str:
        return self._shown.get(path) or super().read_text(path)


def orin(generation: Generation = Generation.K5_15) -> Machine:
    """The CPUs of a Jetson Orin Nano, two policies that are alike, on any kernel."""
    tree = Tree()
    cpus = Cpus(tree, 6, boot_cpu_stays=False)
    frequency = table_driven(tree, generation, cpus, TEGRA194, [((0, 1, 2, 3), ORIN_KHZ), ((4, 5), ORIN_KHZ)])
    return Machine(name="orin", generation=generation, tree=tree, cpus=cpus, cpu_frequency=frequency)


def orin_with_cooling(
    kind: str = "cpufreq-cpu0", generation: Generation = Generation.K5_15
) -> tuple[Machine, CoolingDevice]:
    """The same, and what takes one clock after another away from both policies."""
    machine = orin(generation)
    return machine, clock_cooling(machine.tree, kind, ORIN_KHZ, machine.cpu_frequency.cap)


def tx2_with_identified_cores() -> Machine:
    """A Jetson TX2 whose kernel shows the makes of its cores, Cortex-A57 and Denver 2."""
    machine = tx2()
    for cpu in machine.cpus.all:
        part = DENVER_2 if cpu in (1, 2) else CORTEX_A57
        machine.tree.add(f"{CPU}/cpu{cpu}/regs/identification/midr_el1", constant(f"{part}\n"))
    return machine


def found_on(machine: Machine, time: Time | None = None, wishes: Wishes | None = None) -> Found:
    return found_in(machine.files(), time, wishes)


def found_in(files: TreeFiles, time: Time | None = None, wishes: Wishes | None = None) -> Found:
    moments = time or Time()
    return find_cpu(files, wishes or Wishes(), moments.clock, moments.sleep)


def knob_of(found: Found, knob_id: str) -> Knob:
    return next(knob for knob in found.knobs if knob.spec.id == knob_id)


def limits(machine: Machine) -> list[tuple[int, int]]:
    """What every policy's limits read, in kHz."""
    return [(policy.limits.lowest_khz, policy.limits.highest_khz) for policy in machine.cpu_frequency.policies]
