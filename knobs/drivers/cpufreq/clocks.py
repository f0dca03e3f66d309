"""The clocks of this machine's CPUs: their limits, and the settings that hold for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from knobs.contract import Absence, Captured, Knob
from knobs.drivers.cpufreq.boost import BoostKnob, find_switches, is_off
from knobs.drivers.cpufreq.caps import CPU_COOLING, ClockCaps, performance_cap
from knobs.drivers.cpufreq.category import governor_knob, preference_knob
from knobs.drivers.cpufreq.cluster_limits import Bound, ClusterLimits, captured_limits
from knobs.drivers.cpufreq.clusters import Cluster, find_clusters
from knobs.drivers.cpufreq.limit_knobs import LimitKnob
from knobs.drivers.cpufreq.monitor import CpuMonitor
from knobs.drivers.cpufreq.names import BOOST_ID, GOVERNOR_ID, max_id, min_id
from knobs.drivers.cpufreq.policy import Policy
from knobs.found import Found, not_writable
from knobs.sysfs import KernelFiles

_LIMIT_ID = re.compile(r"(cpu\.(?:core|cluster\d+))\.(max|min)_mhz")


class Clocks:
    """What the policies of a machine offer."""

    def __init__(
        self,
        files: KernelFiles,
        policies: tuple[Policy, ...],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Looks for the switches of boost; writes nothing.

        Args:
            files: The kernel's files.
            policies: The policies, of which one at least has a CPU that is online.
            clock: The monotonic clock.
            sleep: Waits for some seconds.
        """
        self._files = files
        self._policies = policies
        self._clock = clock
        self._sleep = sleep
        self._switches = find_switches(files, policies)

    def found(self) -> Found:
        """Returns the knobs, or why they are absent, and the monitor."""
        clusters = find_clusters(self._policies, with_boost=self._can_boost)
        limits = (self._limit_knobs(cluster, several=len(clusters) > 1) for cluster in clusters)
        parts: list[Knob | Absence] = [
            *_outside(self._policies, clusters),
            *(part for pair in limits for part in pair),
            *self._settings(),
        ]
        by_id = {part.spec.id: part for part in parts if isinstance(part, Knob)}
        return Found.of(
            [*parts, CpuMonitor(self._files, clusters)],
            reopen=lambda knob_id, captured: by_id.get(knob_id) or self._from_captured(knob_id, captured),
        )

    @property
    def _can_boost(self) -> bool:
        """Whether boost is on, or the knob can turn it on."""
        return not is_off(self._switches) or all(self._files.writable(switch.path) for switch in self._switches)

    def _limit_knobs(self, cluster: Cluster, *, several: bool) -> Iterator[Knob | Absence]:
        """Yields both limits of a cluster, or why they are absent."""
        ids = max_id(cluster.name), min_id(cluster.name)
        if len(cluster.values_khz) == 1:
            yield Absence(ids[0], f"the CPUs run at {cluster.values_khz[0]} kHz only")
            return
        for bound, knob_id in zip((Bound.MAX, Bound.MIN), ids, strict=True):
            if closed := not_writable(self._files, knob_id, (policy.path(bound) for policy in cluster.policies)):
                yield closed
                return
        limits = self._limits(cluster)
        note = _note(self._files, cluster, several=several)
        yield LimitKnob(limits, Bound.MAX, note)
        yield LimitKnob(limits, Bound.MIN, note)

    def _limits(self, cluster: Cluster) -> ClusterLimits:
        caps = ClockCaps(self._files, CPU_COOLING, self._clock, self._sleep, cluster.policies)
        return ClusterLimits(cluster, caps, lambda: is_off(self._switches))

    def _settings(self) -> Iterator[Knob | Absence]:
        """Yields the knobs of all CPUs together, or why they are absent."""
        governor = governor_knob(self._policies)
        if governor is None:
            yield Absence(GOVERNOR_ID, "the driver offers one governor only, or policies have none in common")
        for knob in (governor, preference_knob(self._policies)):
            if knob is not None:
                yield not_writable(self._files, knob.spec.id, knob.paths()) or knob
        if self._switches:
            closed = not_writable(self._files, BOOST_ID, (switch.path for switch in self._switches))
            yield closed or BoostKnob(self._switches, self._policies)

    def _from_captured(self, knob_id: str, captured: Captured) -> Knob | None:
        """Returns the knob of a cluster that is numbered otherwise now, because other CPUs are online."""
        match = _LIMIT_ID.fullmatch(knob_id)
        if match is None:
            return None
        policies = tuple(self._policies[0].sibling(name) for name in captured_limits(knob_id, captured))
        alike = find_clusters(policies, with_boost=self._can_boost)
        values_khz = alike[0].values_khz if alike else ()
        limits = self._limits(Cluster(match[1], policies, values_khz, cpus=()))
        return LimitKnob(limits, Bound.MAX if match[2] == "max" else Bound.MIN)


def _outside(policies: Iterable[Policy], clusters: Iterable[Cluster]) -> Iterator[Absence]:
    """Yields the policies that no cluster holds: those that do not say to which they belong."""
    inside = {policy.name for cluster in clusters for policy in cluster.policies}
    for policy in policies:
        knob_id = f"cpu.{policy.name}.max_mhz"
        if policy.name not in inside and policy.cpus():
            yield Absence(knob_id, f"the kernel does not describe {policy.path('')} in full", "check the kernel's log")
        elif policy.name not in inside:
            reason = f"the clock policy {policy.name} cannot be read, since all of its CPUs are offline"
            yield Absence(knob_id, reason, "bring one of its CPUs online, then start the keeper again")


def _note(files: KernelFiles, cluster: Cluster, *, several: bool) -> str:
    clauses = [f"Holds for CPUs {', '.join(map(str, cluster.cpus))}"] if several else []
    clauses += performance_cap(files, passive=False)
    return f"{'; '.join(clauses)}." if clauses else ""
