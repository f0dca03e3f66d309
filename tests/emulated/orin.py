"""The silicon of an emulated Jetson AGX Orin: every clock that the board lists, and a workload for a study.

Built on the constants of ``virtual:agx-orin``. A steeper voltage and a smaller base power than the calibrated ones put
the least energy well below the highest clock, so that a study has something to find. ASSUMED.
"""

from __future__ import annotations

from dataclasses import replace

from simulation.catalogue import device_model
from simulation.model import DeviceModel, WorkloadProfile

DETECTOR = "detector"
"""A batch of 8 takes some 25 ms at the highest clocks."""

_CPU_STEP_KHZ, _CPU_LOWEST_KHZ, _CPU_COUNT, _CPU_HIGHEST_MHZ = 76800, 115200, 28, 2201.6


def agx_orin_model() -> DeviceModel:
    """Returns the constants of the board."""
    board = device_model("virtual:agx-orin")
    cpu_clocks = (*((_CPU_LOWEST_KHZ + _CPU_STEP_KHZ * k) / 1000 for k in range(_CPU_COUNT)), _CPU_HIGHEST_MHZ)
    return replace(
        board,
        name="emulated:agx-orin",
        cpu_clocks_mhz=cpu_clocks,
        voltage=replace(board.voltage, slope_v_per_ghz=0.45),
        power=replace(board.power, base_w=5.0),
        governor=replace(board.governor, period_s=0.05),
        noise=replace(board.noise, speed_sd=0.0, power_sd=0.0, stall_probability=0.0),
        profiles=(_detector(board.profiles[0]),),
    )


def _detector(profile: WorkloadProfile) -> WorkloadProfile:
    return replace(
        profile,
        name=DETECTOR,
        title="assumed: bounded by the core clock, with some memory traffic and some work of the CPU",
        steps=1,
        host_s=0.002,
        core_gcycles=0.004,
        core_gcycles_per_item=0.0032,
        serial_gcycles=0.0004,
        traffic_gb=0.12,
        traffic_gb_per_item=0.10,
        core_nf=22.0,
        core_nf_per_item=0.5,
    )
