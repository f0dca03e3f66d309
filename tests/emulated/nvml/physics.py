"""The physics of an emulated NVIDIA card, scaled from its data sheet: everything here is ASSUMED.

Only three things must be right about it, and tests hold them: energy for a batch has a minimum inside of the
clock range, the power limit binds at the highest clocks where the real card's does, and batches take tens of
milliseconds, so that a study on an emulated card is short.
"""

from __future__ import annotations

from simulation.model import (
    DeviceModel,
    GovernorModel,
    NoiseModel,
    PowerModel,
    ThermalModel,
    VoltageCurve,
    WorkloadProfile,
)

CLASSIFIER = "classifier"
"""A workload that the core clock bounds: a batch of 8 takes about 20 ms at the highest clocks."""
DECODER = "decoder"
"""A workload that the memory clock bounds: a batch of 8 takes about 25 ms at the highest clocks."""

_BATCH_SIZE = 8
_MEMORY_GB_S = 1000.0
_KNEE = 0.55
_FLOOR_V, _TOP_V = 0.70, 1.05
_BASE, _MEMORY_CLOCK, _MEMORY_TRAFFIC, _LEAKAGE, _CLOCK_TREE = 0.06, 0.05, 0.12, 0.08, 0.04
"""Shares of the default power limit."""
_LOAD_WARMING_C = 40.0
_WARMING_TIME_S = 12.0


def device_model(
    name: str,
    core_clocks_mhz: tuple[float, ...],
    memory_clocks_mhz: tuple[float, ...],
    power_limit_w: float,
    demand: float,
) -> DeviceModel:
    """Returns the constants of a card.

    Args:
        name: Its name.
        core_clocks_mhz: All its core clocks, ascending.
        memory_clocks_mhz: Its memory clocks, ascending.
        power_limit_w: Its default power limit.
        demand: What the classifier would draw at the highest clocks without a limit, over that limit: above 1
            where the limit binds.
    """
    return DeviceModel(
        name=f"nvml:{name}",
        title=f"{name}: scaled from its data sheet, nothing calibrated",
        core_clocks_mhz=core_clocks_mhz,
        memory_clocks_mhz=memory_clocks_mhz,
        cpu_clocks_mhz=(),
        bandwidth_gb_s=_MEMORY_GB_S,
        voltage=_voltage(core_clocks_mhz[-1]),
        power=_power(power_limit_w, core_clocks_mhz[-1]),
        thermal=_thermal(power_limit_w),
        governor=GovernorModel(period_s=0.025, up_threshold=0.30, down_threshold=0.10),
        noise=NoiseModel(
            batch_sd=0.004, speed_sd=0.0, power_sd=0.0, drift_s=60.0, stall_probability=0.0, stall_ratio=1.0
        ),
        profiles=_workloads(core_clocks_mhz[-1], power_limit_w, demand),
    )


def _voltage(highest_mhz: float) -> VoltageCurve:
    knee_mhz = _KNEE * highest_mhz
    slope_v_per_ghz = (_TOP_V - _FLOOR_V) / ((highest_mhz - knee_mhz) * 1e-3)
    return VoltageCurve(floor_v=_FLOOR_V, knee_mhz=knee_mhz, slope_v_per_ghz=slope_v_per_ghz, step_v=0.00625)


def _power(limit_w: float, highest_mhz: float) -> PowerModel:
    return PowerModel(
        base_w=_BASE * limit_w,
        memory_clock_w=_MEMORY_CLOCK * limit_w,
        traffic_j_per_gb=_MEMORY_TRAFFIC * limit_w / _MEMORY_GB_S,
        host_w=0.0,
        clock_tree_nf=_CLOCK_TREE * limit_w / (_TOP_V**2 * highest_mhz * 1e-3),
        leakage_w=_LEAKAGE * limit_w,
        leakage_per_c=0.010,
        cap_w=limit_w,
    )


def _thermal(limit_w: float) -> ThermalModel:
    resistance_c_per_w = _LOAD_WARMING_C / limit_w
    return ThermalModel(
        ambient_c=30.0,
        resistance_c_per_w=resistance_c_per_w,
        capacity_j_per_c=_WARMING_TIME_S / resistance_c_per_w,
        trip_c=90.0,
        hysteresis_c=5.0,
    )


def _workloads(highest_mhz: float, limit_w: float, demand: float) -> tuple[WorkloadProfile, ...]:
    """Returns the two workloads; times are for a batch of 8 at the highest clocks, half of each fixed."""
    core_w = (demand - _BASE - _MEMORY_CLOCK - _LEAKAGE - _CLOCK_TREE - 0.4 * _MEMORY_TRAFFIC) * limit_w
    busy_nf = core_w / (_TOP_V**2 * highest_mhz * 1e-3)
    return (
        _workload(CLASSIFIER, core_s=0.018, traffic_s=0.008, highest_mhz=highest_mhz, busy_nf=busy_nf),
        _workload(DECODER, core_s=0.010, traffic_s=0.022, highest_mhz=highest_mhz, busy_nf=0.6 * busy_nf),
    )


def _workload(name: str, core_s: float, traffic_s: float, highest_mhz: float, busy_nf: float) -> WorkloadProfile:
    gcycles = core_s * highest_mhz * 1e-3
    traffic_gb = traffic_s * _MEMORY_GB_S
    return WorkloadProfile(
        name=name,
        title=f"assumed: {core_s * 1e3:.0f} ms of core work and {traffic_s * 1e3:.0f} ms of traffic for a batch of 8",
        steps=1,
        host_s=0.001,
        core_gcycles=0.5 * gcycles,
        core_gcycles_per_item=0.5 * gcycles / _BATCH_SIZE,
        serial_gcycles=0.0,
        traffic_gb=0.5 * traffic_gb,
        traffic_gb_per_item=0.5 * traffic_gb / _BATCH_SIZE,
        core_nf=0.9 * busy_nf,
        core_nf_per_item=0.1 * busy_nf / _BATCH_SIZE,
    )
