"""``nvmlDeviceGetFieldValues``: each entry has a return code of its own."""

from __future__ import annotations

from collections.abc import Callable

from tests.emulated.nvml.codes import Field, NvmlRefusal, ReturnCode, ValueType
from tests.emulated.nvml.gpu import EmulatedGpu
from tests.emulated.nvml.profile import PowerLimits
from tests.emulated.nvml.releases import DriverRelease

FieldAnswer = tuple[int, int, int]
"""Return code, type of value, value."""

_SCOPED = (Field.POWER_AVERAGE, Field.POWER_INSTANT, Field.ENERGY)
_NANOSECONDS = 1_000_000_000


def field_answers(gpu: EmulatedGpu, release: DriverRelease, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Returns code, type and value for each wanted pair of field and scope, in one row."""
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return tuple(value for field, scope in pairs for value in _answer(gpu, release, field, scope))


def _answer(gpu: EmulatedGpu, release: DriverRelease, field: int, scope: int) -> FieldAnswer:
    if not release.has_field(field):
        return ReturnCode.INVALID_ARGUMENT, ValueType.UNSIGNED_INT, 0
    if field in _SCOPED and scope != gpu.profile.field_scope:
        return ReturnCode.NOT_SUPPORTED, ValueType.UNSIGNED_INT, 0
    try:
        for table, value_type in ((_UNSIGNED_INTS, ValueType.UNSIGNED_INT), (_LONGS, ValueType.UNSIGNED_LONG_LONG)):
            if field in table:
                return ReturnCode.SUCCESS, value_type, round(table[Field(field)](gpu))
    except NvmlRefusal as refusal:
        return refusal.code, ValueType.UNSIGNED_INT, 0
    return ReturnCode.NOT_SUPPORTED, ValueType.UNSIGNED_INT, 0


def _average_w(gpu: EmulatedGpu) -> float:
    if not gpu.profile.sensor.usage_averaged:
        raise NvmlRefusal(ReturnCode.NOT_SUPPORTED)
    return gpu.sensors.average_w()


def _energy_mj(gpu: EmulatedGpu) -> int:
    refusal = gpu.profile.refusal("nvmlDeviceGetTotalEnergyConsumption")
    if refusal is not None:
        raise NvmlRefusal(refusal)
    return gpu.sensors.energy_mj()


def _scoped_energy_mj(gpu: EmulatedGpu) -> int:
    return gpu.sensors.module_energy_mj() if gpu.profile.module_fields else _energy_mj(gpu)


def _limits(gpu: EmulatedGpu) -> PowerLimits:
    if gpu.profile.limits is None:
        raise NvmlRefusal(ReturnCode.NOT_SUPPORTED)
    return gpu.profile.limits


def _current_limit_mw(gpu: EmulatedGpu) -> float:
    _limits(gpu)
    return gpu.settings.limit_w * 1e3


def _power_capped_ns(gpu: EmulatedGpu) -> float:
    return gpu.device.now().power_capped_s * _NANOSECONDS


def _heat_capped_ns(gpu: EmulatedGpu) -> float:
    return gpu.device.now().heat_capped_s * _NANOSECONDS


_UNSIGNED_INTS: dict[Field, Callable[[EmulatedGpu], float]] = {
    Field.MEMORY_TEMP: lambda gpu: gpu.sensors.temperature_c(),
    Field.POWER_AVERAGE: lambda gpu: (_average_w(gpu) + gpu.profile.module_extra_w) * 1e3,
    Field.POWER_INSTANT: lambda gpu: (gpu.sensors.instant_w() + gpu.profile.module_extra_w) * 1e3,
    Field.POWER_MIN_LIMIT: lambda gpu: _limits(gpu).lowest_w * 1e3,
    Field.POWER_MAX_LIMIT: lambda gpu: _limits(gpu).highest_w * 1e3,
    Field.POWER_DEFAULT_LIMIT: lambda gpu: _limits(gpu).default_w * 1e3,
    Field.POWER_CURRENT_LIMIT: _current_limit_mw,
    Field.POWER_REQUESTED_LIMIT: _current_limit_mw,
}
_LONGS: dict[Field, Callable[[EmulatedGpu], float]] = {
    Field.PERF_POLICY_POWER: _power_capped_ns,
    Field.PERF_POLICY_THERMAL: _heat_capped_ns,
    Field.SW_THERMAL_SLOWDOWN: _heat_capped_ns,
    Field.HW_THERMAL_SLOWDOWN: lambda _: 0,
    Field.HW_POWER_BRAKE: lambda _: 0,
    Field.TOTAL_ENERGY_CONSUMPTION: _energy_mj,
    Field.ENERGY: _scoped_energy_mj,
}
