"""Every function of the library that reads one GPU."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulated.nvml.codes import ClockId, ClockType, EventReason, NvmlRefusal, ReturnCode
from tests.emulated.nvml.gpu import EmulatedGpu, OccupantKind
from tests.emulated.nvml.profile import PowerLimits

Answer = tuple[int | str, ...]

VIDEO_SHARE = 0.9
"""Video clock over core clock. ASSUMED."""
RESERVED_MEMORY_MIB = 512
TEMPERATURE_THRESHOLDS_C = {0: 97, 1: 92, 2: 95, 3: 90}
"""Shutdown, slowdown, highest of the memory, highest of the GPU. ASSUMED."""
_ON_EVERY_CARD = (
    EventReason.GPU_IDLE
    | EventReason.APPLICATIONS_CLOCKS_SETTING
    | EventReason.SW_POWER_CAP
    | EventReason.HW_SLOWDOWN
    | EventReason.SW_THERMAL_SLOWDOWN
    | EventReason.HW_THERMAL_SLOWDOWN
    | EventReason.HW_POWER_BRAKE
)
_REFERENCE_NS = 1_000_000_000


def _clock_type(number: int) -> ClockType:
    try:
        return ClockType(number)
    except ValueError:
        raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT) from None


def _clock(number: int, core_mhz: float, memory_mhz: float) -> int:
    match _clock_type(number):
        case ClockType.MEMORY:
            return int(memory_mhz)
        case ClockType.VIDEO:
            return int(core_mhz * VIDEO_SHARE)
        case _:
            return int(core_mhz)


def clock_info(gpu: EmulatedGpu, number: int) -> Answer:
    observed = gpu.device.observe()
    listed_mhz = observed.memory_mhz
    off_mhz = gpu.profile.memory_reads_off_mhz if listed_mhz == gpu.profile.memory_clocks_mhz[0] else 0
    return (_clock(number, observed.core_mhz, listed_mhz + off_mhz),)


def max_clock_info(gpu: EmulatedGpu, number: int) -> Answer:
    return (_clock(number, gpu.profile.all_core_clocks_mhz[0], gpu.profile.memory_clocks_mhz[0]),)


def default_application_clock(gpu: EmulatedGpu, number: int) -> Answer:
    if gpu.profile.application_clocks_mhz is None:
        raise NvmlRefusal(ReturnCode.NOT_SUPPORTED)
    memory_mhz, core_mhz = gpu.profile.application_clocks_mhz
    return (_clock(number, core_mhz, memory_mhz),)


def application_clock(gpu: EmulatedGpu, number: int) -> Answer:
    if gpu.settings.application_mhz is None:
        return default_application_clock(gpu, number)
    memory_mhz, core_mhz = gpu.settings.application_mhz
    return (_clock(number, core_mhz, memory_mhz),)


def clock(gpu: EmulatedGpu, number: int, clock_id: int) -> Answer:
    match clock_id:
        case ClockId.CURRENT:
            return clock_info(gpu, number)
        case ClockId.APPLICATION_TARGET:
            return application_clock(gpu, number)
        case ClockId.APPLICATION_DEFAULT:
            return default_application_clock(gpu, number)
        case ClockId.CUSTOMER_BOOST_MAX:
            return max_clock_info(gpu, number)
        case _:
            raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)


def clocks_of_state(gpu: EmulatedGpu, number: int, state: int) -> Answer:
    """Returns the bounds of a P-state: all clocks of the highest memory clock in P0, of the lowest in P8."""
    listed = gpu.profile.clocks_mhz
    memory_mhz = {0: max(listed), 8: min(listed)}.get(state)
    if memory_mhz is None or (state == 8 and not gpu.profile.parks):
        raise NvmlRefusal(ReturnCode.NOT_SUPPORTED)
    cores = listed[memory_mhz]
    return _clock(number, cores[-1], memory_mhz), _clock(number, cores[0], memory_mhz)


def graphics_clocks(gpu: EmulatedGpu, memory_mhz: int) -> Answer:
    if memory_mhz not in gpu.profile.clocks_mhz:
        raise NvmlRefusal(ReturnCode.NOT_FOUND)
    return gpu.profile.clocks_mhz[memory_mhz]


def temperature(gpu: EmulatedGpu, sensor: int) -> Answer:
    if sensor != 0:
        raise NvmlRefusal(ReturnCode.INVALID_ARGUMENT)
    return (gpu.sensors.temperature_c(),)


def temperature_threshold(_: EmulatedGpu, threshold: int) -> Answer:
    if threshold not in TEMPERATURE_THRESHOLDS_C:
        raise NvmlRefusal(ReturnCode.NOT_SUPPORTED)
    return (TEMPERATURE_THRESHOLDS_C[threshold],)


def violation_status(gpu: EmulatedGpu, policy: int) -> Answer:
    """Returns a reference time and how long power (0) or heat (1) held the clock down, in ns; nothing else does."""
    now = gpu.device.now()
    violated_s = {0: now.power_capped_s, 1: now.heat_capped_s}.get(policy, 0.0)
    return int(now.time_s * _REFERENCE_NS), int(violated_s * _REFERENCE_NS)


def memory_info(gpu: EmulatedGpu) -> Answer:
    """Returns total, reserved, free and used bytes."""
    total, reserved, used = gpu.profile.memory_gib << 30, RESERVED_MEMORY_MIB << 20, gpu.used_memory_bytes()
    return total, reserved, total - reserved - used, used


def limits(gpu: EmulatedGpu) -> PowerLimits:
    if gpu.profile.limits is None:
        raise NvmlRefusal(ReturnCode.NOT_SUPPORTED)
    return gpu.profile.limits


def limit_constraints(gpu: EmulatedGpu) -> Answer:
    return _milliwatts(limits(gpu).lowest_w), _milliwatts(limits(gpu).highest_w)


def processes(kind: OccupantKind) -> Callable[[EmulatedGpu], Answer]:
    """Returns the function that lists pid and memory of the processes of a kind."""

    def listed(gpu: EmulatedGpu) -> Answer:
        occupants = [occupant for occupant in gpu.occupants if occupant.kind is kind]
        return tuple(value for occupant in occupants for value in (occupant.pid, occupant.memory_mib << 20))

    return listed


def _milliwatts(watts: float) -> int:
    return round(watts * 1e3)


def _power_limit(gpu: EmulatedGpu) -> Answer:
    return (_milliwatts(gpu.settings.limit_w),)


def _event_reasons(gpu: EmulatedGpu) -> Answer:
    return (int(gpu.event_reasons()),)


def _supported_reasons(_: EmulatedGpu) -> Answer:
    return (int(_ON_EVERY_CARD),)


GETTERS: dict[str, Callable[..., Answer]] = {
    "nvmlDeviceGetName": lambda gpu: (gpu.profile.name,),
    "nvmlDeviceGetUUID": lambda gpu: (gpu.uuid,),
    "nvmlDeviceGetSerial": lambda gpu: (gpu.serial,),
    "nvmlDeviceGetIndex": lambda gpu: (gpu.index,),
    "nvmlDeviceGetArchitecture": lambda gpu: (int(gpu.profile.architecture),),
    "nvmlDeviceGetCudaComputeCapability": lambda gpu: gpu.profile.compute_capability,
    "nvmlDeviceGetPciInfo_v3": lambda gpu: (0, gpu.pci_bus, 0, gpu.profile.pci_device_id, gpu.profile.pci_device_id),
    "nvmlDeviceGetMigMode": lambda gpu: (int(gpu.profile.mig_enabled),) * 2,
    "nvmlDeviceGetPersistenceMode": lambda gpu: (int(gpu.persistence),),
    "nvmlDeviceGetPerformanceState": lambda gpu: (gpu.performance_state(),),
    "nvmlDeviceGetClockInfo": clock_info,
    "nvmlDeviceGetMaxClockInfo": max_clock_info,
    "nvmlDeviceGetClock": clock,
    "nvmlDeviceGetApplicationsClock": application_clock,
    "nvmlDeviceGetDefaultApplicationsClock": default_application_clock,
    "nvmlDeviceGetMinMaxClockOfPState": clocks_of_state,
    "nvmlDeviceGetSupportedMemoryClocks": lambda gpu: gpu.profile.memory_clocks_mhz,
    "nvmlDeviceGetSupportedGraphicsClocks": graphics_clocks,
    "nvmlDeviceGetPowerUsage": lambda gpu: (_milliwatts(gpu.sensors.usage_w()),),
    "nvmlDeviceGetTotalEnergyConsumption": lambda gpu: (gpu.sensors.energy_mj(),),
    "nvmlDeviceGetPowerManagementMode": lambda gpu: (int(gpu.profile.limits is not None),),
    "nvmlDeviceGetPowerManagementLimit": _power_limit,
    "nvmlDeviceGetEnforcedPowerLimit": _power_limit,
    "nvmlDeviceGetPowerManagementDefaultLimit": lambda gpu: (_milliwatts(limits(gpu).default_w),),
    "nvmlDeviceGetPowerManagementLimitConstraints": limit_constraints,
    "nvmlDeviceGetTemperature": temperature,
    "nvmlDeviceGetTemperatureV": temperature,
    "nvmlDeviceGetTemperatureThreshold": temperature_threshold,
    "nvmlDeviceGetUtilizationRates": lambda gpu: gpu.sensors.utilization_percent(),
    "nvmlDeviceGetViolationStatus": violation_status,
    "nvmlDeviceGetMemoryInfo": memory_info,
    "nvmlDeviceGetMemoryInfo_v2": memory_info,
    "nvmlDeviceGetCurrentClocksThrottleReasons": _event_reasons,
    "nvmlDeviceGetCurrentClocksEventReasons": _event_reasons,
    "nvmlDeviceGetSupportedClocksThrottleReasons": _supported_reasons,
    "nvmlDeviceGetSupportedClocksEventReasons": _supported_reasons,
    **{
        f"nvmlDeviceGet{word}RunningProcesses_v{version}": processes(kind)
        for word, kind in (
            ("Compute", OccupantKind.COMPUTE),
            ("Graphics", OccupantKind.GRAPHICS),
            ("MPSCompute", OccupantKind.MPS),
        )
        for version in (2, 3)
    },
}
