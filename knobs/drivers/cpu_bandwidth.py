"""How much CPU time the workload may use: the bandwidth control of control groups."""

from __future__ import annotations

import time
from pathlib import PurePosixPath

from knobs.checks import foreign_entry, require_listed
from knobs.contract import (
    WORKLOAD_DEVICE,
    Absence,
    Captured,
    DeviceError,
    KnobKind,
    KnobSpec,
    NotAbove,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.cgroup import CgroupV2, CpuController
from knobs.process import ProcessIdentity, is_alive, require_alive
from knobs.sysfs import KernelFiles, MissingError

KNOB_ID = "workload.cpu.quota_percent"
CORES_KNOB_ID = "workload.cpu.cores"

_PERCENT_A_STEP = 50
_EMPTYING_PASSES = 200
_EMPTYING_PAUSE_S = 0.01


class CpuBandwidthKnob(DescribedKnob):
    """Limits a process, and whatever it forks meanwhile, to a share of CPU time.

    The first limit makes a group named after the process inside the group that the process is in,
    and moves the process there. The highest value means no limit of ours. Restoring moves all
    members of our group back and removes it.
    """

    def __init__(
        self, files: KernelFiles, controller: CpuController, process: ProcessIdentity, home: str, cpu_count: int
    ) -> None:
        """Prepares the knob; writes nothing.

        Args:
            files: The kernel's files.
            controller: The version of control groups in use.
            process: The workload.
            home: The group that the process was in before Wattune.
            cpu_count: How many CPUs the process could use before Wattune.
        """
        self._files = files
        self._controller = controller
        self._process = process
        self._home = home
        self._cpu_count = cpu_count
        self._spec = KnobSpec(
            id=KNOB_ID,
            unit="percent",
            kind=KnobKind.QUOTA,
            values=_values(cpu_count, controller.enclosing_limit_percent(home)),
            restore_class=RestoreClass.EXACT,
            device=WORKLOAD_DEVICE,
            not_above=NotAbove(CORES_KNOB_ID, factor=100),
            tolerance=0.001,
            settle_s=0.2,
            note="100 percent is one CPU; the highest value means no limit.",
        )

    @classmethod
    def of_process(
        cls, files: KernelFiles, controller: CpuController, process: ProcessIdentity, cpu_count: int
    ) -> CpuBandwidthKnob | Absence:
        """Returns the knob of a process, or why it cannot have one.

        Raises:
            DeviceError: The process has ended, or the kernel does not answer.
        """
        home = _home_of(controller, process)
        obstacle = controller.obstacle(home)
        if obstacle is not None:
            reason, fix = obstacle
            return Absence(KNOB_ID, reason, fix)
        return cls(files, controller, process, home, cpu_count)

    @classmethod
    def from_captured(cls, files: KernelFiles, controller: CpuController, captured: Captured) -> CpuBandwidthKnob:
        """Returns the knob that a journal entry belongs to.

        Raises:
            DeviceError: The entry is not one of this knob, or of another version of control groups.
        """
        home, cpu_count = captured.get("group"), captured.get("cpu_count")
        if not isinstance(home, str) or not isinstance(cpu_count, int):
            raise foreign_entry(KNOB_ID, "names no control group")
        if captured.get("version") != controller.version:
            raise DeviceError(
                f"The journal entry of {KNOB_ID} is about control groups version {captured.get('version')}, "
                f"but version {controller.version} is mounted: mount the other one, then run wattune restore."
            )
        return cls(files, controller, ProcessIdentity.from_captured(captured), home, cpu_count)

    @property
    def _group(self) -> str:
        return f"{self._home}/{_group_name(self._process)}"

    def read(self) -> Value:
        """Returns the share in force; the highest value if the process is not in a group of ours."""
        require_alive(self._files, self._process)
        percent = None
        if self._controller.group_of(self._process.pid) == self._group:
            percent = self._controller.limit_percent(self._group)
        if percent is None:
            return self._spec.values[-1]
        nearest = round(percent)
        return nearest if nearest in self._spec.values else percent

    def write(self, value: Value) -> None:
        """Limits the process, which first gets a group of its own if it has none."""
        require_listed(self._spec, value)
        require_alive(self._files, self._process)
        inside = self._controller.group_of(self._process.pid) == self._group
        unlimited = value == self._spec.values[-1]
        if unlimited and not inside:
            return
        if not inside:
            self._controller.make(self._group)
        self._controller.set_limit(self._group, None if unlimited else float(value))
        if not inside:
            self._controller.move(self._process.pid, self._group)

    def capture(self) -> Captured:
        """Returns the group that the process was in before Wattune."""
        require_alive(self._files, self._process)
        captured: Captured = {
            **self._process.captured(),
            "version": self._controller.version,
            "group": _home_of(self._controller, self._process),
            "cpu_count": self._cpu_count,
        }
        if isinstance(self._controller, CgroupV2):
            captured["hands_down_cpu"] = self._controller.hands_down_cpu(self._home)
        return captured

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Moves the process and all that it forked meanwhile back, and removes our group."""
        original = self.from_captured(self._files, self._controller, captured)
        return original.restore_home(withdraw=captured.get("hands_down_cpu") is False)

    def restore_home(self, *, withdraw: bool) -> RestoreOutcome:
        """Brings the process home, wherever it is now.

        Args:
            withdraw: Whether the home group did not hand the cpu controller down before Wattune.

        Raises:
            DeviceError: The kernel refused.
        """
        alive = is_alive(self._files, self._process)
        if alive and self._controller.group_of(self._process.pid) != self._home:
            self._controller.move(self._process.pid, self._home)
        self._empty_group()
        if isinstance(self._controller, CgroupV2) and withdraw and self._files.exists(self._home):
            self._controller.withdraw_cpu(self._home)
        return RestoreOutcome.RESTORED if alive else RestoreOutcome.GONE

    def _empty_group(self) -> None:
        """Moves members home until the kernel lets the group go: the last ones may be about to fork or to end."""
        for _ in range(_EMPTYING_PASSES):
            for task in self._controller.members(self._group):
                self._move_home(task)
            try:
                self._controller.remove(self._group)
            except DeviceError as error:
                last = error
                time.sleep(_EMPTYING_PAUSE_S)
            else:
                return
        raise DeviceError(f"The control group {self._group} does not become empty. {last}")

    def _move_home(self, task: int) -> None:
        try:
            self._controller.move(task, self._home)
        except MissingError:
            return  # it has ended since it was listed


def _group_name(process: ProcessIdentity) -> str:
    return f"wattune-{process}"


def _home_of(controller: CpuController, process: ProcessIdentity) -> str:
    """The group of a process, seen through a group of ours that it may be in already."""
    group = PurePosixPath(controller.group_of(process.pid))
    return str(group.parent if group.name == _group_name(process) else group)


def _values(cpu_count: int, enclosing_percent: float | None) -> tuple[int, ...]:
    """Two steps a CPU, below any limit that holds anyway; then the value that stands for no limit of ours."""
    top = 100 * cpu_count
    reachable = top if enclosing_percent is None else min(top, enclosing_percent)
    return (*(step for step in range(_PERCENT_A_STEP, top, _PERCENT_A_STEP) if step < reachable), top)
