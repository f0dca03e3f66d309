"""Intel GPUs, driven by the kernel's i915 or xe driver through sysfs."""

from knobs.drivers.intel_gpu.find import find_intel_gpu

__all__ = ["find_intel_gpu"]
