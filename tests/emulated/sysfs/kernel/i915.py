"""An Intel GPU as the i915 driver shows it (drivers/gpu/drm/i915/gt/intel_gt_sysfs_pm.c, i915_hwmon.c)."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.emulated.sysfs.kernel.pci import PciDevice, pci_device
from tests.emulated.sysfs.tree import Folder, Tree, kernel_error

THROTTLE_REASONS = ("pl1", "pl2", "pl4", "thermal", "prochot", "ratl", "vr_tdc", "vr_thermalert")


@dataclass(frozen=True)
class IntelGpuFacts:
    """What a model has.

    Attributes:
        pci_id: Vendor and device.
        bottom_mhz: RPn.
        top_mhz: RP0.
        limit_w: Its sustained power limit; None where it has no sensors (integrated GPUs).
        rated_w: Its rated power; 0 where the firmware does not say.
    """

    pci_id: str
    bottom_mhz: int
    top_mhz: int
    limit_w: int | None = None
    rated_w: int = 0


@dataclass
class EmulatedIntelGpu:
    """One GPU of a tree.

    Attributes:
        facts: What the model has.
        pci: Where it is plugged in.
        lowest_mhz: What its clock may sink to.
        highest_mhz: What its clock may rise to.
        boost_mhz: What it rises to when somebody waits (i915).
        limit_microwatts: Its power limit; 0 is none.
        reasons: Why it is held down now.
        busy: Whether it works; if not it is powered down.
        energy_uj: The microjoules that the hardware has counted.
        refuse: An error for every access to the clocks, or 0.
        refusals: How many accesses are refused before the error passes; negative for all of them.
        temperature_c: How hot it is.
    """

    facts: IntelGpuFacts
    pci: PciDevice
    lowest_mhz: int
    highest_mhz: int
    boost_mhz: int
    limit_microwatts: int = 0
    reasons: set[str] = field(default_factory=set)
    busy: bool = False
    energy_uj: int = 25_637_161_804
    refuse: int = 0
    refusals: int = -1
    temperature_c: float = 55.0

    @property
    def state(self) -> tuple[int, ...]:
        """Everything that a write can change."""
        return self.lowest_mhz, self.highest_mhz, self.boost_mhz, self.limit_microwatts

    @property
    def actual_mhz(self) -> int:
        """The clock now: 0 while it is powered down; a maximum below the minimum wins."""
        return self.highest_mhz if self.busy else 0

    def check(self) -> None:
        """Fails as it was told to."""
        if self.refuse and self.refusals:
            self.refusals -= 1
            raise kernel_error(self.refuse)
        self.pci.touch()

    def add(self, folder: Folder, name: str, show: Callable[[], object], store: Callable[[int], None] | None = None):
        """Adds an attribute behind which the hardware is asked."""

        def shown() -> str:
            self.check()
            return str(show())

        def stored(text: str) -> None:
            self.check()
            if not text.strip().isdigit():
                raise kernel_error(errno.EINVAL)
            assert store is not None
            store(int(text))

        folder.add(name, shown, None if store is None else stored)

    def within_range(self, mhz: int) -> None:
        """Refuses a clock that the hardware does not have."""
        if not self.facts.bottom_mhz <= mhz <= self.facts.top_mhz:
            raise kernel_error(errno.EINVAL)


def new_intel_gpu(tree: Tree, address: str, card: int, driver: str, facts: IntelGpuFacts) -> EmulatedIntelGpu:
    """Plugs a GPU in that has no files of its driver yet."""
    pci = pci_device(tree, address, driver, facts.pci_id, card)
    limit_microwatts = (facts.limit_w or 0) * 1_000_000
    return EmulatedIntelGpu(facts, pci, facts.bottom_mhz, facts.top_mhz, facts.top_mhz, limit_microwatts)


def add_i915(tree: Tree, address: str, card: int, facts: IntelGpuFacts, *, by_gt: bool = True) -> EmulatedIntelGpu:
    """Plugs a GPU into a machine.

    Args:
        tree: The machine.
        address: Its PCI address.
        card: Its number in the DRM class.
        facts: What the model has.
        by_gt: Whether the kernel shows clocks by GT (since 5.18) beside those of the card.
    """
    gpu = new_intel_gpu(tree, address, card, "i915", facts)
    _add_clocks(gpu, gpu.pci.card, "gt_")
    if by_gt:
        gt = gpu.pci.card.folder("gt/gt0")
        _add_clocks(gpu, gt, "rps_")
        for reason in THROTTLE_REASONS:
            gpu.add(gt, f"throttle_reason_{reason}", lambda reason=reason: int(reason in gpu.reasons))
    if facts.limit_w is not None:
        sensors = gpu.pci.folder.folder(f"hwmon/hwmon{card}")
        sensors.add("name", "i915")
        gpu.add(sensors, "energy1_input", lambda: gpu.energy_uj)
        gpu.add(sensors, "power1_rated_max", lambda: facts.rated_w * 1_000_000)
        gpu.add(sensors, "power1_max", lambda: gpu.limit_microwatts, lambda limit: set_limit(gpu, limit))
        gpu.add(sensors, "temp1_input", lambda: round(gpu.temperature_c * 1000))
    return gpu


def set_limit(gpu: EmulatedIntelGpu, microwatts: int) -> None:
    """Rounded to the register's eighths of a watt; 0 would switch it off, which this board does not let us."""
    if microwatts == 0:
        raise kernel_error(errno.EOPNOTSUPP)
    gpu.limit_microwatts = round(microwatts / 125_000) * 125_000


def _add_clocks(gpu: EmulatedIntelGpu, folder: Folder, start: str) -> None:
    def set_lowest(mhz: int) -> None:
        gpu.within_range(mhz)
        if mhz > gpu.highest_mhz:
            raise kernel_error(errno.EINVAL)
        gpu.lowest_mhz = mhz

    def set_highest(mhz: int) -> None:
        gpu.within_range(mhz)
        if mhz < gpu.lowest_mhz:
            raise kernel_error(errno.EINVAL)
        gpu.highest_mhz = mhz

    def set_boost(mhz: int) -> None:
        gpu.within_range(mhz)
        gpu.boost_mhz = mhz

    gpu.add(folder, f"{start}min_freq_mhz", lambda: gpu.lowest_mhz, set_lowest)
    gpu.add(folder, f"{start}max_freq_mhz", lambda: gpu.highest_mhz, set_highest)
    gpu.add(folder, f"{start}boost_freq_mhz", lambda: gpu.boost_mhz, set_boost)
    gpu.add(folder, f"{start}RPn_freq_mhz", lambda: gpu.facts.bottom_mhz)
    gpu.add(folder, f"{start}RP0_freq_mhz", lambda: gpu.facts.top_mhz)
    gpu.add(folder, f"{start}act_freq_mhz", lambda: gpu.actual_mhz)
