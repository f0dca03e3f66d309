"""How many CPUs run: ``/sys/devices/system/cpu/cpuN/online``.

Source: the kernel's Documentation/core-api/cpu_hotplug.rst. The kernel moves what is pinned to a CPU that goes, and
does not pin it again when the CPU comes back: so the knob is off by default, and keeps such CPUs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from knobs.checks import captured_cpus, require_listed
from knobs.contract import (
    Absence,
    Captured,
    DeviceError,
    Knob,
    KnobKind,
    KnobSpec,
    NoValueError,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.drivers.cpufreq.names import CORES_ONLINE_ID, DEVICE
from knobs.drivers.cpufreq.policy import parse_cpus
from knobs.found import Found, Wishes, not_writable
from knobs.process import thread_ids
from knobs.sysfs import KernelFiles, MissingError
from knobs.together import Step, all_or_none
from knobs.waiting import patiently

_CPU = "/sys/devices/system/cpu"
_SETTLE_S = 0.5
_SWITCH_COST_S = 0.1
_TRIES = 5
_PAUSE_S = 0.2
_KERNEL_THREAD_PARENT = "2"
_NOTE = "More CPUs than ran before brings up what was off, for instance by a power mode of nvpmodel."
_DANGER = "what is pinned to a CPU that goes offline is moved, and is not pinned again when the CPU comes back"


class CoresOnlineKnob(DescribedKnob):
    """The number of CPUs that run; those with the highest numbers go first."""

    def __init__(self, files: KernelFiles, sleep: Callable[[float], None] = time.sleep) -> None:
        """Prepares the knob; writes nothing.

        Args:
            files: The kernel's files.
            sleep: Waits for some seconds, while another change of the CPUs is under way.

        Raises:
            DeviceError: The kernel does not say which CPUs there are.
        """
        self._files = files
        self._sleep = sleep
        self._order = _order(files)
        fixed = sum(not files.exists(_switch(cpu)) for cpu in self._order)
        self._spec = KnobSpec(
            id=CORES_ONLINE_ID,
            unit="cores",
            kind=KnobKind.CORES,
            values=tuple(range(max(1, fixed), len(self._order) + 1)),
            restore_class=RestoreClass.EXACT,
            device=DEVICE,
            settle_s=_SETTLE_S,
            switch_cost_s=_SWITCH_COST_S,
            danger=_DANGER,
            note=_NOTE,
        )

    def read(self) -> Value:
        """Returns how many CPUs run."""
        return len(_online(self._files))

    def write(self, value: Value) -> None:
        """Takes CPUs offline or brings them online; refused where a process may run on none of the CPUs that stay."""
        require_listed(self._spec, value)
        online = _online(self._files)
        wanted = set(self._order[: int(value)])
        for name, pid, cpus in _pinned(self._files, online - wanted, wanted, online):
            raise RefusedError(
                f"{CORES_ONLINE_ID} cannot be {value}: process {pid} ({name}) may run on CPUs {cpus} only, which would "
                "go offline; widen its affinity (taskset), or leave this value out of the bounds."
            )
        self._set(wanted)

    def capture(self) -> Captured:
        """Returns which CPUs run."""
        return {"online": [*sorted(_online(self._files))]}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Brings back exactly the captured CPUs."""
        self._set(set(captured_cpus(CORES_ONLINE_ID, captured.get("online"))))
        return RestoreOutcome.RESTORED

    def _set(self, wanted: set[int]) -> None:
        """Brings CPUs up, lowest first, before it takes others down, highest first: one at least always runs."""
        online = _online(self._files)
        changes = [(cpu, True) for cpu in sorted(wanted - online)]
        changes += [(cpu, False) for cpu in sorted(online - wanted, reverse=True)]
        all_or_none(Step(partial(self._switch, cpu, on), partial(self._switch, cpu, not on)) for cpu, on in changes)
        if (now := _online(self._files)) != wanted:
            raise DeviceError(
                f"CPUs {sorted(wanted)} should run, but {sorted(now)} do: another program switches CPUs, "
                "such as nvpmodel; stop it and try again."
            )

    def _switch(self, cpu: int, on: bool) -> None:
        """Writes one CPU's switch; tries again while another change is under way (EBUSY)."""
        try:
            patiently(partial(self._files.write_text, _switch(cpu), "1" if on else "0"), _TRIES, _PAUSE_S, self._sleep)
        except NoValueError as error:
            raise DeviceError(f"CPU {cpu} cannot be switched {'on' if on else 'off'}. {error}") from error


def find_cores_online(files: KernelFiles, wishes: Wishes, sleep: Callable[[float], None] = time.sleep) -> Found:
    """Returns the knob where the operator allows it, else why it is absent; a journal entry always finds it."""

    def reopen(knob_id: str, _captured: Captured) -> Knob | None:
        return CoresOnlineKnob(files, sleep) if knob_id == CORES_ONLINE_ID else None

    try:
        knob = CoresOnlineKnob(files, sleep)
    except DeviceError as error:
        return Found(absent=(Absence(CORES_ONLINE_ID, str(error), "check the kernel's log"),))
    return Found.of([_obstacle(files, wishes, knob) or knob], reopen)


def _obstacle(files: KernelFiles, wishes: Wishes, knob: CoresOnlineKnob) -> Absence | None:
    if len(knob.spec.values) == 1:
        return Absence(CORES_ONLINE_ID, "no CPU of this machine can be taken offline")
    if CORES_ONLINE_ID not in wishes.allowed:
        return Absence(CORES_ONLINE_ID, _DANGER, f'allow it: [knobs."{CORES_ONLINE_ID}"] allow = true')
    return not_writable(files, CORES_ONLINE_ID, files.glob(f"{_CPU}/cpu[0-9]*/online"))


def _order(files: KernelFiles) -> tuple[int, ...]:
    """The CPUs in the order in which they are kept: those that always run, those that run now, then the others.

    A second thread of a core that the kernel holds down (``smt/control`` is off) is none of them.
    """
    present = set(parse_cpus(files.read_text(f"{_CPU}/present")))
    online = _online(files)
    fixed = {cpu for cpu in online if not files.exists(_switch(cpu))}
    others = set() if _siblings_are_held_down(files) else present - online
    return (*sorted(fixed), *sorted(online - fixed), *sorted(others))


def _siblings_are_held_down(files: KernelFiles) -> bool:
    try:
        return files.read_text(f"{_CPU}/smt/control") in ("off", "forceoff")
    except MissingError:
        return False


def _online(files: KernelFiles) -> set[int]:
    return set(parse_cpus(files.read_text(f"{_CPU}/online")))


def _switch(cpu: int) -> str:
    return f"{_CPU}/cpu{cpu}/online"


def _pinned(
    files: KernelFiles, going: set[int], staying: set[int], online: set[int]
) -> Iterator[tuple[str, int, list[int]]]:
    """Yields the processes that may run on none of the CPUs that stay: name, process id, their CPUs.

    The kernel's own threads (children of process 2) are left out: it parks those of a CPU with the CPU.
    """
    if not going:
        return
    for pid in (int(name) for name in files.listdir("/proc") if name.isdecimal()):
        for status in _thread_statuses(files, pid):
            allowed = set(parse_cpus(status.get("Cpus_allowed_list", ""))) & online
            is_kernels_own = _KERNEL_THREAD_PARENT in (status.get("PPid"), status.get("Pid"))
            if allowed and allowed != online and not allowed & staying and not is_kernels_own:
                yield status.get("Name", ""), pid, sorted(allowed)
                break


def _thread_statuses(files: KernelFiles, pid: int) -> Iterator[dict[str, str]]:
    for thread in thread_ids(files, pid):
        try:
            yield _fields(files.read_text(f"/proc/{pid}/task/{thread}/status").splitlines())
        except DeviceError:
            continue  # it has ended since it was listed


def _fields(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name: text.strip() for name, _, text in pairs}
