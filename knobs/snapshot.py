"""What this machine's kernel shows about knobs and meters, in one file: for bug reports, and for the tests.

Only what drivers look at is taken: no serial numbers, no addresses, no process lists. A file that cannot be
read is kept with the reason, because that is often what the report is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles

FORMAT = 1

_LONGEST_TEXT = 16384
_CPU = "/sys/devices/system/cpu"
_PATTERNS = (
    *("/etc/nv_tegra_release", "/etc/nvpmodel*.conf", "/var/lib/nvpmodel/status"),
    *("/sys/firmware/devicetree/base/model", "/sys/firmware/devicetree/base/compatible"),
    *(f"{_CPU}/online", f"{_CPU}/present", f"{_CPU}/possible", f"{_CPU}/cpu[0-9]*/online"),
    *(f"{_CPU}/cpufreq/boost", f"{_CPU}/cpufreq/policy*/*", f"{_CPU}/intel_pstate/*", f"{_CPU}/amd_pstate/*"),
    *(f"{_CPU}/cpu[0-9]*/{name}" for name in ("cpu_capacity", "topology/core_id", "topology/physical_package_id")),
    f"{_CPU}/cpu[0-9]*/thermal_throttle/*_count",
    *("/sys/class/thermal/thermal_zone*/type", "/sys/class/thermal/thermal_zone*/temp"),
    *("/sys/class/thermal/cooling_device*/type", "/sys/class/thermal/cooling_device*/*_state"),
    *("/sys/class/devfreq/*/*", "/sys/class/devfreq/*/device/of_node/name", "/sys/class/devfreq/*/device/*_enable"),
    *("/sys/class/devfreq/*/device/of_node/compatible", "/sys/class/devfreq/*/device/load"),
    *("/sys/kernel/nvpmodel_clk_cap/*", "/sys/kernel/nvpmodel_emc_cap/*"),
    *("/sys/kernel/debug/bpmp/debug/clk/emc/*", "/sys/kernel/debug/bpmp/debug/emc/possible_rates"),
    *("/sys/class/hwmon/hwmon*/*", "/sys/class/hwmon/hwmon*/device/name"),
    *("/sys/bus/i2c/drivers/ina3221x/*/iio:device*/*", "/sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/*"),
    *("/sys/class/powercap/*/name", "/sys/class/powercap/*/energy_uj", "/sys/class/powercap/*/max_energy_range_uj"),
    *("/sys/class/powercap/*/constraint_*", "/sys/class/powercap/*/enabled"),
    *(f"/sys/class/power_supply/*/{name}" for name in ("type", "status", "present", "online")),
    *(f"/sys/class/power_supply/*/{quantity}_*" for quantity in ("energy", "charge", "power", "current", "voltage")),
    *(f"/sys/class/drm/card[0-9]/device/{name}" for name in ("vendor", "device", "class", "boot_vga")),
    *(f"/sys/class/drm/card[0-9]/device/{name}" for name in ("pp_dpm_*", "pp_od_*", "power_dpm_*", "gpu_busy_percent")),
    *("/sys/class/drm/card[0-9]/device/power/runtime_status", "/sys/class/drm/card[0-9]/device/hwmon/hwmon*/*"),
    *("/sys/class/drm/card[0-9]/gt_*", "/sys/class/drm/card[0-9]/gt/gt*/*"),
    *(f"/sys/class/drm/card[0-9]/device/tile*/gt*/{name}" for name in ("freq0/*", "freq0/throttle/*")),
    *("/sys/bus/pci/devices/*/vendor", "/sys/bus/pci/devices/*/class"),
)
_LEFT_OUT = ("serial", "uuid", "unique_id", "address", "uevent", "pp_table")


@dataclass(frozen=True)
class KernelFile:
    """One file as it was found.

    Attributes:
        path: Its absolute path, links followed.
        mode: Its permission bits.
        text: Its content; None if it could not be read.
        error: Why not; empty if it could.
    """

    path: str
    mode: int
    text: str | None
    error: str = ""


@dataclass(frozen=True)
class KernelView:
    """What a kernel shows.

    Attributes:
        files: The files.
        links: Symbolic links on the way to them: where each leads, by its own path.
    """

    files: tuple[KernelFile, ...]
    links: tuple[tuple[str, str], ...]


def view_kernel(files: KernelFiles, patterns: Iterable[str] = _PATTERNS) -> KernelView:
    """Returns the files that drivers look at; reads only.

    Args:
        files: The kernel's files.
        patterns: Which.
    """
    links: dict[str, str] = {}
    found: dict[str, KernelFile] = {}
    for path in (path for pattern in patterns for path in files.glob(pattern)):
        if any(word in path.rpartition("/")[2] for word in _LEFT_OUT):
            continue
        real = _follow(files, path, links)
        if real is not None and real not in found and not files.is_directory(real):
            found[real] = _read(files, real)
    return KernelView(tuple(found[path] for path in sorted(found)), tuple(sorted(links.items())))


def _follow(files: KernelFiles, path: str, links: dict[str, str]) -> str | None:
    """Returns where a path leads, and notes the links on the way; None if it leads nowhere."""
    real = ""
    try:
        for part in path.strip("/").split("/"):
            step = f"{real}/{part}"
            real = files.resolve(step)
            if real != step:
                links[step] = real
    except DeviceError:
        return None
    return real


def _read(files: KernelFiles, path: str) -> KernelFile:
    mode = files.mode(path)
    try:
        return KernelFile(path, mode, files.read_text(path)[:_LONGEST_TEXT])
    except DeviceError as error:
        return KernelFile(path, mode, None, str(error))
