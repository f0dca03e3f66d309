"""The virtual devices: their clocks and constants. Facts and figures only.

Clock lists are those that the boards' kernels report (JetPack 4 on TX2, JetPack 6 on AGX Orin) and, for
``virtual:agx-orin-paper``, the 13 clocks of the PolyThrottle paper's grid (Yan, Wang and Venkataraman, MLSys 2024).
"Calibrated" means fitted to the measured table that :mod:`simulation.physics` names; every other constant
is ASSUMED, where possible from the data sheet.
"""

from __future__ import annotations

import dataclasses

from knobs.contract import RefusedError
from simulation.model import (
    DeviceModel,
    GovernorModel,
    NoiseModel,
    PowerModel,
    ThermalModel,
    VoltageCurve,
    WorkloadProfile,
)

# fmt: off
_ORIN_CORE_CLOCKS_MHZ = (306, 408, 510, 612, 714, 816, 918, 1020, 1122, 1224, 1300.5)
_PAPER_ORIN_CORE_CLOCKS_MHZ = (
    114.75, 216.75, 318.75, 420.75, 522.75, 624.75, 726.75, 828.75, 930.75, 1032.75, 1134.75, 1236.75, 1300.5,
)
_TX2_CORE_CLOCKS_MHZ = (
    114.75, 216.75, 318.75, 420.75, 522.75, 624.75, 726.75, 854.25, 930.75, 1032.75, 1122, 1236.75, 1300.5,
)
# fmt: on

# Assumed: the form is that of Linux' simple_ondemand, the thresholds lean towards speed.
_GOVERNOR = GovernorModel(period_s=0.1, up_threshold=0.60, down_threshold=0.30)

# Assumed: about 1 % from run to run in energy; the measured table scatters by 0.7 %.
_NOISE = NoiseModel(
    batch_sd=0.004, speed_sd=0.006, power_sd=0.008, drift_s=60.0, stall_probability=0.005, stall_ratio=1.0
)

# Calibrated: the figures of host and cores, and the capacitances. Traffic: 1.236e9 weights of 2 bytes.
_ORIN_LLM = WorkloadProfile(
    name="llama-3.2-1b",
    title="Llama-3.2-1B in bf16, one item is a completion of 100 tokens",
    steps=100,
    host_s=0.04297,
    core_gcycles=0.014805,
    core_gcycles_per_item=0.0004119,
    serial_gcycles=0.00144,
    traffic_gb=2.472,
    traffic_gb_per_item=0.003,
    core_nf=18.81,
    core_nf_per_item=0.4633,
)

# Assumed: EfficientNet-B0 (0.39e9 multiply-adds) in fp16 at a few percent of the GPU's peak.
_ORIN_CLASSIFIER = WorkloadProfile(
    name="efficientnet-b0",
    title="EfficientNet-B0 in fp16, one item is an image of 224 x 224 pixels",
    steps=1,
    host_s=0.0020,
    core_gcycles=0.0012,
    core_gcycles_per_item=0.0011,
    serial_gcycles=0.0003,
    traffic_gb=0.011,
    traffic_gb_per_item=0.045,
    core_nf=18.0,
    core_nf_per_item=0.8,
)

# JetPack 6 on a Jetson AGX Orin developer kit. Calibrated: floor, knee and slope of the voltage (up to a
# common factor), base and traffic power. Bandwidth: 204.8 GB/s, of which 80 % are reached (assumed).
_AGX_ORIN = DeviceModel(
    name="virtual:agx-orin",
    title="Jetson AGX Orin 32 GB: GPU clock and batch calibrated on measurements, EMC and CPU clock assumed",
    core_clocks_mhz=_ORIN_CORE_CLOCKS_MHZ,
    memory_clocks_mhz=(204, 665.6, 2133, 3199),
    cpu_clocks_mhz=(422.4, 729.6, 1036.8, 1344, 1497.6, 1728, 1958.4, 2201.6),
    bandwidth_gb_s=163.8,
    voltage=VoltageCurve(floor_v=0.65, knee_mhz=650, slope_v_per_ghz=0.175, step_v=0.025),
    power=PowerModel(
        base_w=9.13,
        memory_clock_w=3.0,
        traffic_j_per_gb=0.0721,
        host_w=3.0,
        clock_tree_nf=1.0,
        leakage_w=2.0,
        leakage_per_c=0.015,
        cap_w=60.0,
    ),
    thermal=ThermalModel(ambient_c=25.0, resistance_c_per_w=0.9, capacity_j_per_c=80.0, trip_c=99.0, hysteresis_c=5.0),
    governor=_GOVERNOR,
    noise=_NOISE,
    profiles=(_ORIN_LLM, _ORIN_CLASSIFIER),
)

_AGX_ORIN_PAPER = dataclasses.replace(
    _AGX_ORIN,
    name="virtual:agx-orin-paper",
    title="Jetson AGX Orin with the 13 GPU clocks of the PolyThrottle paper: clocks below 306 MHz extrapolated",
    core_clocks_mhz=_PAPER_ORIN_CORE_CLOCKS_MHZ,
    cpu_clocks_mhz=(),
)

# Assumed from the data sheets: 256 Pascal cores against 2048 Ampere cores, and an older CPU.
_TX2_LLM = dataclasses.replace(
    _ORIN_LLM,
    host_s=0.095,
    core_gcycles=0.118,
    core_gcycles_per_item=0.0033,
    serial_gcycles=0.0030,
    core_nf=4.2,
    core_nf_per_item=0.06,
)
_TX2_CLASSIFIER = dataclasses.replace(
    _ORIN_CLASSIFIER,
    host_s=0.0045,
    core_gcycles=0.005,
    core_gcycles_per_item=0.014,
    serial_gcycles=0.0006,
    core_nf=4.4,
    core_nf_per_item=0.08,
)

# Assumed from the data sheet: 59.7 GB/s, of which 80 % are reached; 15 W.
_TX2 = DeviceModel(
    name="virtual:tx2",
    title="Jetson TX2: scaled from its data sheet (256 Pascal cores, 59.7 GB/s, 15 W), nothing calibrated",
    core_clocks_mhz=_TX2_CORE_CLOCKS_MHZ,
    memory_clocks_mhz=(40.8, 68, 102, 204, 408, 665.6, 800, 1062.4, 1331.2, 1600, 1866),
    cpu_clocks_mhz=(),
    bandwidth_gb_s=47.8,
    voltage=VoltageCurve(floor_v=0.75, knee_mhz=550, slope_v_per_ghz=0.5, step_v=0.025),
    power=PowerModel(
        base_w=2.2,
        memory_clock_w=1.2,
        traffic_j_per_gb=0.06,
        host_w=1.6,
        clock_tree_nf=0.3,
        leakage_w=0.35,
        leakage_per_c=0.015,
        cap_w=15.0,
    ),
    thermal=ThermalModel(ambient_c=25.0, resistance_c_per_w=2.5, capacity_j_per_c=36.0, trip_c=95.5, hysteresis_c=5.0),
    governor=_GOVERNOR,
    noise=_NOISE,
    profiles=(_TX2_LLM, _TX2_CLASSIFIER),
)

DEVICES: tuple[DeviceModel, ...] = (_AGX_ORIN, _AGX_ORIN_PAPER, _TX2)


def device_names() -> list[str]:
    """Returns the names of the virtual devices."""
    return [model.name for model in DEVICES]


def device_model(name: str) -> DeviceModel:
    """Returns the constants of a virtual device.

    Args:
        name: The whole name, ``virtual:agx-orin``.

    Raises:
        RefusedError: There is no such device.
    """
    for model in DEVICES:
        if model.name == name:
            return model
    raise RefusedError(f"There is no virtual device '{name}': choose one of {', '.join(device_names())}.")
