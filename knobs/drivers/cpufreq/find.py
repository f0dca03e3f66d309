"""The knobs and the monitor of this machine's CPUs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from knobs.contract import Absence, Captured, DeviceError, Knob
from knobs.drivers.cpu_online import find_cores_online
from knobs.drivers.cpufreq.boost import BoostKnob, BoostSwitch, find_switches, is_off
from knobs.drivers.cpufreq.caps import CPU_COOLING, INTEL_PSTATE, ClockCaps, performance_cap
from knobs.drivers.cpufreq.category import CategoryKnob, governor_knob, preference_knob
from knobs.drivers.cpufreq.cluster_limits import Bound, ClusterLimits, captured_limits
from knobs.drivers.cpufreq.clusters import Cluster, find_clusters
from knobs.drivers.cpufreq.limit_knobs import LimitKnob
from knobs.drivers.cpufreq.monitor import CpuMonitor
from knobs.drivers.cpufreq.names import BOOST_ID, GOVERNOR_ID, max_id, min_id
from knobs.drivers.cpufreq.policy import CPUFREQ, Policy, find_policies
from knobs.found import Found, Wishes, merged
from knobs.sysfs import KernelFiles

_LIMIT_ID = re.compile(r"(cpu\.(?:core|cluster\d+))\.(max|min)_mhz")
_ALWAYS_EXPECTED = (max_id("cpu.core"), min_id("cpu.core"), GOVERNOR_ID)
_RUN_AS_ROOT = "start the keeper as root"


def find_cpu(
    files: KernelFiles,
    wishes: Wishes,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """Returns the knobs and the monitor of the CPUs, and the reason for each knob that is absent; writes nothing.

    Args:
        files: The kernel's files.
        wishes: What the operator allows.
        clock: The monotonic clock.
        sleep: Waits for some seconds.
    """
    return merged([_find_clocks(files, clock, sleep), find_cores_online(files, wishes, sleep)])


def _find_clocks(files: KernelFiles, clock: Callable[[], float], sleep: Callable[[float], None]) -> Found:
    policies = find_policies(files, clock, sleep)
    if not any(policy.cpus() for policy in policies):
        return Found(absent=tuple(Absence(knob_id, *_no_policies(files)) for knob_id in _ALWAYS_EXPECTED))
    switches = find_switches(files, policies)
    clocks = _Clocks(files, policies, switches, clock, sleep)
    clusters = find_clusters(policies, with_boost=clocks.can_boost)
    knobs: list[Knob] = []
    absent: list[Absence] = list(_outside(policies, clusters))
    for part in (*(clocks.limit_knobs(cluster, several=len(clusters) > 1) for cluster in clusters), clocks.settings()):
        for one in part:
            knobs.append(one) if isinstance(one, Knob) else absent.append(one)
    by_id = {knob.spec.id: knob for knob in knobs}
    return Found(
        knobs=tuple(knobs),
        monitors=(CpuMonitor(files, clusters),),
        absent=tuple(absent),
        reopen=lambda knob_id, captured: by_id.get(knob_id) or clocks.from_captured(knob_id, captured),
    )


@dataclass(frozen=True)
class _Clocks:
    """What the knobs of the clocks are made of."""

    files: KernelFiles
    policies: tuple[Policy, ...]
    switches: tuple[BoostSwitch, ...]
    clock: Callable[[], float]
    sleep: Callable[[float], None]

    @property
    def can_boost(self) -> bool:
        """Whether boost is on, or the knob can turn it on."""
        return not is_off(self.switches) or all(self.files.writable(switch.path) for switch in self.switches)

    def limit_knobs(self, cluster: Cluster, *, several: bool) -> Iterator[Knob | Absence]:
        """Yields both limits of a cluster, or why they are absent."""
        ids = max_id(cluster.name), min_id(cluster.name)
        if len(cluster.values_khz) == 1:
            yield Absence(ids[0], f"the CPUs run at {cluster.values_khz[0]} kHz only")
            return
        for attribute, knob_id in zip(("scaling_max_freq", "scaling_min_freq"), ids, strict=True):
            if closed := self._closed(policy.path(attribute) for policy in cluster.policies):
                yield Absence(knob_id, f"{closed} may not be written", _RUN_AS_ROOT)
                return
        limits = self.limits(cluster)
        note = _note(self.files, cluster, several=several)
        yield LimitKnob(limits, Bound.MAX, note)
        yield LimitKnob(limits, Bound.MIN, note)

    def limits(self, cluster: Cluster) -> ClusterLimits:
        """Returns the limits of a cluster."""
        caps = ClockCaps(self.files, CPU_COOLING, self.clock, self.sleep, cluster.policies)
        return ClusterLimits(cluster, caps, lambda: is_off(self.switches))

    def settings(self) -> Iterator[Knob | Absence]:
        """Yields the knobs of all CPUs together, or why they are absent."""
        governor = governor_knob(self.policies)
        if governor is None:
            yield Absence(GOVERNOR_ID, "the driver offers one governor only, or policies have none in common")
        else:
            yield self._if_open(governor)
        preference = preference_knob(self.policies)
        if preference is not None:
            yield self._if_open(preference)
        if self.switches:
            closed = self._closed(switch.path for switch in self.switches)
            refused = Absence(BOOST_ID, f"{closed} may not be written", _RUN_AS_ROOT)
            yield refused if closed else BoostKnob(self.switches, self.policies)

    def _if_open(self, knob: CategoryKnob) -> Knob | Absence:
        closed = self._closed(knob.paths())
        return Absence(knob.spec.id, f"{closed} may not be written", _RUN_AS_ROOT) if closed else knob

    def _closed(self, paths: Iterable[str]) -> str:
        """Returns the first file that may not be written; empty if all may."""
        return next((path for path in paths if not self.files.writable(path)), "")

    def from_captured(self, knob_id: str, captured: Captured) -> Knob | None:
        """Returns the knob of a cluster that is numbered otherwise now, because other CPUs are online."""
        match = _LIMIT_ID.fullmatch(knob_id)
        if match is None:
            return None
        names = captured_limits(knob_id, captured)
        policies = tuple(Policy(self.files, name, self.clock, self.sleep) for name in names)
        alike = find_clusters(policies, with_boost=self.can_boost)
        values_khz = alike[0].values_khz if alike else ()
        limits = self.limits(Cluster(match[1], policies, values_khz, cpus=()))
        return LimitKnob(limits, Bound.MAX if match[2] == "max" else Bound.MIN)


def _no_policies(files: KernelFiles) -> tuple[str, str]:
    """Returns why this machine's clocks cannot be set, and what to do about it."""
    status = f"{INTEL_PSTATE}/status"
    try:
        if files.exists(status) and files.read_text(status) == "off":
            return "the driver intel_pstate is switched off", f"write active to {status}"
    except DeviceError:
        return f"{status} cannot be read", "check the kernel's log"
    return (
        f"the kernel shows no clock policies in {CPUFREQ}; in a virtual machine the hypervisor controls the clocks",
        "run on bare metal; there, enable CPU frequency scaling in the firmware and load its driver",
    )


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
