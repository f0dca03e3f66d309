"""Intel GPUs, with the figures of real ones."""

from __future__ import annotations

from tests.emulated.sysfs.kernel.i915 import IntelGpuFacts

ARC_A380 = IntelGpuFacts(pci_id="8086:56A5", bottom_mhz=300, top_mhz=2450, limit_w=55)
TIGER_LAKE = IntelGpuFacts(pci_id="8086:9A49", bottom_mhz=100, top_mhz=1350)
"""Graphics in the CPU's package: no sensors."""

INTEGRATED_ADDRESS = "0000:00:02.0"
DISCRETE_ADDRESS = "0000:08:00.0"
