"""AMD GPUs, driven by the kernel's amdgpu driver through sysfs."""

from knobs.drivers.amdgpu.find import find_amdgpu

__all__ = ["find_amdgpu"]
