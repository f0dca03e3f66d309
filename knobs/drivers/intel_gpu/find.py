"""What Intel GPUs offer on this machine.

Sources: the kernel's Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon and sysfs-driver-intel-xe-hwmon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from knobs.attributes import optional_number, whole_number
from knobs.contract import Absence, DeviceError, Knob, Scope
from knobs.drivers.graphics.card import INTEL_DRIVERS, GraphicsCard
from knobs.drivers.graphics.device_set import find_in_sets
from knobs.drivers.graphics.power_limit import PowerLimitKnob
from knobs.drivers.intel_gpu.clock_limit import HighestClockKnob, LowestClockKnob, clock_steps
from knobs.drivers.intel_gpu.domain import ClockDomain, clock_domains
from knobs.drivers.intel_gpu.monitor import IntelGpuMonitor
from knobs.found import Found, Part, Wishes, not_writable
from knobs.meters.sampling import CounterSource, SampledMeter, Sampler, SourceFacts
from knobs.sysfs import KernelFiles
from knobs.units import MICROJOULES_PER_JOULE, MICROWATTS_PER_WATT

_CHANNELS = (("1", "the whole card"), ("2", "the GPU's package, without the card's memory and supplies"))
"""Since 6.15 xe counts the card in channel 1, which stands at 0 where the board has no sensor, and the package in
channel 2; before that channel 1 is the package and channel 2 is not there."""
_ENERGY_UNIT_J = 2**-14
_UPDATE_PERIOD_S = 0.001
_LONGEST_INTERVAL_S = 120.0
"""The 32 bits behind the driver's sum wrap after 4.4 minutes at 1000 W, and it adds only when it is read."""


def find_intel_gpu(
    files: KernelFiles, wishes: Wishes, sampler: Sampler, sleep: Callable[[float], None] = time.sleep
) -> Found:
    """Returns what the Intel GPUs of this machine offer; nothing at all where there are none.

    Args:
        files: The kernel's files.
        wishes: What the operator says about the hardware.
        sampler: Reads the energy counter often enough.
        sleep: Waits for some seconds, while a GPU is in reset.
    """
    return find_in_sets(files, INTEL_DRIVERS, wishes.gpus, lambda card: _of_card(card, sampler, sleep))


def _of_card(card: GraphicsCard, sampler: Sampler, sleep: Callable[[float], None]) -> Iterator[Part]:
    domains = clock_domains(card, sleep)
    yield from _clocks(card, domains)
    yield _power_limit(card)
    yield _energy(card, sampler)
    yield IntelGpuMonitor(card, domains)


def _clocks(card: GraphicsCard, domains: tuple[ClockDomain, ...]) -> tuple[Knob | Absence, ...]:
    knob_id = f"{card.name}.core.max_mhz"
    if not domains:
        reason = f"the driver {card.driver} shows no clock limits for this GPU"
        return (Absence(knob_id, reason, "update the kernel; a virtual machine's GPU has none"),)
    if closed := not_writable(card.files, knob_id, (domain.highest for domain in domains)):
        return (closed,)
    try:
        bottom = max(domain.read_mhz(domain.bottom) for domain in domains)
        top = min(domain.read_mhz(domain.top) for domain in domains)
    except DeviceError as error:
        return (Absence(knob_id, f"its range cannot be read: {error}", "restart the keeper once the GPU works"),)
    if not 0 < bottom < top:
        return (Absence(knob_id, f"its range is empty ({bottom} to {top} MHz)", "update the GPU's firmware"),)
    values = clock_steps(bottom, top)
    return HighestClockKnob(domains, values), LowestClockKnob(domains, values)


def _power_limit(card: GraphicsCard) -> Knob | Absence:
    knob_id = f"{card.name}.power.limit_w"
    for number, coverage in _CHANNELS:
        path = f"{card.hwmon}/power{number}_max"
        if not card.files.exists(path):
            continue
        if closed := not_writable(card.files, knob_id, [path]):
            return closed
        present = optional_number(card, path)
        if not present:
            continue
        # The driver names no lowest limit, and clamps what lies below the firmware's: a half is safe to offer.
        rated = optional_number(card, f"{card.hwmon}/power{number}_rated_max") or 0
        top_w = max(present, rated) // MICROWATTS_PER_WATT
        note = f"The sustained power (PL1) of {coverage}; the driver does not say how low it may go."
        return PowerLimitKnob(card, path, max(1, -(-top_w // 2)), top_w, note)
    if card.integrated:
        reason = "an integrated GPU shares the power limit of the CPU's package"
        return Absence(knob_id, reason, "limit its clock instead")
    return Absence(knob_id, "the driver shows no power limit that is in force", "limit its clock instead")


def _energy(card: GraphicsCard, sampler: Sampler) -> SampledMeter | Absence:
    meter_id = f"{card.unit}.energy"
    for number, coverage in _CHANNELS:
        path = f"{card.hwmon}/energy{number}_input"
        if not optional_number(card, path):
            continue
        facts = SourceFacts(
            id=meter_id,
            scope=Scope.GPU,
            device=card.unit,
            update_period_s=_UPDATE_PERIOD_S,
            resolution=_ENERGY_UNIT_J,
            longest_interval_s=_LONGEST_INTERVAL_S,
            note=f"What {coverage} uses.",
        )
        return SampledMeter(CounterSource(facts, partial(_joules, card, path)), sampler)
    if card.integrated:
        return Absence(
            meter_id, "an integrated GPU has no counter of its own: it is in the CPU package's", "use cpu.package.rapl"
        )
    return Absence(
        meter_id, "the driver shows no energy counter that moves", "update the kernel, or measure at the wall"
    )


def _joules(card: GraphicsCard, path: str) -> float:
    card.require_awake()
    return whole_number(card, path) / MICROJOULES_PER_JOULE
