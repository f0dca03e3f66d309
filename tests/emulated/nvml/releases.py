"""What the releases of NVIDIA's driver differ in: functions that are not there yet, and functions that are no more."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

from tests.emulated.nvml.codes import Field

# Which branch brought a symbol. The clocks' event reasons came with 535; every other number is ASSUMED within a few
# branches, which is enough for a driver that lacks the symbol and one that has it.
INTRODUCED = {
    "nvmlDeviceSetMemoryLockedClocks": 455,
    "nvmlDeviceResetMemoryLockedClocks": 455,
    "nvmlDeviceGetComputeRunningProcesses_v3": 510,
    "nvmlDeviceGetGraphicsRunningProcesses_v3": 510,
    "nvmlDeviceGetMPSComputeRunningProcesses_v3": 510,
    "nvmlDeviceGetMemoryInfo_v2": 510,
    "nvmlDeviceGetMinMaxClockOfPState": 520,
    "nvmlDeviceGetCurrentClocksEventReasons": 535,
    "nvmlDeviceGetSupportedClocksEventReasons": 535,
    "nvmlDeviceGetTemperatureV": 575,
}

POWER_FIELDS_SINCE = 530
"""ASSUMED, too."""

# From which branch on a function (a pattern of names) answers "deprecated" (26). Application clocks: as a dump of
# 595 shows. The rest: announced by NVIDIA for CUDA 14, whose branch is ASSUMED.
REMOVED = {
    "*ApplicationsClock*": 595,
    "nvmlDeviceGetViolationStatus": 640,
    "nvmlDeviceGetPowerManagementMode": 640,
    "nvmlDeviceGet*ClocksThrottleReasons": 640,
    "nvmlDeviceGetTemperature": 640,
}


@dataclass(frozen=True)
class DriverRelease:
    """A release of the driver.

    Attributes:
        version: As ``nvmlSystemGetDriverVersion`` says it.
        cuda: As ``nvmlSystemGetCudaDriverVersion`` says it.
    """

    version: str
    cuda: int

    @property
    def branch(self) -> int:
        """The number before the first dot."""
        return int(self.version.partition(".")[0])

    @property
    def nvml_version(self) -> str:
        """As ``nvmlSystemGetNVMLVersion`` says it."""
        return f"{self.cuda // 1000}.{self.version}"

    @property
    def absent_symbols(self) -> tuple[str, ...]:
        """Symbols that the library of this release does not export."""
        return tuple(sorted(symbol for symbol, since in INTRODUCED.items() if since > self.branch))

    def lacks(self, function: str) -> bool:
        """Tells whether a function is not there yet."""
        return function in self.absent_symbols

    def has_field(self, field: int) -> bool:
        """Tells whether this release knows a field."""
        return field < Field.POWER_AVERAGE or self.branch >= POWER_FIELDS_SINCE

    def deprecates(self, function: str) -> bool:
        """Tells whether this release answers a function with "deprecated"."""
        return any(fnmatch(function, pattern) and self.branch >= since for pattern, since in REMOVED.items())


RELEASES = {
    release.branch: release
    for release in (
        DriverRelease("450.80.02", 11000),
        DriverRelease("510.47.03", 11060),
        DriverRelease("515.65.01", 11070),
        DriverRelease("535.54.03", 12020),
        DriverRelease("570.124.06", 12080),
        DriverRelease("595.58.03", 13020),
        DriverRelease("640.00.00", 14000),
    )
}
