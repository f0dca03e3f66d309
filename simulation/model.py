"""What a virtual device is made of: the constants of its physics, as plain records.

The values live in :mod:`simulation.catalogue`, the formulas that read them in :mod:`simulation.physics`
and :mod:`simulation.dynamics`. Capacitances are in nF, because nF x GHz x V^2 is W.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkloadProfile:
    """What one batch of a workload asks of a device; all work is per sequential step.

    Attributes:
        name: The profile's name in a workload definition.
        title: What it stands for, and what is measured or assumed.
        steps: Sequential steps of a batch (generated tokens; 1 for a classifier).
        host_s: Dispatch by the CPU at its highest clock; overlaps with the GPU's work.
        core_gcycles: GPU core cycles whatever the batch, in 1e9.
        core_gcycles_per_item: GPU core cycles for each item.
        serial_gcycles: GPU core cycles that nothing overlaps.
        traffic_gb: Memory traffic whatever the batch (weights), in 1e9 bytes.
        traffic_gb_per_item: Memory traffic for each item.
        core_nf: Effective switched capacitance of the busy GPU.
        core_nf_per_item: Its growth with the batch: larger batches keep more of the GPU's units busy.
    """

    name: str
    title: str
    steps: int
    host_s: float
    core_gcycles: float
    core_gcycles_per_item: float
    serial_gcycles: float
    traffic_gb: float
    traffic_gb_per_item: float
    core_nf: float
    core_nf_per_item: float


@dataclass(frozen=True)
class VoltageCurve:
    """Supply voltage of the GPU over its clock: a floor, then a slope, rounded up to the regulator's steps."""

    floor_v: float
    knee_mhz: float
    slope_v_per_ghz: float
    step_v: float


@dataclass(frozen=True)
class PowerModel:
    """Where the watts go.

    Attributes:
        base_w: Everything that no clock and no load changes.
        memory_clock_w: Memory and its controller at the highest memory clock, without traffic.
        traffic_j_per_gb: Energy of memory traffic.
        host_w: The dispatching CPU at its highest clock.
        clock_tree_nf: Capacitance that the GPU's clock switches even when the GPU is idle.
        leakage_w: Leakage of the GPU at 1 V and 25 degrees Celsius.
        leakage_per_c: Relative growth of leakage for each degree Celsius.
        cap_w: What the module may draw; above it the GPU clock is lowered.
    """

    base_w: float
    memory_clock_w: float
    traffic_j_per_gb: float
    host_w: float
    clock_tree_nf: float
    leakage_w: float
    leakage_per_c: float
    cap_w: float


@dataclass(frozen=True)
class ThermalModel:
    """One thermal resistance and one capacity from the chip to the air, and the trip point of throttling."""

    ambient_c: float
    resistance_c_per_w: float
    capacity_j_per_c: float
    trip_c: float
    hysteresis_c: float


@dataclass(frozen=True)
class GovernorModel:
    """A load governor that looks once a period.

    Attributes:
        period_s: Time between two decisions.
        up_threshold: Busy share above which the highest allowed clock is taken.
        down_threshold: Busy share below which the clock is lowered; between the two it is kept.
    """

    period_s: float
    up_threshold: float
    down_threshold: float


@dataclass(frozen=True)
class NoiseModel:
    """What repeats differ by.

    Attributes:
        batch_sd: Relative spread of one batch's latency.
        speed_sd: Relative spread of the slow drift of speed (run to run).
        power_sd: Relative spread of the slow drift of power (run to run).
        drift_s: Correlation time of both drifts.
        stall_probability: Share of batches that are followed by a stall before they complete.
        stall_ratio: Mean length of a stall, as a multiple of the batch's latency.
    """

    batch_sd: float
    speed_sd: float
    power_sd: float
    drift_s: float
    stall_probability: float
    stall_ratio: float


@dataclass(frozen=True)
class DeviceModel:
    """A virtual device.

    Attributes:
        name: ``virtual:...``, as the operator types it.
        title: What it stands for, and what is measured or assumed.
        core_clocks_mhz: GPU core clocks, ascending.
        memory_clocks_mhz: Memory clocks, ascending.
        cpu_clocks_mhz: Maximum clocks of the CPU that can be set, ascending; empty if it is no knob.
        bandwidth_gb_s: Memory bandwidth that a workload reaches at the highest memory clock.
        voltage: Supply voltage of the GPU.
        power: Where the watts go.
        thermal: How it heats and cools.
        governor: How the GPU clock follows the load between its bounds.
        noise: What repeats differ by.
        profiles: The workloads it can serve; the first is the default.
    """

    name: str
    title: str
    core_clocks_mhz: tuple[float, ...]
    memory_clocks_mhz: tuple[float, ...]
    cpu_clocks_mhz: tuple[float, ...]
    bandwidth_gb_s: float
    voltage: VoltageCurve
    power: PowerModel
    thermal: ThermalModel
    governor: GovernorModel
    noise: NoiseModel
    profiles: tuple[WorkloadProfile, ...]
