"""The numbers of nvml.h that the emulated driver speaks in."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class ReturnCode(IntEnum):
    """``nvmlReturn_t``."""

    SUCCESS = 0
    UNINITIALIZED = 1
    INVALID_ARGUMENT = 2
    NOT_SUPPORTED = 3
    NO_PERMISSION = 4
    NOT_FOUND = 6
    INSUFFICIENT_SIZE = 7
    DRIVER_NOT_LOADED = 9
    TIMEOUT = 10
    FUNCTION_NOT_FOUND = 13
    GPU_IS_LOST = 15
    RESET_REQUIRED = 16
    OPERATING_SYSTEM = 17
    LIB_RM_VERSION_MISMATCH = 18
    IN_USE = 19
    NO_DATA = 21
    FREQ_NOT_SUPPORTED = 24
    DEPRECATED = 26
    UNKNOWN = 999


class NvmlRefusal(Exception):  # noqa: N818 - the driver's refusal, an answer as good as any
    """A call that the driver answers with another code than success."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Architecture(IntEnum):
    """``NVML_DEVICE_ARCH_*``."""

    MAXWELL = 3
    PASCAL = 4
    VOLTA = 5
    TURING = 6
    AMPERE = 7
    ADA = 8
    HOPPER = 9
    BLACKWELL = 10


class ClockType(IntEnum):
    """``nvmlClockType_t``."""

    GRAPHICS = 0
    SM = 1
    MEMORY = 2
    VIDEO = 3


class ClockId(IntEnum):
    """``nvmlClockId_t``."""

    CURRENT = 0
    APPLICATION_TARGET = 1
    APPLICATION_DEFAULT = 2
    CUSTOMER_BOOST_MAX = 3


class EventReason(IntFlag):
    """``nvmlClocksEventReason*``: why the clock is what it is."""

    NONE = 0
    GPU_IDLE = 0x1
    APPLICATIONS_CLOCKS_SETTING = 0x2
    SW_POWER_CAP = 0x4
    HW_SLOWDOWN = 0x8
    SYNC_BOOST = 0x10
    SW_THERMAL_SLOWDOWN = 0x20
    HW_THERMAL_SLOWDOWN = 0x40
    HW_POWER_BRAKE = 0x80
    DISPLAY_CLOCK_SETTING = 0x100


class Field(IntEnum):
    """``NVML_FI_DEV_*``."""

    PERF_POLICY_POWER = 74
    PERF_POLICY_THERMAL = 75
    PERF_POLICY_TOTAL_BASE_CLOCKS = 81
    MEMORY_TEMP = 82
    TOTAL_ENERGY_CONSUMPTION = 83
    POWER_AVERAGE = 185
    POWER_INSTANT = 186
    POWER_MIN_LIMIT = 187
    POWER_MAX_LIMIT = 188
    POWER_DEFAULT_LIMIT = 189
    POWER_CURRENT_LIMIT = 190
    ENERGY = 191
    POWER_REQUESTED_LIMIT = 192
    SW_THERMAL_SLOWDOWN = 269
    HW_THERMAL_SLOWDOWN = 270
    HW_POWER_BRAKE = 271


class Scope(IntEnum):
    """``NVML_POWER_SCOPE_*``: what a power field is about."""

    GPU = 0
    MODULE = 1
    MEMORY = 2


class ValueType(IntEnum):
    """``nvmlValueType_t``."""

    UNSIGNED_INT = 1
    UNSIGNED_LONG_LONG = 3


CLOCK_LIMIT_TDP = 0xFFFFFF01
CLOCK_LIMIT_UNLIMITED = 0xFFFFFF02
"""``NVML_CLOCK_LIMIT_ID_*``: symbols that stand in place of a clock."""
