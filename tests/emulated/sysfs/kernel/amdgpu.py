"""An AMD GPU as the amdgpu driver shows it (drivers/gpu/drm/amd/pm/amdgpu_pm.c, Documentation/gpu/amdgpu/)."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.emulated.sysfs.kernel.pci import PciDevice, pci_device
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

_LEVELS = (
    "auto", "low", "high", "manual", "profile_standard", "profile_min_sclk", "profile_min_mclk", "profile_peak",
    "perf_determinism",
)  # fmt: skip
_MICROWATTS_PER_WATT = 1_000_000
_LONGEST_COMMAND_BYTES = 127
_PADDING = "\0" * 60


@dataclass(frozen=True)
class PowerCap:
    """The limits of the power cap, in watts."""

    lowest_w: int
    default_w: int
    highest_w: int


@dataclass(frozen=True)
class OverdriveTable:
    """What overdrive may do with the core clock, in MHz."""

    lowest_mhz: int
    highest_mhz: int
    range_mhz: tuple[int, int]
    title: str = "OD_SCLK"
    padded: bool = False


@dataclass
class AmdGpuFacts:
    """What a model has.

    Attributes:
        pci_id: Vendor and device.
        core_mhz: Levels of the core clock; three where it moves in fine steps.
        memory_mhz: Levels of the memory clock; empty where there is no such file.
        fine_grained: Whether the middle row of the core clock is the present one and no level.
        overdrive: The overdrive table; None where overdrive is off.
        cap: The power cap; None where there is none.
        powers: The files that show power.
        integrated: Whether it is an APU.
        deep_sleep: Whether the core clock shows a row ``S`` while it idles.
    """

    pci_id: str
    core_mhz: tuple[int, ...]
    memory_mhz: tuple[int, ...] = ()
    fine_grained: bool = False
    overdrive: OverdriveTable | None = None
    cap: PowerCap | None = None
    powers: tuple[str, ...] = ("power1_average",)
    integrated: bool = False
    deep_sleep: bool = False


@dataclass
class EmulatedAmdGpu:
    """One GPU of a tree.

    Attributes:
        facts: What the model has.
        pci: Where it is plugged in.
        level: The performance level in force.
        masks: The allowed levels in force, by clock file; all of them unless the level is ``manual``.
        in_reset: Set it to make every access fail with EPERM.
        power_w: What it draws.
        busy_percent: How busy it is.
        temperature_c: How hot the core is.
    """

    facts: AmdGpuFacts
    pci: PciDevice
    level: str = "auto"
    masks: dict[str, int] = field(default_factory=dict)
    in_reset: bool = False
    power_w: float = 40.0
    busy_percent: int = 0
    temperature_c: float = 50.0
    highest_mhz: int = 0
    committed_mhz: int = 0
    cap_microwatts: int = 0

    @property
    def state(self) -> tuple[object, ...]:
        """Everything that a write can change."""
        return self.level, tuple(sorted(self.masks.items())), self.highest_mhz, self.committed_mhz, self.cap_microwatts

    @property
    def core_mhz(self) -> int:
        """The core clock while the GPU is busy: the highest that is allowed."""
        return self._clock("pp_dpm_sclk", self.facts.core_mhz, "profile_min_sclk", self.committed_mhz)

    @property
    def memory_mhz(self) -> int:
        """The memory clock while the GPU is busy."""
        return self._clock("pp_dpm_mclk", self.facts.memory_mhz, "profile_min_mclk", 0)

    def _clock(self, file: str, levels: tuple[int, ...], lowest_at: str, ceiling_mhz: int) -> int:
        if self.level in ("low", lowest_at):
            return levels[0]
        allowed = [mhz for number, mhz in enumerate(levels) if self.masks[file] >> number & 1]
        return min(allowed[-1], ceiling_mhz) if ceiling_mhz else allowed[-1]


def add_amdgpu(tree: Tree, address: str, card: int, facts: AmdGpuFacts) -> EmulatedAmdGpu:
    """Plugs a GPU into a machine.

    Args:
        tree: The machine.
        address: Its PCI address.
        card: Its number in the DRM class.
        facts: What the model has.
    """
    pci = pci_device(tree, address, "amdgpu", facts.pci_id, card)
    gpu = EmulatedAmdGpu(facts, pci)
    if facts.overdrive:
        gpu.highest_mhz = gpu.committed_mhz = facts.overdrive.highest_mhz
    if facts.cap:
        gpu.cap_microwatts = facts.cap.default_w * _MICROWATTS_PER_WATT
    files = _Files(gpu)
    files.allow_all()
    files.add_clocks(pci.folder)
    files.add_sensors(pci.folder.folder(f"hwmon/hwmon{card + 3}"))
    return gpu


class _Files:
    """The functions behind one GPU's files."""

    def __init__(self, gpu: EmulatedAmdGpu) -> None:
        self._gpu = gpu
        self._facts = gpu.facts

    def allow_all(self) -> None:
        """What every level but ``manual`` means for the lists of levels."""
        self._gpu.masks = {
            "pp_dpm_sclk": (1 << len(self._facts.core_mhz)) - 1,
            "pp_dpm_mclk": (1 << len(self._facts.memory_mhz)) - 1,
        }

    def add_clocks(self, folder: Folder) -> None:
        show, store = self._show, self._store
        folder.add("power_dpm_force_performance_level", show(lambda: self._gpu.level), store(self._set_level))
        core = show(lambda: self._rows("pp_dpm_sclk", self._facts.core_mhz))
        folder.add("pp_dpm_sclk", core, store(lambda text: self._set_mask("pp_dpm_sclk", text)))
        if self._facts.memory_mhz:
            memory = show(lambda: self._rows("pp_dpm_mclk", self._facts.memory_mhz))
            folder.add("pp_dpm_mclk", memory, store(lambda text: self._set_mask("pp_dpm_mclk", text)))
        folder.add("pp_od_clk_voltage", show(self._table), store(self._overdrive))
        folder.add("gpu_busy_percent", show(lambda: self._gpu.busy_percent))

    def add_sensors(self, folder: Folder) -> None:
        show = self._show
        folder.add("name", "amdgpu")
        folder.add("freq1_input", show(lambda: self._gpu.core_mhz * 1_000_000))
        folder.add("temp1_input", show(lambda: round(self._gpu.temperature_c * 1000)))
        folder.add("temp1_label", "edge")
        if self._facts.integrated:
            folder.add("in1_label", "vddnb")
        else:
            folder.add("temp1_crit", 100_000)
        if self._facts.memory_mhz:
            folder.add("freq2_input", show(lambda: self._gpu.memory_mhz * 1_000_000))
        for power in self._facts.powers:
            folder.add(power, show(lambda: round(self._gpu.power_w * _MICROWATTS_PER_WATT)))
        cap = self._facts.cap
        if cap is not None:
            folder.add("power1_cap", show(lambda: self._gpu.cap_microwatts), self._store(self._set_cap))
            folder.add("power1_cap_min", cap.lowest_w * _MICROWATTS_PER_WATT)
            folder.add("power1_cap_default", cap.default_w * _MICROWATTS_PER_WATT)
            folder.add("power1_cap_max", cap.highest_w * _MICROWATTS_PER_WATT)

    def _show(self, show: Callable[[], object]) -> Callable[[], str]:
        def checked() -> str:
            self._require_access()
            self._gpu.pci.touch()
            return str(show())

        return checked

    def _store(self, store: Callable[[str], None]) -> Callable[[str], None]:
        def checked(text: str) -> None:
            self._require_access()
            self._gpu.pci.touch()
            store(text)

        return checked

    def _require_access(self) -> None:
        if self._gpu.in_reset:
            raise kernel_error(errno.EPERM)

    def _set_level(self, text: str) -> None:
        level = next((level for level in sorted(_LEVELS, key=len, reverse=True) if text.startswith(level)), None)
        if level is None:
            raise kernel_error(errno.EINVAL)
        if level != "manual":
            self.allow_all()
        self._gpu.level = level

    def _set_mask(self, file: str, text: str) -> None:
        levels = self._facts.core_mhz if file == "pp_dpm_sclk" else self._facts.memory_mhz
        try:
            numbers = [int(word) for word in text.split()]
        except ValueError:
            raise kernel_error(errno.EINVAL) from None
        if not numbers or not all(0 <= number < len(levels) for number in numbers) or self._gpu.level != "manual":
            raise kernel_error(errno.EINVAL)
        self._gpu.masks[file] = sum(1 << number for number in set(numbers))

    def _rows(self, file: str, levels: tuple[int, ...]) -> str:
        present = self._gpu.core_mhz if file == "pp_dpm_sclk" else self._gpu.memory_mhz
        sleeping = self._facts.deep_sleep and not self._gpu.busy_percent
        rows = ["S: 19Mhz *"] if sleeping else []
        shown = list(levels)
        if self._facts.fine_grained and file == "pp_dpm_sclk":
            shown = [levels[0], 31 if not self._gpu.busy_percent else present, levels[-1]]
            present = shown[1]
        rows += [f"{row}: {mhz}Mhz {'*' if mhz == present and not sleeping else ''}" for row, mhz in enumerate(shown)]
        return "\n".join(rows)

    def _table(self) -> str:
        table = self._facts.overdrive
        if table is None:
            return ""
        padding = _PADDING if table.padded else ""
        return (
            f"{table.title}:\n0: {table.lowest_mhz}Mhz\n1: {self._gpu.highest_mhz}Mhz\n{padding}"
            f"OD_VDDGFX_OFFSET:\n0mV\n{padding}OD_RANGE:\n"
            f"SCLK:     {table.range_mhz[0]}Mhz       {table.range_mhz[1]}Mhz\n{padding}"
        )

    def _overdrive(self, text: str) -> None:
        table = self._facts.overdrive
        words = text.split()
        if table is None or self._gpu.level != "manual" or len(text) > _LONGEST_COMMAND_BYTES:
            raise kernel_error(errno.EINVAL)
        if words == ["c"]:
            self._gpu.committed_mhz = self._gpu.highest_mhz
        elif words == ["r"]:
            self._gpu.highest_mhz = table.highest_mhz
        elif len(words) == 3 and words[:2] == ["s", "1"] and words[2].isdigit():
            mhz = int(words[2])
            if not max(table.range_mhz[0], table.lowest_mhz) <= mhz <= table.range_mhz[1]:
                raise kernel_error(errno.EINVAL)
            self._gpu.highest_mhz = mhz
        else:
            raise kernel_error(errno.EINVAL)

    def _set_cap(self, text: str) -> None:
        cap = self._facts.cap
        if cap is None or not text.isdigit():
            raise kernel_error(errno.EINVAL)
        watts = int(text) // _MICROWATTS_PER_WATT
        if not cap.lowest_w <= watts <= cap.highest_w:
            raise kernel_error(errno.EINVAL)
        self._gpu.cap_microwatts = watts * _MICROWATTS_PER_WATT
