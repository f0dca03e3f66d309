"""The emulated cards. Clock lists, limits and defaults are those of dumps of real cards; PCI numbers from pci.ids.

ASSUMED, because no dump shows it: the core clocks of H100 SXM and GH200 (the grid of H100 NVL up to the highest
clock of the data sheet), the hidden limit of the notebook's GPU, default application clocks of H100 and L4, what the
module of GH200 draws besides its GPU, and everything that :mod:`tests.emulated.nvml.physics` says.
"""

from __future__ import annotations

import dataclasses

from tests.emulated.nvml.clock_lists import grid
from tests.emulated.nvml.codes import Architecture
from tests.emulated.nvml.profile import GpuProfile, PowerLimits, PowerSensor

_QUARTER_SEEN = PowerSensor(seen_s=0.025, usage_averaged=False)
_QUARTER_SEEN_AND_AVERAGED = PowerSensor(seen_s=0.025)
_BEFORE_AMPERE = PowerSensor(energy_period_s=0.02, period_s=0.02, seen_s=0.02, usage_averaged=False)

A100_SXM_80GB = GpuProfile(
    name="NVIDIA A100-SXM4-80GB",
    architecture=Architecture.AMPERE,
    compute_capability=(8, 0),
    pci_device_id=0x20B210DE,
    memory_gib=80,
    clocks_mhz={1593: grid(1410, 210)},
    limit_w=500,
    limits=PowerLimits(100, 500, 500),
    application_clocks_mhz=(1593, 1275),
    sensor=_QUARTER_SEEN,
    mig_capable=True,
    branch=535,
)

A100_SXM_80GB_MIG = dataclasses.replace(A100_SXM_80GB, mig_enabled=True)

A100_PCIE_40GB = dataclasses.replace(
    A100_SXM_80GB,
    name="NVIDIA A100-PCIE-40GB",
    pci_device_id=0x20F110DE,
    memory_gib=40,
    clocks_mhz={1215: grid(1410, 210)},
    limit_w=250,
    limits=PowerLimits(150, 250, 250),
    application_clocks_mhz=(1215, 1095),
    demand=1.3,
    branch=570,
)

H100_NVL = GpuProfile(
    name="NVIDIA H100 NVL",
    architecture=Architecture.HOPPER,
    compute_capability=(9, 0),
    pci_device_id=0x232110DE,
    memory_gib=94,
    clocks_mhz={memory_mhz: grid(1785, 345) for memory_mhz in (2619, 1593)},
    limit_w=400,
    limits=PowerLimits(200, 400, 400),
    application_clocks_mhz=(2619, 1785),
    sensor=_QUARTER_SEEN_AND_AVERAGED,
    mig_capable=True,
)

H100_SXM = dataclasses.replace(
    H100_NVL,
    name="NVIDIA H100 80GB HBM3",
    pci_device_id=0x233010DE,
    memory_gib=80,
    clocks_mhz={memory_mhz: grid(1980, 345) for memory_mhz in (2619, 1593)},
    limit_w=700,
    limits=PowerLimits(200, 700, 700),
    application_clocks_mhz=(2619, 1980),
)

GH200 = dataclasses.replace(
    H100_SXM,
    name="NVIDIA GH200 480GB",
    pci_device_id=0x234210DE,
    memory_gib=96,
    clocks_mhz={2619: grid(1980, 345)},
    limit_w=900,
    limits=PowerLimits(100, 900, 900),
    module_fields=True,
    module_extra_w=60.0,
)

L4 = GpuProfile(
    name="NVIDIA L4",
    architecture=Architecture.ADA,
    compute_capability=(8, 9),
    pci_device_id=0x27B810DE,
    memory_gib=24,
    clocks_mhz={6251: grid(2040, 210), 405: grid(645, 210)},
    limit_w=72,
    limits=PowerLimits(40, 72, 72),
    demand=1.4,
    application_clocks_mhz=(6251, 2040),
    memory_reads_off_mhz=-1,
    parks=True,
)

T4 = GpuProfile(
    name="Tesla T4",
    architecture=Architecture.TURING,
    compute_capability=(7, 5),
    pci_device_id=0x1EB810DE,
    memory_gib=16,
    clocks_mhz={5001: grid(1590, 300), 405: grid(645, 300)},
    limit_w=70,
    limits=PowerLimits(60, 70, 70),
    demand=1.4,
    application_clocks_mhz=(5001, 585),
    memory_reads_off_mhz=-1,
    parks=True,
    sensor=dataclasses.replace(_BEFORE_AMPERE, energy_period_s=0.1),
    branch=515,
)

V100 = GpuProfile(
    name="Tesla V100-PCIE-32GB",
    architecture=Architecture.VOLTA,
    compute_capability=(7, 0),
    pci_device_id=0x1DB610DE,
    memory_gib=32,
    clocks_mhz={877: grid(1380, 135, step_mhz=7.5)},
    limit_w=250,
    limits=PowerLimits(100, 250, 250),
    demand=1.05,
    application_clocks_mhz=(877, 1230),
    sensor=_BEFORE_AMPERE,
    branch=450,
)

P100 = GpuProfile(
    name="Tesla P100-PCIE-16GB",
    architecture=Architecture.PASCAL,
    compute_capability=(6, 0),
    pci_device_id=0x15F810DE,
    memory_gib=16,
    clocks_mhz={715: grid(1328, 544, step_mhz=12.65625)},
    limit_w=250,
    limits=PowerLimits(125, 250, 250),
    demand=0.9,
    application_clocks_mhz=(715, 1189),
    sensor=_BEFORE_AMPERE,
    branch=510,
)

RTX_4090 = GpuProfile(
    name="NVIDIA GeForce RTX 4090",
    architecture=Architecture.ADA,
    compute_capability=(8, 9),
    pci_device_id=0x268410DE,
    memory_gib=24,
    clocks_mhz={
        **{memory_mhz: grid(3120, 225) for memory_mhz in (10501, 10251, 5001)},
        810: grid(3105, 210),
        405: grid(645, 210),
    },
    limit_w=450,
    limits=PowerLimits(10, 450, 600),
    demand=0.95,
    compute_memory_mhz=10251,
    parks=True,
    branch=535,
)

RTX_3060_LAPTOP = GpuProfile(
    name="NVIDIA GeForce RTX 3060 Laptop GPU",
    architecture=Architecture.AMPERE,
    compute_capability=(8, 6),
    pci_device_id=0x252010DE,
    memory_gib=6,
    clocks_mhz={
        **{memory_mhz: grid(2100, 405, step_mhz=7.5) for memory_mhz in (6001, 5501, 810)},
        405: grid(420, 405, step_mhz=7.5),
    },
    limit_w=80,
    limits=None,
    demand=0.95,
    parks=True,
    branch=515,
)

ORIN_NVGPU = GpuProfile(
    name="Orin (nvgpu)",
    architecture=Architecture.AMPERE,
    compute_capability=(8, 7),
    pci_device_id=0,
    memory_gib=64,
    clocks_mhz={3199: (1300, 1224, 1122, 1020, 918, 816, 714, 612, 510, 408, 306)},
    limit_w=60,
    limits=None,
    silent=True,
)

MACHINES: dict[str, tuple[GpuProfile, ...]] = {
    "a100": (A100_SXM_80GB,),
    "a100-mig": (A100_SXM_80GB_MIG,),
    "a100-pcie": (A100_PCIE_40GB,),
    "h100-nvl": (H100_NVL,),
    "h100-sxm": (H100_SXM,),
    "gh200": (GH200,),
    "l4": (L4,),
    "t4": (T4,),
    "v100": (V100,),
    "p100": (P100,),
    "rtx-4090": (RTX_4090,),
    "rtx-3060-laptop": (RTX_3060_LAPTOP,),
    "orin": (ORIN_NVGPU,),
    "two-l4": (L4, L4),
    "a100-and-l4": (A100_PCIE_40GB, L4),
}
"""The machines by name: what is plugged into each, in the driver's order."""
