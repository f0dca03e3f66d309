"""What AMD GPUs offer on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from knobs.attributes import optional_number, optional_text, whole_number
from knobs.contract import Absence, Knob, Scope
from knobs.drivers.amdgpu.level_ceiling import CORE, MEMORY, Clock, LevelCeilingKnob
from knobs.drivers.amdgpu.monitor import AmdGpuMonitor
from knobs.drivers.amdgpu.overdrive import OverdriveCeilingKnob
from knobs.drivers.amdgpu.performance_level import PerformanceLevel, PerformanceLevelKnob
from knobs.drivers.amdgpu.tables import parse_levels, parse_overdrive
from knobs.drivers.graphics.card import AMD_DRIVERS, GraphicsCard
from knobs.drivers.graphics.device_set import find_in_sets
from knobs.drivers.graphics.power_limit import PowerLimitKnob
from knobs.found import Found, Part, Wishes, not_writable
from knobs.meters.sampling import PowerSource, SampledMeter, Sampler, SourceFacts
from knobs.sysfs import KernelFiles
from knobs.units import MICROWATTS_PER_WATT

_FEATURE_MASK = "/sys/module/amdgpu/parameters/ppfeaturemask"
_OVERDRIVE_FEATURE = 0x4000
_DEFAULT_FEATURE_MASK = 0xFFF7BFFF
_POWERS = (("power1_average", 0.5, 1.0), ("power1_input", 0.1, 0.0))
"""Files, for how long some generation of the driver caches what is behind them (Vega 12 and 20: half a second;
Renoir: a tenth), and their duty."""
_RESOLUTION_DISCRETE_W = 1.0
_RESOLUTION_INTEGRATED_W = 0.001
"""The firmware of discrete GPUs reports whole watts, that of APUs milliwatts."""


def find_amdgpu(files: KernelFiles, wishes: Wishes, sampler: Sampler) -> Found:
    """Returns what the AMD GPUs of this machine offer; nothing at all where there are none.

    Args:
        files: The kernel's files.
        wishes: What the operator says about the hardware.
        sampler: Reads the power between two samples.
    """
    return find_in_sets(files, AMD_DRIVERS, wishes.gpus, lambda card: _of_card(card, wishes, sampler))


def _of_card(card: GraphicsCard, wishes: Wishes, sampler: Sampler) -> Iterator[Part]:
    yield from _clocks(card, wishes)
    yield _power_limit(card)
    yield _power(card, sampler)
    yield AmdGpuMonitor(card)


def _clocks(card: GraphicsCard, wishes: Wishes) -> Iterator[Knob | Absence]:
    """Ceilings on the clocks, or else the performance level: a ceiling holds only at a level of its own."""
    level = PerformanceLevel(card)
    level_id = f"{card.name}.performance_level"
    if not card.files.exists(level.path):
        yield Absence(level_id, "the driver does not manage this GPU's clocks", "load amdgpu without amdgpu.dpm=0")
        return
    if closed := not_writable(card.files, level_id, [level.path]):
        yield closed
        return
    clocks = (_core_ceiling(level, wishes), _level_ceiling(level, MEMORY, wishes))
    yield from (clock for clock in clocks if clock is not None)
    if any(isinstance(clock, Knob) for clock in clocks):
        yield Absence(
            level_id, "the limits on single clocks hold only while it is at manual", "tune the clocks instead"
        )
    else:
        yield PerformanceLevelKnob(level)


def _core_ceiling(level: PerformanceLevel, wishes: Wishes) -> Knob | Absence:
    by_level = _level_ceiling(level, CORE, wishes)
    if by_level is not None:
        return by_level
    card = level.card
    path = f"{card.device}/pp_od_clk_voltage"
    table = parse_overdrive(optional_text(card, path))
    if table is not None and card.files.writable(path):
        return OverdriveCeilingKnob(level, table)
    mask = _feature_mask(card.files) | _OVERDRIVE_FEATURE
    return Absence(
        f"{card.name}.core.max_mhz",
        "this GPU's core clock moves in fine steps, which can be limited through overdrive only, and that is off",
        f"start the kernel with amdgpu.ppfeaturemask={mask:#x}",
    )


def _level_ceiling(level: PerformanceLevel, clock: Clock, wishes: Wishes) -> LevelCeilingKnob | None:
    path = f"{level.card.device}/{clock.file}"
    levels = parse_levels(optional_text(level.card, path))
    if levels is None or not level.card.files.writable(path):
        return None
    return LevelCeilingKnob(level, clock, levels, wishes.restore_to.get(f"{level.card.name}.{clock.part}.max_mhz"))


def _power_limit(card: GraphicsCard) -> Knob | Absence:
    knob_id = f"{card.name}.power.limit_w"
    folder = card.hwmon
    path = f"{folder}/power1_cap"
    if folder is None or not card.files.exists(path):
        reason = "its driver offers no power limit for this GPU, as is usual for one in the CPU's package"
        return Absence(knob_id, reason, "tune clocks instead")
    if closed := not_writable(card.files, knob_id, [path]):
        return closed
    present = optional_number(card, path)
    if not present:
        return Absence(knob_id, f"{path} shows no limit", "use the GPU once, then restart the keeper")
    # A limit above the maker's own is overclocking, which saves no energy.
    top = max(present, optional_number(card, f"{path}_default") or 0)
    # Where the driver states 0 as its lowest limit, it states none.
    lowest = optional_number(card, f"{path}_min") or top // 4
    lowest_w, top_w = -(-lowest // MICROWATTS_PER_WATT), top // MICROWATTS_PER_WATT
    if lowest_w >= top_w:
        return Absence(knob_id, f"the driver allows {top_w} W only", "tune clocks instead")
    return PowerLimitKnob(card, path, lowest_w, top_w, _coverage(card))


def _power(card: GraphicsCard, sampler: Sampler) -> SampledMeter | Absence:
    """The mean, if there is one, which sees everything; else the power at one instant."""
    for file, period_s, duty in _POWERS:
        path = f"{card.hwmon}/{file}"
        if not card.files.exists(path):
            continue
        facts = SourceFacts(
            id=f"{card.unit}.energy",
            scope=Scope.SOC if card.integrated else Scope.GPU,
            device=card.unit,
            update_period_s=period_s,
            resolution=_RESOLUTION_INTEGRATED_W if card.integrated else _RESOLUTION_DISCRETE_W,
            duty=duty,
            note=_coverage(card),
        )
        return SampledMeter(PowerSource(facts, partial(_watts, card, path)), sampler)
    reason = "its driver shows no power for this GPU"
    return Absence(f"{card.unit}.energy", reason, "measure at the wall, or update the kernel")


def _coverage(card: GraphicsCard) -> str:
    if card.integrated:
        return "The whole package: the CPU cores and the GPU together (PPT)."
    return "What the GPU's own package draws (PPT); fans and losses of the card's supplies may be left out."


def _watts(card: GraphicsCard, path: str) -> float:
    card.require_awake()
    return whole_number(card, path) / MICROWATTS_PER_WATT


def _feature_mask(files: KernelFiles) -> int:
    try:
        return int(optional_text(files, _FEATURE_MASK), 0)
    except ValueError:
        return _DEFAULT_FEATURE_MASK
