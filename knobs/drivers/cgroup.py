"""CPU bandwidth in both versions of control groups, behind one interface.

In both, a group is made *inside* the group that the workload is in, so that every limit which holds
there (memory, an administrator's own CPU quota) keeps holding. Sources: the kernel's
Documentation/scheduler/sched-bwc.rst (version 1) and Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from knobs.contract import Absence, DeviceError
from knobs.sysfs import KernelFiles, MissingError

_PERIOD_US = 100_000
"""The kernel's default period: short enough for latencies of tens of milliseconds, cheap to enforce."""

_THREADED_CONTROLLERS = frozenset({"cpu", "cpuset", "perf_event", "pids"})
_DEFAULT_WEIGHT = "100"


@dataclass(frozen=True)
class CgroupMount:
    """Where a hierarchy is mounted.

    Attributes:
        point: The folder, as this process sees it.
        root: The group that appears there; not ``/`` in many containers.
    """

    point: str
    root: str


class CpuController(ABC):
    """What a knob needs of one version of control groups. Groups are named by their folder."""

    version: ClassVar[int]
    members_file: ClassVar[str]
    """Lists the members of a group, by process or thread id."""
    limit_file: ClassVar[str]

    def __init__(self, files: KernelFiles, mount: CgroupMount) -> None:
        """Looks at one mounted hierarchy; writes nothing."""
        self._files = files
        self._mount = mount

    def group_of(self, pid: int) -> str:
        """Returns the folder of the group that a process is in.

        Raises:
            MissingError: The process has ended.
            DeviceError: The group is not visible from here, as in a container.
        """
        for line in self._files.read_text(f"/proc/{pid}/cgroup").splitlines():
            _, controllers, group = line.split(":", 2)
            if self._is_ours(controllers):
                return self._folder(group)
        raise DeviceError(f"Process {pid} is in no group of this hierarchy: check /proc/{pid}/cgroup.")

    def _folder(self, group: str) -> str:
        if self._mount.root != "/" and not PurePosixPath(group).is_relative_to(self._mount.root):
            raise DeviceError(f"The control group {group} lies outside of what is mounted at {self._mount.point}.")
        inside = PurePosixPath(group).relative_to(self._mount.root)
        return str(PurePosixPath(self._mount.point) / inside)

    def move(self, task: int, group: str) -> None:
        """Moves the process that a process or thread id belongs to, with all its threads, into a group.

        Raises:
            MissingError: The process has ended.
            DeviceError: The kernel refused.
        """
        self._files.write_text(f"{group}/cgroup.procs", str(task))

    def members(self, group: str) -> list[int]:
        """Returns the processes or threads in a group; none if there is no such group.

        Raises:
            DeviceError: The kernel does not answer.
        """
        try:
            return [int(line) for line in self._files.read_text(f"{group}/{self.members_file}").split()]
        except MissingError:
            return []

    def enclosing_limit_percent(self, group: str) -> float | None:
        """Returns the tightest limit that holds in a group already, in percent of one CPU.

        Raises:
            DeviceError: A limit cannot be read.
        """
        limits = []
        folder = PurePosixPath(group)
        while folder.is_relative_to(self._mount.point):
            if self._files.exists(f"{folder}/{self.limit_file}"):
                limits.append(self.limit_percent(str(folder)))
            folder = folder.parent
        return min((limit for limit in limits if limit is not None), default=None)

    def remove(self, group: str) -> None:
        """Removes an empty group; none there is fine.

        Raises:
            DeviceError: The kernel refused, as it does while the group has members.
        """
        self._files.remove_directory(group)

    @abstractmethod
    def _is_ours(self, controllers: str) -> bool:
        """Tells whether a line of ``/proc/PID/cgroup`` is about this hierarchy."""

    @abstractmethod
    def obstacle(self, group: str) -> tuple[str, str] | None:
        """Returns why no group can be made inside this one, and what helps; None if it can."""

    @abstractmethod
    def make(self, group: str) -> None:
        """Makes a group in which CPU bandwidth can be limited.

        Raises:
            DeviceError: The kernel refused.
        """

    @abstractmethod
    def limit_percent(self, group: str) -> float | None:
        """Returns the limit of one group in percent of one CPU; None if there is none.

        Raises:
            DeviceError: The limit cannot be read.
        """

    @abstractmethod
    def set_limit(self, group: str, percent: float | None) -> None:
        """Limits a group to so many percent of one CPU, or lifts its limit.

        Raises:
            DeviceError: The kernel refused.
        """


class CgroupV1(CpuController):
    """The ``cpu`` controller of version 1: ``cpu.cfs_quota_us`` over ``cpu.cfs_period_us``."""

    version = 1
    members_file = "cgroup.procs"
    limit_file = "cpu.cfs_quota_us"

    def _is_ours(self, controllers: str) -> bool:
        return "cpu" in controllers.split(",")

    def obstacle(self, group: str) -> tuple[str, str] | None:
        """Returns why no group can be made inside this one, and what helps; None if it can."""
        if not self._files.exists(f"{group}/{self.limit_file}"):
            return "the kernel was built without CPU bandwidth control", "use a kernel with CONFIG_CFS_BANDWIDTH"
        return _not_writable(self._files, group, "cgroup.procs")

    def make(self, group: str) -> None:
        """Makes a group; every group of this hierarchy has the controller."""
        self._files.make_directory(group)

    def limit_percent(self, group: str) -> float | None:
        """Returns the limit of one group; a negative quota means none."""
        quota_us = int(self._files.read_text(f"{group}/{self.limit_file}"))
        period_us = int(self._files.read_text(f"{group}/cpu.cfs_period_us"))
        return None if quota_us < 0 else 100 * quota_us / period_us

    def set_limit(self, group: str, percent: float | None) -> None:
        """Sets the quota for the group's own period."""
        period_us = int(self._files.read_text(f"{group}/cpu.cfs_period_us"))
        quota_us = -1 if percent is None else round(percent * period_us / 100)
        self._files.write_text(f"{group}/{self.limit_file}", str(quota_us))


class CgroupV2(CpuController):
    """The ``cpu`` controller of version 2: ``cpu.max``.

    A group with processes of its own may not hand controllers down, unless the group below is
    *threaded*: ``cpu`` is a threaded controller, and a threaded group may be made inside a group
    that is in use. It stays in its parent's resource domain: memory limits keep holding. (Tried on
    Linux 6.1, in a group shared with another process and at the root: 50 percent gave 51 to 54.)
    """

    version = 2
    members_file = "cgroup.threads"
    limit_file = "cpu.max"

    def _is_ours(self, controllers: str) -> bool:
        return controllers == ""

    def obstacle(self, group: str) -> tuple[str, str] | None:
        """Returns why no group can be made inside this one, and what helps; None if it can."""
        delegate = "start the workload in a systemd unit with Delegate=cpu, or start the keeper as root"
        if "cpu" not in self._files.read_text(f"{group}/cgroup.controllers").split():
            return f"the cpu controller is not delegated to {group}", delegate
        is_root = not self._files.exists(f"{group}/cgroup.type")
        handed_down = set(self._files.read_text(f"{group}/cgroup.subtree_control").split())
        if not is_root and handed_down - _THREADED_CONTROLLERS:
            return f"{group} hands domain controllers down", "start the workload in a group of its own"
        return _not_writable(self._files, group, "cgroup.subtree_control", "cgroup.procs")

    def make(self, group: str) -> None:
        """Makes a threaded group, and hands the cpu controller down to it."""
        parent = str(PurePosixPath(group).parent)
        self._files.make_directory(group)
        if self._files.read_text(f"{group}/cgroup.type") != "threaded":
            self._files.write_text(f"{group}/cgroup.type", "threaded")
        if "cpu" not in self._files.read_text(f"{parent}/cgroup.subtree_control").split():
            self._files.write_text(f"{parent}/cgroup.subtree_control", "+cpu")

    def limit_percent(self, group: str) -> float | None:
        """Returns the limit of one group; ``max`` means none, and so does a group without the controller."""
        try:
            quota, period_us = self._files.read_text(f"{group}/{self.limit_file}").split()
        except MissingError:
            return None
        return None if quota == "max" else 100 * int(quota) / int(period_us)

    def set_limit(self, group: str, percent: float | None) -> None:
        """Sets quota and period in one write."""
        quota = "max" if percent is None else str(round(percent * _PERIOD_US / 100))
        self._files.write_text(f"{group}/{self.limit_file}", f"{quota} {_PERIOD_US}")

    def hands_down_cpu(self, group: str) -> bool:
        """Tells whether the groups inside this one have the cpu controller.

        Raises:
            DeviceError: The kernel does not answer.
        """
        return "cpu" in self._files.read_text(f"{group}/cgroup.subtree_control").split()

    def withdraw_cpu(self, group: str) -> None:
        """Stops handing the cpu controller down, unless somebody uses it meanwhile: ours or another program.

        Raises:
            DeviceError: The kernel refused.
        """
        used = any(self._uses_cpu(f"{group}/{name}") for name in self._files.directories(group))
        if not used and self.hands_down_cpu(group):
            self._files.write_text(f"{group}/cgroup.subtree_control", "-cpu")

    def _uses_cpu(self, group: str) -> bool:
        if self.limit_percent(group) is not None:
            return True
        weight = f"{group}/cpu.weight"
        return self._files.exists(weight) and self._files.read_text(weight) != _DEFAULT_WEIGHT


def find_cpu_controller(files: KernelFiles, absent_id: str) -> CpuController | Absence:
    """Finds the hierarchy that limits CPU bandwidth on this machine; version 1 if both are mounted.

    Args:
        files: The kernel's files.
        absent_id: The knob to which an absence belongs.
    """
    unified = None
    for line in files.read_text("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        mount = CgroupMount(point=before.split()[4], root=before.split()[3])
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup" and "cpu" in options.split(","):
            return CgroupV1(files, mount)
        if kind == "cgroup2":
            unified = CgroupV2(files, mount)
    if unified is None:
        return Absence(absent_id, "no control group hierarchy is mounted", "mount cgroup2 at /sys/fs/cgroup")
    return unified


def _not_writable(files: KernelFiles, group: str, *names: str) -> tuple[str, str] | None:
    for path in (group, *(f"{group}/{name}" for name in names)):
        if not files.writable(path):
            return f"{path} is not writable", "start the keeper as root, or let systemd delegate the group to its user"
    return None
