"""Joules estimated from the CPU time of the workload: the meter of machines that have no other.

CPU time is *measured*: the kernel accounts it to the nanosecond. Joules are *estimated* from it by
the model ``energy = static_w * time + cpu_core_w * cpu_time``, in which power is linear in
utilization (Fan, Weber and Barroso, "Power provisioning for a warehouse-sized computer", ISCA 2007,
section 3.2).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from knobs.contract import (
    ASSUMED_COEFFICIENTS,
    WORKLOAD_DEVICE,
    Meter,
    MeterSpec,
    PowerCoefficients,
    Provenance,
    Quantity,
    Reading,
    Scope,
)
from knobs.process import ProcessIdentity, ended, require_alive
from knobs.sysfs import KernelFiles

METER_ID = "workload.cpu.estimate"


class CpuTimeMeter(Meter):
    """Estimates joules from the CPU time of one process, all its threads included, past ones too."""

    def __init__(
        self,
        files: KernelFiles,
        process: ProcessIdentity,
        coefficients: PowerCoefficients = ASSUMED_COEFFICIENTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepares the meter.

        Args:
            files: The kernel's files.
            process: The workload.
            coefficients: The power model; joules are reported for its nominal values.
            clock: The monotonic clock.
        """
        self._files = files
        self._process = process
        self._coefficients = coefficients
        self._clock = clock
        self._spec = MeterSpec(
            id=METER_ID,
            quantity=Quantity.ENERGY_J,
            scope=Scope.CPU,
            provenance=Provenance.ESTIMATED,
            update_period_s=0.0,
            resolution=1e-9,
            device=WORKLOAD_DEVICE,
            coefficients=coefficients,
            note="CPU time is measured; joules are estimated from it with assumed power coefficients.",
        )

    @property
    def spec(self) -> MeterSpec:
        """The meter as a record."""
        return self._spec

    def sample(self) -> Reading:
        """Returns the joules estimated so far, with the CPU time that they are estimated from."""
        cpu_s = self._cpu_time_s()
        now_s = self._clock()
        _, static_w, _ = self._coefficients.static_w
        _, cpu_core_w, _ = self._coefficients.cpu_core_w
        return Reading(time_s=now_s, value=static_w * now_s + cpu_core_w * cpu_s, cpu_s=cpu_s)

    def _cpu_time_s(self) -> float:
        try:
            cpu_s = time.clock_gettime(_cpu_clock_of(self._process.pid))
        except OSError as error:
            raise ended(self._process) from error
        require_alive(self._files, self._process)
        return cpu_s


def _cpu_clock_of(pid: int) -> int:
    """The clock id that clock_getcpuclockid(3) returns: bits 0-2 say "scheduler's clock", the rest is the pid inverted.

    Source: the kernel's include/linux/posix-timers_types.h (``make_process_cpuclock``, ``CPUCLOCK_SCHED``).
    """
    cpuclock_sched = 2
    return (~pid << 3) | cpuclock_sched
