"""What the CPUs say about themselves while they work: clocks, throttling, temperatures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from knobs.attributes import optional_number
from knobs.contract import Conditions, Monitor
from knobs.drivers.cpufreq.caps import CPU_COOLING, firmware_caps, performance_cap
from knobs.drivers.cpufreq.clusters import Cluster
from knobs.drivers.cpufreq.frequencies import mhz
from knobs.drivers.cpufreq.names import DEVICE, max_id
from knobs.drivers.thermal import ThermalCaps, temperatures_c
from knobs.sysfs import KernelFiles

_THROTTLE_COUNTS = "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count"
_SENSORS = re.compile(r"x86_pkg_temp|cpu|tj-thermal", re.IGNORECASE)


class CpuMonitor(Monitor):
    """Watches the CPUs' clocks, and what takes them away."""

    def __init__(self, files: KernelFiles, clusters: Sequence[Cluster]) -> None:
        """Notes how often the CPUs have throttled so far.

        Args:
            files: The kernel's files.
            clusters: The clusters whose clocks are watched.
        """
        self._files = files
        self._clusters = tuple(clusters)
        self._cooling = ThermalCaps(files, CPU_COOLING)
        self._throttled = self._throttle_counts()

    @property
    def device(self) -> str:
        """The device that is watched."""
        return DEVICE

    def observe(self) -> Conditions:
        """Returns clocks and caps now, and whether any CPU has throttled since the last call.

        The clock of a cluster is the highest of its online CPUs: idle ones are slow or tell an old figure.
        """
        policies = [policy for cluster in self._clusters for policy in cluster.policies]
        caps = (*firmware_caps(policies), *performance_cap(self._files, passive=False))
        return Conditions(
            delivered=tuple(delivered for cluster in self._clusters for delivered in _delivered(cluster)),
            obstacles=(*self._throttled_since(), *(f"{DEVICE}: {cap}" for cap in self._cooling.active())),
            remarks=tuple(f"{DEVICE}: {cap}" for cap in caps),
            temperatures_c=temperatures_c(self._files, _SENSORS),
        )

    def _throttled_since(self) -> tuple[str, ...]:
        """Returns a clause if any CPU's count of thermal throttling has grown."""
        before, self._throttled = self._throttled, self._throttle_counts()
        grown = sorted({_kind(path) for path, count in self._throttled.items() if count > before.get(path, count)})
        return (f"{DEVICE}: thermal throttling ({' and '.join(grown)})",) if grown else ()

    def _throttle_counts(self) -> dict[str, int]:
        """Returns the counts by file; those of a CPU that has gone offline are left out."""
        counts = {path: optional_number(self._files, path) for path in self._files.glob(_THROTTLE_COUNTS)}
        return {path: count for path, count in counts.items() if count is not None}


def _kind(path: str) -> str:
    """What throttled: ``core`` or ``package``."""
    return path.rpartition("/")[2].partition("_")[0]


def _delivered(cluster: Cluster) -> tuple[tuple[str, float], ...]:
    """The fastest policy's clock; a policy that is offline, or whose driver cannot tell (``<unknown>``), has none."""
    clocks_khz = [optional_number(policy.files, policy.path("scaling_cur_freq")) for policy in cluster.policies]
    known_khz = [clock for clock in clocks_khz if clock is not None]
    return ((max_id(cluster.name), float(mhz(max(known_khz)))),) if known_khz else ()
