"""Every function of the library that changes one GPU. All of them need privilege."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulated.nvml.codes import NvmlRefusal, ReturnCode
from tests.emulated.nvml.gpu import EmulatedGpu


def _set_persistence(gpu: EmulatedGpu, mode: int) -> None:
    if mode not in (0, 1):
        raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)
    gpu.persistence = bool(mode)


SETTERS: dict[str, Callable[..., None]] = {
    "nvmlDeviceSetGpuLockedClocks": lambda gpu, low, high: gpu.settings.lock_core(low, high),
    "nvmlDeviceResetGpuLockedClocks": lambda gpu: gpu.settings.unlock_core(),
    "nvmlDeviceSetMemoryLockedClocks": lambda gpu, low, high: gpu.settings.lock_memory(low, high),
    "nvmlDeviceResetMemoryLockedClocks": lambda gpu: gpu.settings.unlock_memory(),
    "nvmlDeviceSetApplicationsClocks": lambda gpu, memory, core: gpu.settings.set_application(memory, core),
    "nvmlDeviceResetApplicationsClocks": lambda gpu: gpu.settings.reset_application(),
    "nvmlDeviceSetPowerManagementLimit": lambda gpu, milliwatts: gpu.settings.limit_power(milliwatts * 1e-3),
    "nvmlDeviceSetPersistenceMode": _set_persistence,
}
