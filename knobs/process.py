"""Which process is meant: a process id alone may be given to another process once its owner has ended."""

from __future__ import annotations

from dataclasses import dataclass

from knobs.contract import Captured, DeviceError
from knobs.sysfs import KernelFiles, MissingError

_FIRST_FIELD_AFTER_NAME = 3
_STATE_FIELD = 3
_PARENT_FIELD = 4
_SESSION_FIELD = 6
_USER_TIME_FIELD = 14
_LAST_TIME_FIELD = 17
_THREADS_FIELD = 20
_START_FIELD = 22


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, told apart from every other one since boot.

    Attributes:
        pid: The process id.
        start_ticks: When it started, in clock ticks since boot (field 22 of ``/proc/PID/stat``, proc(5)).
    """

    pid: int
    start_ticks: int

    def __str__(self) -> str:
        return f"{self.pid}-{self.start_ticks}"

    def captured(self) -> Captured:
        """Returns the identity as the journal keeps it."""
        return {"pid": self.pid, "start_ticks": self.start_ticks}

    @classmethod
    def from_captured(cls, captured: Captured) -> ProcessIdentity:
        """Reads an identity out of a journal entry.

        Raises:
            DeviceError: The entry names no process.
        """
        pid, start_ticks = captured.get("pid"), captured.get("start_ticks")
        if not isinstance(pid, int) or not isinstance(start_ticks, int):
            raise DeviceError("A journal entry does not name its process: it was not written by Wattune.")
        return cls(pid, start_ticks)


@dataclass(frozen=True)
class ProcessAccount:
    """Where a process comes from, and the CPU time that it has used (``/proc/PID/stat``, proc(5)).

    Attributes:
        identity: The process.
        parent: The process id of its parent.
        session: The process id of the leader of its session.
        own_ticks: CPU time of all its threads, past ones too, in clock ticks.
        children_ticks: CPU time of the children that have ended and that it has waited for, and of theirs.
    """

    identity: ProcessIdentity
    parent: int
    session: int
    own_ticks: int
    children_ticks: int


def account(files: KernelFiles, pid: int) -> ProcessAccount | None:
    """Returns the account of a process; None if there is none, or it may not be seen."""
    try:
        stat = [int(field) for field in _stat_fields(files, pid)[1 : _START_FIELD - _FIRST_FIELD_AFTER_NAME + 1]]
    except (DeviceError, ValueError):
        return None
    first = _FIRST_FIELD_AFTER_NAME + 1
    user, system, waited_user, waited_system = stat[_USER_TIME_FIELD - first : _LAST_TIME_FIELD - first + 1]
    return ProcessAccount(
        identity=ProcessIdentity(pid, stat[_START_FIELD - first]),
        parent=stat[_PARENT_FIELD - first],
        session=stat[_SESSION_FIELD - first],
        own_ticks=user + system,
        children_ticks=waited_user + waited_system,
    )


def identify(files: KernelFiles, pid: int) -> ProcessIdentity:
    """Returns the identity of a running process.

    Raises:
        DeviceError: There is no such process.
    """
    try:
        stat = _stat_fields(files, pid)
    except MissingError as error:
        raise DeviceError(f"There is no process {pid}: start the workload first.") from error
    return ProcessIdentity(pid, int(stat[_START_FIELD - _FIRST_FIELD_AFTER_NAME]))


def is_alive(files: KernelFiles, identity: ProcessIdentity) -> bool:
    """Tells whether the very same process still runs (one that has ended and awaits its parent does not).

    Raises:
        DeviceError: The kernel does not answer.
    """
    try:
        stat = _stat_fields(files, identity.pid)
    except MissingError:
        return False
    started = int(stat[_START_FIELD - _FIRST_FIELD_AFTER_NAME])
    ended = stat[_STATE_FIELD - _FIRST_FIELD_AFTER_NAME] in ("Z", "X")
    threads = int(stat[_THREADS_FIELD - _FIRST_FIELD_AFTER_NAME])
    return started == identity.start_ticks and not (ended and threads <= 1)


def require_alive(files: KernelFiles, identity: ProcessIdentity) -> None:
    """Makes sure that the very same process still runs.

    Raises:
        DeviceError: It has ended, or the kernel does not answer.
    """
    if not is_alive(files, identity):
        raise ended(identity)


def ended(identity: ProcessIdentity) -> DeviceError:
    """Returns the error for a workload that has ended."""
    return DeviceError(f"The workload's process {identity.pid} has ended: start the workload again.")


def thread_ids(files: KernelFiles, pid: int) -> list[int]:
    """Returns the ids of the threads that a process has now; none if it has ended.

    Raises:
        DeviceError: The kernel does not answer.
    """
    try:
        return sorted(int(name) for name in files.listdir(f"/proc/{pid}/task"))
    except MissingError:
        return []


def descends_from(files: KernelFiles, pid: int, ancestor: int) -> bool:
    """Tells whether a process is another one, or was started by it or by one of its children."""
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = int(_stat_fields(files, pid)[_PARENT_FIELD - _FIRST_FIELD_AFTER_NAME])
        except DeviceError:
            return False
    return False


def owner_uids(files: KernelFiles, pid: int) -> frozenset[int]:
    """Returns the real, effective, saved and filesystem user ids of a process.

    Raises:
        DeviceError: There is no such process.
    """
    for line in files.read_text(f"/proc/{pid}/status").splitlines():
        name, _, rest = line.partition(":")
        if name == "Uid":
            return frozenset(int(uid) for uid in rest.split())
    raise DeviceError(f"/proc/{pid}/status names no owner: the process may just have ended.")


def _stat_fields(files: KernelFiles, pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the name, which may itself hold spaces and brackets."""
    return files.read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
