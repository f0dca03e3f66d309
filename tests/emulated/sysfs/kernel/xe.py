"""An Intel GPU as the xe driver shows it (drivers/gpu/drm/xe/xe_gt_freq.c, xe_hwmon.c)."""

from __future__ import annotations

from tests.emulated.sysfs.kernel.i915 import (
    THROTTLE_REASONS,
    EmulatedIntelGpu,
    IntelGpuFacts,
    new_intel_gpu,
    set_limit,
)
from tests.emulated.sysfs.tree import Folder, Tree


def add_xe(
    tree: Tree, address: str, card: int, facts: IntelGpuFacts, *, with_media: bool = False, channel: int = 2
) -> EmulatedIntelGpu:
    """Plugs a GPU into a machine.

    Args:
        tree: The machine.
        address: Its PCI address.
        card: Its number in the DRM class.
        facts: What the model has.
        with_media: Whether a second GT serves media, with a clock of its own.
        channel: The sensors' channel that counts; the other one stands at 0.
    """
    gpu = new_intel_gpu(tree, address, card, "xe", facts)
    gt = gpu.pci.folder.folder("tile0/gt0")
    for engine in ("bcs", "ccs", "rcs"):
        gt.add(f"engines/{engine}/job_timeout_ms", 5000)
    _add_clocks(gpu, gt.folder("freq0"))
    if with_media:
        media = gpu.pci.folder.folder("tile0/gt1")
        media.add("engines/vcs/job_timeout_ms", 5000)
        media.add("freq0/max_freq", 1300)
    if facts.limit_w is not None:
        sensors = gpu.pci.folder.folder(f"hwmon/hwmon{card}")
        sensors.add("name", "xe")
        sensors.add(f"energy{3 - channel}_input", 0)
        gpu.add(sensors, f"energy{channel}_input", lambda: gpu.energy_uj)
        gpu.add(sensors, f"power{channel}_max", lambda: gpu.limit_microwatts, lambda limit: set_limit(gpu, limit))
        gpu.add(sensors, "temp2_input", lambda: round(gpu.temperature_c * 1000))
        sensors.add("temp2_label", "pkg")
    return gpu


def _add_clocks(gpu: EmulatedIntelGpu, folder: Folder) -> None:
    """Unlike i915, xe takes a maximum below the minimum: the clock is fixed then."""

    def set_lowest(mhz: int) -> None:
        gpu.within_range(mhz)
        gpu.lowest_mhz = mhz

    def set_highest(mhz: int) -> None:
        gpu.within_range(mhz)
        gpu.highest_mhz = mhz

    gpu.add(folder, "min_freq", lambda: gpu.lowest_mhz, set_lowest)
    gpu.add(folder, "max_freq", lambda: gpu.highest_mhz, set_highest)
    gpu.add(folder, "rpn_freq", lambda: gpu.facts.bottom_mhz)
    gpu.add(folder, "rp0_freq", lambda: gpu.facts.top_mhz)
    gpu.add(folder, "act_freq", lambda: gpu.actual_mhz)
    for reason in THROTTLE_REASONS:
        gpu.add(folder, f"throttle/reason_{reason}", lambda reason=reason: int(reason in gpu.reasons))
