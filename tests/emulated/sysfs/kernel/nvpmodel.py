"""NVIDIA's power modes: a program that rewrites clocks and cores behind everybody's back, and its two files."""

from __future__ import annotations

from dataclasses import dataclass

from tests.emulated.sysfs.kernel.devfreq import DEVFREQ_CLASS
from tests.emulated.sysfs.kernel.hotplug import CPU_FOLDER
from tests.emulated.sysfs.tree import Attribute, Tree, constant

STATUS_PATH = "/var/lib/nvpmodel/status"
CONFIGURATION_PATH = "/etc/nvpmodel.conf"

UNLIMITED = -1
_WRITTEN_FOR_UNLIMITED = 2**63 - 1


@dataclass(frozen=True)
class PowerMode:
    """One mode.

    Attributes:
        number: Its ID.
        name: ``MAXN``, ``MODE_15W``.
        cpus_online: The CPUs that run.
        cpu_max_khz: The highest clock of the CPUs.
        gpu_max_hz: The highest clock of the GPU.
        emc_max_hz: The memory's cap.
        cpu_min_khz: The lowest clock of the CPUs; Orin's modes raise it.
        mask: Units of the GPU that are switched off; a change needs a reboot.
    """

    number: int
    name: str
    cpus_online: tuple[int, ...]
    cpu_max_khz: int = UNLIMITED
    gpu_max_hz: int = UNLIMITED
    emc_max_hz: int = UNLIMITED
    cpu_min_khz: int = 0
    mask: int = 0


@dataclass(frozen=True)
class PowerModePaths:
    """Where a mode's values go.

    Attributes:
        policies: The first CPU of each frequency policy.
        gpu: The name of the GPU's devfreq device.
        memory_cap: The file of the memory's cap.
        memory_uncapped: What a mode that does not cap the memory says: 0 up to JetPack 5, since then as for all else.
    """

    policies: tuple[int, ...]
    gpu: str
    memory_cap: str
    memory_uncapped: int = UNLIMITED


class NvpModel:
    """The power modes of a board.

    Attributes:
        current: The number of the mode in force.
        modes: By number.
    """

    def __init__(self, tree: Tree, paths: PowerModePaths, modes: tuple[PowerMode, ...], current: int) -> None:
        """Writes both files, and puts a mode in force, as at boot.

        Args:
            tree: The kernel's files, those of clocks and cores among them.
            paths: Where a mode's values go.
            modes: All of them.
            current: The number of the one in force.
        """
        self.modes = {mode.number: mode for mode in modes}
        self.current = current
        self._tree = tree
        self._paths = paths
        tree.add(STATUS_PATH, Attribute(show=lambda: f"pmode:{self.current:04d} fmode:quiet\n"))
        tree.add(CONFIGURATION_PATH, constant(self._configuration(current)))
        self.switch(current)

    def switch(self, number: int) -> None:
        """Does what ``nvpmodel -m NUMBER`` does."""
        mode = self.modes[number]
        for path, value in self._settings(mode):
            self._tree.attribute(path).write(f"{_WRITTEN_FOR_UNLIMITED if value == UNLIMITED else value}\n")
        self.current = number

    def _settings(self, mode: PowerMode) -> list[tuple[str, int]]:
        """Returns what is written where: cores first, then for each clock the lowest out of the way of the highest."""
        cpus = sorted(cpu for other in self.modes.values() for cpu in other.cpus_online)
        online = {cpu: int(cpu in mode.cpus_online) for cpu in cpus}
        settings = [
            (f"{CPU_FOLDER}/cpu{cpu}/online", flag) for cpu, flag in sorted(online.items(), key=lambda i: -i[1])
        ]
        for policy in (cpu for cpu in self._paths.policies if online[cpu]):
            folder = f"{CPU_FOLDER}/cpu{policy}/cpufreq"
            settings += [
                (f"{folder}/scaling_min_freq", 0),
                (f"{folder}/scaling_max_freq", mode.cpu_max_khz),
                (f"{folder}/scaling_min_freq", mode.cpu_min_khz),
            ]
        gpu = f"{DEVFREQ_CLASS}/{self._paths.gpu}"
        settings += [(f"{gpu}/min_freq", 0), (f"{gpu}/max_freq", mode.gpu_max_hz)]
        return [*settings, (self._paths.memory_cap, self._memory_cap(mode))]

    def _memory_cap(self, mode: PowerMode) -> int:
        return self._paths.memory_uncapped if mode.emc_max_hz == UNLIMITED else mode.emc_max_hz

    def _configuration(self, default: int) -> str:
        gpu = f"{DEVFREQ_CLASS}/{self._paths.gpu}"
        lines = ["< PARAM TYPE=FILE NAME=CPU_ONLINE >"]
        cpus = sorted({cpu for mode in self.modes.values() for cpu in mode.cpus_online})
        lines += [f"CORE_{cpu} {CPU_FOLDER}/cpu{cpu}/online" for cpu in cpus]
        for policy in self._paths.policies:
            folder = f"{CPU_FOLDER}/cpu{policy}/cpufreq"
            lines += ["", f"< PARAM TYPE=CLOCK NAME=CPU_{policy} >"]
            lines += [f"FREQ_TABLE {folder}/scaling_available_frequencies"]
            lines += [f"MAX_FREQ {folder}/scaling_max_freq", f"MIN_FREQ {folder}/scaling_min_freq"]
        lines += ["", "< PARAM TYPE=CLOCK NAME=GPU >", f"FREQ_TABLE {gpu}/available_frequencies"]
        lines += [f"MAX_FREQ {gpu}/max_freq", f"MIN_FREQ {gpu}/min_freq"]
        lines += ["", "< PARAM TYPE=CLOCK NAME=EMC >", f"MAX_FREQ {self._paths.memory_cap}"]
        for mode in self.modes.values():
            lines += ["", *self._model(mode, cpus)]
        return "\n".join([*lines, "", f"< PM_CONFIG DEFAULT={default} >", ""])

    def _model(self, mode: PowerMode, cpus: list[int]) -> list[str]:
        lines = [f"< POWER_MODEL ID={mode.number} NAME={mode.name} >"]
        lines += [f"CPU_ONLINE CORE_{cpu} {int(cpu in mode.cpus_online)}" for cpu in cpus]
        for policy in self._paths.policies:
            lines += [f"CPU_{policy} MIN_FREQ {mode.cpu_min_khz}", f"CPU_{policy} MAX_FREQ {mode.cpu_max_khz}"]
        lines += ["GPU MIN_FREQ 0", f"GPU MAX_FREQ {mode.gpu_max_hz}"]
        if mode.mask:
            lines.append(f"TPC_POWER_GATING TPC_PG_MASK {mode.mask}")
        return [*lines, f"EMC MAX_FREQ {self._memory_cap(mode)}"]
