"""The steady physics of a virtual device: how long a batch takes and what it draws at given clocks.

A step's time is a roofline (Williams, Waterman and Patterson, "Roofline", CACM 52(4), 2009) with rounded
corners: GPU work is the soft maximum of core cycles and memory traffic, and overlaps with the dispatch
by the CPU, as asynchronous kernel launches do:

    traffic_s = gigabytes / (bandwidth x memory clock / highest memory clock)
    core_s    = soft_max(cycles / core clock, traffic_s; order 2)
    step_s    = soft_max(host_s, core_s; order 12) + serial cycles / core clock

Power is that of CMOS (Chandrakasan, Sheng and Brodersen, JSSC 27(4), 1992: P = a C V^2 f) plus leakage:

    core_w  = (C_busy x utilisation + C_clock_tree) x V(f)^2 x f + leakage x V x exp(k (T - 25))
    board_w = core_w + base + memory clock + traffic + dispatching CPU

On ``virtual:agx-orin`` the response to GPU clock and batch is calibrated on a measured table
(Llama-3.2-1B on Jetson AGX Orin, github.com/Zanatticus/EnergyLLM; ``benchmarks/virtual_device_fidelity.py``).
Absolute relative error over its 11 clocks x 32 batches: latency median 0.5 %, p90 1.3 %; energy median
0.9 %, p90 2.0 %. The clock of least energy is at most one step from the measured one at every batch, and its
saving over the highest clock (13 to 17 %) at most 1.2 percentage points. Through the device's own sensor, with
its noise, the medians are 0.7 and 0.9 %, and noise may swap clocks whose energies differ by less than it.
The response to memory clock, CPU clock and temperature is ASSUMED, and so is everything on the other devices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulation.model import DeviceModel, VoltageCurve, WorkloadProfile

GPU_OVERLAP_ORDER = 2.0
HOST_OVERLAP_ORDER = 12.0
CPU_CLOCK_SHARE = 0.85
"""Share of the dispatch time that scales with the CPU clock; the rest waits for memory. Assumed."""
CPU_VOLTAGE_FLOOR = 0.6
"""Voltage of the CPU at clock zero over that at its highest clock, linear in between. Assumed."""
REFERENCE_C = 25.0


@dataclass(frozen=True)
class Clocks:
    """The clocks that the hardware delivers."""

    core_mhz: float
    memory_mhz: float
    cpu_ratio: float
    """CPU clock over the CPU's highest clock."""


@dataclass(frozen=True)
class BatchTiming:
    """How long a batch takes, and how long each unit works for it (in parallel)."""

    total_s: float
    core_s: float
    host_s: float


@dataclass(frozen=True)
class Activity:
    """What a device does: the inputs of its power.

    Attributes:
        core_utilisation: Busy share of the GPU.
        core_nf: Switched capacitance of the GPU while busy.
        host_utilisation: Busy share of the dispatching CPU.
        traffic_gb_s: Memory traffic.
    """

    core_utilisation: float
    core_nf: float
    host_utilisation: float
    traffic_gb_s: float


IDLE = Activity(core_utilisation=0.0, core_nf=0.0, host_utilisation=0.0, traffic_gb_s=0.0)


@dataclass(frozen=True)
class Power:
    """Power of the whole board, and the part of it that the GPU rail carries."""

    board_w: float
    core_w: float


def soft_maximum(first: float, second: float, order: float) -> float:
    """Returns the norm of two times: their maximum, with a rounded corner where they are alike."""
    larger, smaller = (first, second) if first >= second else (second, first)
    if larger <= 0.0:
        return 0.0
    return larger * math.pow(1.0 + math.pow(smaller / larger, order), 1.0 / order)


def core_voltage_v(curve: VoltageCurve, core_mhz: float) -> float:
    """Returns the GPU's supply voltage at a clock, in volts: constant within each of the regulator's steps."""
    rise_v = max(0.0, core_mhz - curve.knee_mhz) * 1e-3 * curve.slope_v_per_ghz
    # The subtraction keeps a rise of a whole number of steps from being rounded up to the next.
    return curve.floor_v + math.ceil(rise_v / curve.step_v - 1e-9) * curve.step_v


def batch_timing(model: DeviceModel, profile: WorkloadProfile, items: int, clocks: Clocks) -> BatchTiming:
    """Returns how long a batch takes at these clocks, noise aside."""
    core_ghz = clocks.core_mhz * 1e-3
    bandwidth_gb_s = model.bandwidth_gb_s * clocks.memory_mhz / model.memory_clocks_mhz[-1]
    traffic_s = (profile.traffic_gb + profile.traffic_gb_per_item * items) / bandwidth_gb_s
    cycles_s = (profile.core_gcycles + profile.core_gcycles_per_item * items) / core_ghz
    serial_s = profile.serial_gcycles / core_ghz
    overlapped_s = soft_maximum(cycles_s, traffic_s, GPU_OVERLAP_ORDER)
    host_s = profile.host_s * (1.0 - CPU_CLOCK_SHARE + CPU_CLOCK_SHARE / clocks.cpu_ratio)
    step_s = soft_maximum(host_s, overlapped_s, HOST_OVERLAP_ORDER) + serial_s
    steps = profile.steps
    return BatchTiming(total_s=steps * step_s, core_s=steps * (overlapped_s + serial_s), host_s=steps * host_s)


def batch_activity(profile: WorkloadProfile, items: int, timing: BatchTiming) -> Activity:
    """Returns the mean activity during a batch."""
    traffic_gb = profile.steps * (profile.traffic_gb + profile.traffic_gb_per_item * items)
    return Activity(
        core_utilisation=min(1.0, timing.core_s / timing.total_s),
        core_nf=profile.core_nf + profile.core_nf_per_item * items,
        host_utilisation=min(1.0, timing.host_s / timing.total_s),
        traffic_gb_s=traffic_gb / timing.total_s,
    )


def power(model: DeviceModel, clocks: Clocks, activity: Activity, temperature_c: float) -> Power:
    """Returns what the device draws at these clocks, with this activity, at this temperature."""
    constants = model.power
    voltage_v = core_voltage_v(model.voltage, clocks.core_mhz)
    switched_nf = activity.core_nf * activity.core_utilisation + constants.clock_tree_nf
    leakage_w = constants.leakage_w * voltage_v * math.exp(constants.leakage_per_c * (temperature_c - REFERENCE_C))
    core_w = switched_nf * voltage_v**2 * clocks.core_mhz * 1e-3 + leakage_w
    memory_w = constants.memory_clock_w * clocks.memory_mhz / model.memory_clocks_mhz[-1]
    traffic_w = constants.traffic_j_per_gb * activity.traffic_gb_s
    cpu_voltage = CPU_VOLTAGE_FLOOR + (1.0 - CPU_VOLTAGE_FLOOR) * clocks.cpu_ratio
    host_w = constants.host_w * activity.host_utilisation * clocks.cpu_ratio * cpu_voltage**2
    return Power(board_w=core_w + constants.base_w + memory_w + traffic_w + host_w, core_w=core_w)


def steady_power(model: DeviceModel, clocks: Clocks, activity: Activity) -> tuple[Power, float]:
    """Returns the power once the temperature is stationary, and that temperature in degrees Celsius."""
    thermal = model.thermal
    temperature_c = thermal.ambient_c
    for _ in range(20):
        drawn = power(model, clocks, activity, temperature_c)
        temperature_c = thermal.ambient_c + thermal.resistance_c_per_w * drawn.board_w
    return drawn, temperature_c
