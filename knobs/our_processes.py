"""Which processes belong to a workload and to its measuring, and the CPU time that they use together.

Ours are a few processes that are named, and whatever descends from them: the workload with its workers; the keeper; and
the process that asked the keeper for the workload, which is the daemon, whose children are the runner and the search
worker. A process that its parent has left behind is known by its session, if one of ours leads it, or by having been
seen before. A program that only asks the daemon (``wattune tune``) is not ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from knobs.process import ProcessAccount, ProcessIdentity, account
from knobs.sysfs import KernelFiles


class OurProcesses:
    """Follows our processes. Every process of the machine is looked at once, and afterwards only ours are."""

    def __init__(self, files: KernelFiles, roots: Iterable[int]) -> None:
        """Finds our processes as they are now.

        Args:
            files: The kernel's files.
            roots: The process ids of those that are named.

        Raises:
            DeviceError: The kernel does not list its processes.
        """
        self._files = files
        self._foreign: set[int] = set()
        self._sessions: set[int] = set()
        self._members: dict[ProcessIdentity, ProcessAccount] = {}
        named = (account(files, pid) for pid in roots)
        self._admit(member for member in named if member is not None)
        self._members = self._look()

    def ticks_since(self) -> int:
        """Returns the CPU time that our processes have used since the last call, in clock ticks.

        Raises:
            DeviceError: The kernel does not list its processes.
        """
        before, self._members = self._members, self._look()
        return _used(before, self._members)

    def _look(self) -> dict[ProcessIdentity, ProcessAccount]:
        """Returns those of our processes that run now."""
        running = {int(name) for name in self._files.listdir("/proc") if name.isdigit()}
        seen = [known for pid in running - self._foreign if (known := account(self._files, pid)) is not None]
        strangers = [known for known in seen if known.identity not in self._members]
        self._members = {known.identity: known for known in seen if known.identity in self._members}
        while admitted := self._ours_among(strangers):
            self._admit(admitted)
            strangers = [known for known in strangers if known.identity not in self._members]
        self._foreign = running - {identity.pid for identity in self._members}
        return self._members

    def _admit(self, accounts: Iterable[ProcessAccount]) -> None:
        for known in accounts:
            self._members[known.identity] = known
            if known.session == known.identity.pid:
                self._sessions.add(known.session)

    def _ours_among(self, strangers: Iterable[ProcessAccount]) -> list[ProcessAccount]:
        parents = {identity.pid for identity in self._members}
        return [known for known in strangers if known.parent in parents or known.session in self._sessions]


def _used(before: Mapping[ProcessIdentity, ProcessAccount], now: Mapping[ProcessIdentity, ProcessAccount]) -> int:
    """Returns the CPU time between two looks.

    What a process used until it ended is found again in its parent's account, but only if that waited for it. There
    it includes what was counted already while the process ran.
    """
    own = sum(known.own_ticks - _own(before.get(identity)) for identity, known in now.items())
    waited_for = sum(known.children_ticks - _children(before.get(identity)) for identity, known in now.items())
    counted = sum(known.own_ticks + known.children_ticks for identity, known in before.items() if identity not in now)
    return own + max(waited_for - counted, 0)


def _own(earlier: ProcessAccount | None) -> int:
    return 0 if earlier is None else earlier.own_ticks


def _children(earlier: ProcessAccount | None) -> int:
    return 0 if earlier is None else earlier.children_ticks
