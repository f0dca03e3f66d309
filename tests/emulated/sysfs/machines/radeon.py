"""AMD GPUs, with the figures of real ones."""

from __future__ import annotations

from tests.emulated.sysfs.kernel.amdgpu import AmdGpuFacts, OverdriveTable, PowerCap

VEGA_56 = AmdGpuFacts(
    pci_id="1002:687F",
    core_mhz=(852, 991, 1138, 1269, 1312, 1474, 1538, 1590),
    memory_mhz=(167, 500, 700, 920),
    cap=PowerCap(0, 260, 390),
)
"""Discrete levels of both clocks, and a power cap whose lower end is not stated."""

RX_7900_XTX = AmdGpuFacts(
    pci_id="1002:744C",
    core_mhz=(500, 1200, 2219),
    memory_mhz=(96, 456, 772, 1249),
    fine_grained=True,
    overdrive=OverdriveTable(500, 2735, (500, 5000), padded=True),
    cap=PowerCap(261, 290, 333),
)
"""A core clock in fine steps, overdrive switched on, tables padded with NUL."""

RX_7900_XTX_WITHOUT_OVERDRIVE = AmdGpuFacts(
    pci_id="1002:744C",
    core_mhz=(500, 1200, 2219),
    memory_mhz=(96, 456, 772, 1249),
    fine_grained=True,
    cap=PowerCap(261, 290, 290),
)

PHOENIX = AmdGpuFacts(
    pci_id="1002:15BF",
    core_mhz=(800, 1100, 2800),
    memory_mhz=(),
    fine_grained=True,
    powers=("power1_input",),
    integrated=True,
)
"""The graphics of a Ryzen 7040: no power cap, no levels; power covers the CPU too."""

MI_100 = AmdGpuFacts(
    pci_id="1002:738C",
    core_mhz=(300, 495, 731, 962, 1029, 1087, 1147, 1189, 1235, 1283, 1319, 1363, 1404, 1430, 1472, 1502),
    memory_mhz=(350, 500, 800, 1200),
    cap=PowerCap(100, 290, 290),
    deep_sleep=True,
)
"""An accelerator with sixteen levels, and a row for deep sleep while it idles."""
