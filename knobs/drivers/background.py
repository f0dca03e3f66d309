"""Watches what else keeps the CPUs busy while a workload is measured.

Everything that the kernel counts as busy (``/proc/stat``, proc(5)), less the CPU time of our own processes, is somebody
else's: another program, or another container on the same machine, as ``/proc/stat`` speaks of the whole machine unless
the container's runtime replaces it. Time that a hypervisor took away (steal) is nobody's load, and is remarked upon.
Interrupts count as background, those that our own traffic causes too: many kernels charge them to whichever process
they interrupt, and then they cancel out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from knobs.contract import Conditions, DeviceError, Monitor
from knobs.drivers.cpufreq.names import DEVICE
from knobs.our_processes import OurProcesses
from knobs.sysfs import KernelFiles

_SHORTEST_LOOK_S = 0.1
"""The kernel counts in ticks of some milliseconds: in less time than this, there is nothing to tell."""

_STEAL_LEVELS_PERCENT = (20, 5, 1)


@dataclass(frozen=True)
class _CpuTicks:
    """How the CPUs together have spent their time since boot, in clock ticks."""

    busy: int
    steal: int
    total: int


@dataclass(frozen=True)
class _Look:
    """What a look is compared with: the one before."""

    time_s: float
    ticks: _CpuTicks
    ours: OurProcesses


class BackgroundMonitor(Monitor):
    """Tells how many cores are busy with what is not ours."""

    def __init__(
        self,
        files: KernelFiles,
        roots: Iterable[int],
        clock: Callable[[], float] = time.monotonic,
        ticks_per_s: int | None = None,
    ) -> None:
        """Begins to watch.

        Args:
            files: The kernel's files.
            roots: The process ids of the workload and of those who measure it; what descends from them is ours too.
            clock: The monotonic clock.
            ticks_per_s: Clock ticks in a second; as the kernel has it, if None.
        """
        self._files = files
        self._roots = frozenset(roots)
        self._clock = clock
        self._ticks_per_s = ticks_per_s or os.sysconf("SC_CLK_TCK")
        self._last: _Look | None = None

    @property
    def device(self) -> str:
        """The device that is watched."""
        return DEVICE

    def observe(self) -> Conditions:
        """Returns the background load since the last call that told one; the first call tells none."""
        now_s = self._clock()
        if self._last is not None and now_s - self._last.time_s < _SHORTEST_LOOK_S:
            return Conditions()
        last, self._last = self._last, None
        try:
            ticks = _cpu_ticks(self._files)
            ours = OurProcesses(self._files, self._roots) if last is None else last.ours
            our_ticks = ours.ticks_since()
        except DeviceError:
            return Conditions()
        self._last = _Look(now_s, ticks, ours)
        if last is None:
            return Conditions()
        foreign_s = (ticks.busy - last.ticks.busy - our_ticks) / self._ticks_per_s
        return Conditions(background_cores=foreign_s / (now_s - last.time_s), remarks=_steal_remarks(last.ticks, ticks))


def _cpu_ticks(files: KernelFiles) -> _CpuTicks:
    """Reads the sum over all CPUs. Time in guests (the last two fields) is in user time already.

    Raises:
        DeviceError: The kernel does not say.
    """
    words = files.read_text("/proc/stat").partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu" or not all(word.isdecimal() for word in words[1:9]):
        raise DeviceError("/proc/stat does not begin with the times of all CPUs: it may be a container's own.")
    user, nice, system, idle, io_wait, irq, soft_irq, steal = (int(word) for word in words[1:9])
    busy = user + nice + system + irq + soft_irq
    return _CpuTicks(busy, steal, busy + steal + idle + io_wait)


def _steal_remarks(before: _CpuTicks, now: _CpuTicks) -> tuple[str, ...]:
    """Says how much a hypervisor took, by levels: a remark that is another one at every look is of no use."""
    total = now.total - before.total
    taken_percent = 100.0 * (now.steal - before.steal) / total if total > 0 else 0.0
    level = next((level for level in _STEAL_LEVELS_PERCENT if taken_percent > level), None)
    return () if level is None else (f"{DEVICE}: the hypervisor took more than {level} % of the time of all CPUs",)
