"""The kernel's files that drivers look at, as they are now."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass

from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles

_LONGEST_TEXT = 16384
_CPU = "/sys/devices/system/cpu"
_CARDS = ("/sys/class/drm/card[0-9]", "/sys/class/drm/card[0-9][0-9]")
_PATTERNS = (
    *("/etc/nv_tegra_release", "/etc/nvpmodel*.conf", "/var/lib/nvpmodel/status"),
    *("/etc/nvfancontrol.conf", "/var/lib/nvfancontrol/status", "/sys/kernel/security/lockdown"),
    *("/sys/firmware/devicetree/base/model", "/sys/firmware/devicetree/base/compatible"),
    *("/proc/device-tree/model", "/proc/device-tree/compatible"),
    *(f"{_CPU}/online", f"{_CPU}/present", f"{_CPU}/possible", f"{_CPU}/cpu[0-9]*/online"),
    *(f"{_CPU}/cpufreq/boost", f"{_CPU}/cpufreq/policy*/*", f"{_CPU}/intel_pstate/*", f"{_CPU}/amd_pstate/*"),
    *(f"{_CPU}/cpu[0-9]*/{name}" for name in ("cpu_capacity", "topology/core_id", "topology/physical_package_id")),
    *(f"{_CPU}/cpu[0-9]*/{name}" for name in ("thermal_throttle/*_count", "regs/identification/midr_el1")),
    *("/sys/class/thermal/thermal_zone*/type", "/sys/class/thermal/thermal_zone*/temp"),
    *("/sys/class/thermal/cooling_device*/type", "/sys/class/thermal/cooling_device*/*_state"),
    *("/sys/class/devfreq/*/*", "/sys/class/devfreq/*/device/of_node/name", "/sys/class/devfreq/*/device/*_enable"),
    *("/sys/class/devfreq/*/device/of_node/compatible", "/sys/class/devfreq/*/device/load"),
    *("/sys/class/devfreq/*/device/power/runtime_status", "/sys/devices/gpu.0/railgate_enable"),
    *(
        "/sys/devices/platform/gpu.0/railgate_enable",
        "/sys/kernel/nvpmodel_clk_cap/*",
        "/sys/kernel/nvpmodel_emc_cap/*",
    ),
    *("/sys/kernel/debug/bpmp/debug/clk/emc/*", "/sys/kernel/debug/bpmp/debug/emc/possible_rates"),
    *("/sys/kernel/debug/clk/emc/clk_*", "/sys/kernel/debug/clk/override.emc/clk_*"),
    *("/sys/class/hwmon/hwmon*/*", "/sys/class/hwmon/hwmon*/device/name"),
    *("/sys/bus/i2c/drivers/ina3221x/*/iio:device*/*", "/sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/*"),
    *("/sys/class/powercap/*/name", "/sys/class/powercap/*/energy_uj", "/sys/class/powercap/*/max_energy_range_uj"),
    *("/sys/class/powercap/*/constraint_*", "/sys/class/powercap/*/enabled"),
    *(f"/sys/class/power_supply/*/{name}" for name in ("type", "status", "present", "online", "scope")),
    *(f"/sys/class/power_supply/*/{quantity}_*" for quantity in ("energy", "charge", "power", "current", "voltage")),
    *(f"{card}/device/{name}" for card in _CARDS for name in ("vendor", "device", "class", "boot_vga", "uevent")),
    *(f"{card}/device/{name}" for card in _CARDS for name in ("pp_dpm_*", "pp_od_*", "power_dpm_*")),
    *(f"{card}/device/{name}" for card in _CARDS for name in ("gpu_busy_percent", "power/runtime_status")),
    *(f"{card}/device/{name}" for card in _CARDS for name in ("hwmon/hwmon*/*", "tile*/gt*/freq0/*")),
    *(
        f"{card}/device/tile*/gt*/{name}"
        for card in _CARDS
        for name in ("freq0/throttle/*", "engines/*/job_timeout_ms")
    ),
    *(f"{card}/{name}" for card in _CARDS for name in ("gt_*", "gt/gt*/*", "gt/gt*/.defaults/*")),
    *(f"/sys/bus/pci/devices/*/{name}" for name in ("vendor", "class", "uevent", "power/runtime_status")),
)
_LEFT_OUT = ("serial", "uuid", "unique_id", "address", "uevent", "pp_table")
"""Parts of names of files that are taken only where a pattern names them in full."""

_ASKED_ASLEEP = ("vendor", "device", "class", "boot_vga", "uevent", "power/runtime_status")
"""What the kernel knows of a device by heart."""


@dataclass(frozen=True)
class KernelFile:
    """One file as it was found.

    Attributes:
        path: Its absolute path, links followed.
        mode: Its permission bits, without those of writing where not even root may write.
        text: Its content; None if it could not be read.
        error: Why not, as errno.h names it; empty if it could.
    """

    path: str
    mode: int
    text: str | None
    error: str = ""


@dataclass(frozen=True)
class KernelView:
    """What a kernel shows.

    Attributes:
        is_root: Whether it was root to whom it was shown.
        files: The files.
        links: Symbolic links on the way to them: where each leads, by its own path.
    """

    is_root: bool
    files: tuple[KernelFile, ...]
    links: tuple[tuple[str, str], ...]


def view_kernel(files: KernelFiles, *, is_root: bool | None = None, patterns: Iterable[str] = _PATTERNS) -> KernelView:
    """Returns the files that drivers look at; reads only, and wakes no device.

    Args:
        files: The kernel's files.
        is_root: Whether this is root; found out if None.
        patterns: Which files.
    """
    is_root = os.geteuid() == 0 if is_root is None else is_root
    leads: dict[str, str] = {}
    found: dict[str, KernelFile] = {}
    asleep = sleeping_devices(files)
    for pattern in patterns:
        for path in files.glob(pattern):
            real = _follow(files, path, leads) if _may_be_taken(path, pattern) else None
            if real is not None and real not in found and not _wakes(real, asleep) and not files.is_directory(real):
                found[real] = _read(files, real, is_root=is_root)
    links = sorted((path, real) for path, real in leads.items() if path != real)
    return KernelView(is_root, tuple(found[path] for path in sorted(found)), tuple(links))


def sleeping_devices(files: KernelFiles) -> tuple[str, ...]:
    """Returns the folders of PCI devices that the kernel has switched off until they are used; wakes none of them."""
    found = []
    for status in files.glob("/sys/bus/pci/devices/*/power/runtime_status"):
        try:
            if files.read_text(status) == "suspended":
                found.append(files.resolve(status).removesuffix("/power/runtime_status"))
        except DeviceError:
            continue
    return tuple(found)


def _may_be_taken(path: str, pattern: str) -> bool:
    name = path.rpartition("/")[2]
    return pattern.endswith(f"/{name}") or not any(word in name for word in _LEFT_OUT)


def _wakes(real: str, asleep: Iterable[str]) -> bool:
    """Tells whether a file is that of a sleeping device, or of a device behind it."""
    return any(
        real.startswith(f"{folder}/") and real.removeprefix(f"{folder}/") not in _ASKED_ASLEEP for folder in asleep
    )


def _follow(files: KernelFiles, path: str, leads: dict[str, str]) -> str | None:
    """Returns where a path leads, and notes where each step on the way does; None if it leads nowhere."""
    real = ""
    try:
        for part in path.strip("/").split("/"):
            step = f"{real}/{part}"
            real = leads[step] = leads.get(step) or files.resolve(step)
    except DeviceError:
        return None
    return real


def _read(files: KernelFiles, path: str, *, is_root: bool) -> KernelFile:
    mode = files.mode(path)
    if is_root and not files.writable(path):
        mode &= ~0o222
    try:
        return KernelFile(path, mode, files.read_text(path)[:_LONGEST_TEXT])
    except DeviceError as error:
        return KernelFile(path, mode, None, _name_of(error))


def _name_of(error: DeviceError) -> str:
    number = error.__cause__.errno if isinstance(error.__cause__, OSError) else None
    return errno.errorcode.get(number or 0, "EIO")
