"""The least of a Jetson that its drivers need, part by part, so that a test can leave out, break or lie about each."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

ORIN_HZ = tuple(megahertz * 1_000_000 for megahertz in (306, 408, 510, 612, 714, 816, 918, 1020))
EMC_HZ = (204_000_000, 665_600_000, 2_133_000_000, 3_199_000_000)
NODE = "/sys/devices/platform/17000000.gpu"
CLASS = "/sys/class/devfreq/17000000.gpu"
BPMP = "/sys/kernel/debug/bpmp/debug"
CLK_CAP = "/sys/kernel/nvpmodel_clk_cap/emc"
ISO_CAP = "/sys/kernel/nvpmodel_emc_cap/emc_iso_cap"


class Devfreq:
    """A governed clock: as kernels since 5.5 take limits, or as those before did."""

    def __init__(self, table: Sequence[int] = ORIN_HZ, *, requests: bool = True) -> None:
        self.table = table
        self.requests = requests
        self.asked_min = table[0]
        self.asked_max = table[-1]
        self.cap = table[-1]
        self.now = table[0]

    @property
    def highest(self) -> int:
        return min(self.asked_max, self.cap)

    @property
    def lowest(self) -> int:
        return min(self.asked_min, self.highest)

    def store_min(self, text: str) -> None:
        hertz = max(self._parsed(text), self.table[0])
        if not self.requests and hertz > self.asked_max:
            raise kernel_error(errno.EINVAL)
        self.asked_min = hertz

    def store_max(self, text: str) -> None:
        hertz = min(self._parsed(text) or self.table[-1], self.table[-1])
        if not self.requests and hertz < self.asked_min:
            raise kernel_error(errno.EINVAL)
        self.asked_max = hertz

    @staticmethod
    def _parsed(text: str) -> int:
        if not text.isdigit():
            raise kernel_error(errno.EINVAL)
        return int(text)


class Memory:
    """The memory clock behind the BPMP, which reports success for whatever is written to it."""

    def __init__(self, rates: Sequence[int] = EMC_HZ) -> None:
        self.rates = rates
        self.locked = 0
        self.rate = rates[0]
        self.deaf = False

    def store_rate(self, text: str) -> None:
        if self.locked and not self.deaf:
            self.rate = max((rate for rate in self.rates if rate <= int(text)), default=self.rates[0])

    def store_lock(self, text: str) -> None:
        if not self.deaf:
            self.locked = int(text)


class Jetson:
    """A board without anything but its name; the methods add the parts."""

    def __init__(self, model: str = "NVIDIA Jetson Orin Nano Developer Kit", soc: str = "tegra234") -> None:
        self.tree = Tree()
        tree = Folder(self.tree, "/proc/device-tree")
        tree.add("model", f"{model}\0")
        tree.add("compatible", f"nvidia,p3768-0000+p3767-0005\0nvidia,{soc}\0")
        self.devfreq = Devfreq()
        self.memory = Memory()
        self.texts: dict[str, str] = {}

    def files(self, *, is_root: bool = True) -> TreeFiles:
        return TreeFiles(self.tree, is_root=is_root)

    def with_text(self, path: str, text: str, mode: int = 0o644) -> Jetson:
        """Adds a file that can be written and read."""
        self.texts[path] = text
        folder, _, name = path.rpartition("/")

        def store(written: str) -> None:
            self.texts[path] = written

        Folder(self.tree, folder).add(name, lambda: self.texts[path], store if mode & 0o222 else None, mode)
        return self

    def with_gpu(
        self,
        devfreq: Devfreq | None = None,
        name: str = "17000000.gpu",
        node: str = NODE,
        kind: str = "nvidia,ga10b",
        tree_name: str = "gpu",
    ) -> Jetson:
        """Adds the GPU below a device's folder, with its link in the class."""
        self.devfreq = clock = devfreq or self.devfreq
        folder = Folder(self.tree, f"{node}/devfreq/{name}")
        folder.add("available_frequencies", " ".join(map(str, clock.table)))
        folder.add("min_freq", lambda: clock.lowest, clock.store_min)
        folder.add("max_freq", lambda: clock.highest, clock.store_max)
        folder.add("cur_freq", lambda: clock.now)
        folder.link("device", node)
        if kind:
            Folder(self.tree, f"{node}/of_node").add("name", f"{tree_name}\0")
            Folder(self.tree, f"{node}/of_node").add("compatible", f"{kind}\0")
        Folder(self.tree, "/sys/class/devfreq").link(name, f"{node}/devfreq/{name}")
        return self

    def with_bpmp(self, *, lists: bool = True) -> Jetson:
        """Adds the memory clock in debugfs."""
        memory = self.memory
        clock = Folder(self.tree, f"{BPMP}/clk/emc")
        clock.add("rate", lambda: memory.rate, memory.store_rate, 0o600)
        clock.add("mrq_rate_locked", lambda: memory.locked, memory.store_lock, 0o600)
        if lists:
            kilohertz = " ".join(str(rate // 1000) for rate in memory.rates)
            Folder(self.tree, f"{BPMP}/emc").add("possible_rates", f"{kilohertz} (kHz)", mode=0o400)
        return self

    def with_clk_cap(self) -> Jetson:
        """Adds the cap as JetPack 6 has it: it shows a clock that exists, and rounds what is written to one."""
        rates, folder = self.memory.rates, CLK_CAP.rpartition("/")[0]
        self.texts[CLK_CAP] = str(rates[-1])

        def store(text: str) -> None:
            self.texts[CLK_CAP] = str(max((rate for rate in rates if rate <= int(text)), default=rates[0]))

        Folder(self.tree, folder).add("emc", lambda: self.texts[CLK_CAP], store, 0o664)
        return self

    def with_cooling(self, kind: str, number: int = 0) -> Jetson:
        """Adds a cooling device at rest."""
        folder = f"/sys/class/thermal/cooling_device{number}"
        return self.with_text(f"{folder}/type", kind).with_text(f"{folder}/cur_state", "0")

    def with_power_mode(self, number: int, table: str) -> Jetson:
        """Adds nvpmodel's files."""
        self.with_text("/etc/nvpmodel.conf", table)
        return self.with_text("/var/lib/nvpmodel/status", f"pmode:{number:04} fmode:quiet")

    def with_ina3221(self, number: int, rails: dict[int, tuple[str, int, int]], shunt_microohm: int = 5000) -> Jetson:
        """Adds a power sensor as JetPack 5 and later show it: label, mV and mA by channel."""
        folder = Folder(self.tree, f"/sys/class/hwmon/hwmon{number}")
        folder.add("name", "ina3221")
        folder.add("update_interval", 7)
        folder.add("samples", 1)
        folder.add("in7_label", "sum of shunt voltages")
        folder.add("in7_input", 999)
        for channel, (label, millivolts, milliamperes) in rails.items():
            folder.add(f"in{channel}_label", label)
            folder.add(f"in{channel}_enable", 1)
            folder.add(f"in{channel}_input", millivolts)
            folder.add(f"curr{channel}_input", milliamperes)
            folder.add(f"shunt{channel}_resistor", shunt_microohm)
        return self


class Time:
    """A clock that only goes on while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.on_sleep: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.on_sleep()
