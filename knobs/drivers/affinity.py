"""How many CPUs the workload's threads may run on: sched_setaffinity(2) on every thread of one process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from knobs.checks import captured_cpus, require_listed
from knobs.contract import (
    WORKLOAD_DEVICE,
    Captured,
    DeviceError,
    JsonValue,
    KnobKind,
    KnobSpec,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.described import DescribedKnob
from knobs.process import ProcessIdentity, is_alive, require_alive, thread_ids
from knobs.sysfs import KernelFiles

KNOB_ID = "workload.cpu.cores"

_MOST_PASSES = 100


class AffinityKnob(DescribedKnob):
    """Confines a process to the first CPUs of the mask that it had before Wattune.

    Threads started later inherit the mask of the thread that starts them, so that a pass over the
    threads that finds no new one is the last that is needed. Child processes that the workload
    forks inherit the mask too, but are processes of their own, which this knob leaves alone.
    """

    def __init__(self, files: KernelFiles, process: ProcessIdentity, cpus: Iterable[int]) -> None:
        """Prepares the knob; writes nothing.

        Args:
            files: The kernel's files.
            process: The workload.
            cpus: The CPUs that the process could use before Wattune.
        """
        self._files = files
        self._process = process
        self._cpus = tuple(sorted(cpus))
        self._spec = KnobSpec(
            id=KNOB_ID,
            unit="cores",
            kind=KnobKind.CORES,
            values=tuple(range(1, len(self._cpus) + 1)),
            restore_class=RestoreClass.EXACT,
            device=WORKLOAD_DEVICE,
            settle_s=0.02,
            note="Holds for the threads of the workload's own process, not for processes that it forks.",
        )

    @classmethod
    def of_process(cls, files: KernelFiles, process: ProcessIdentity) -> AffinityKnob:
        """Returns the knob of a process whose affinity Wattune has not changed.

        Raises:
            DeviceError: The process has ended, or the kernel does not answer.
        """
        return cls(files, process, _affinity(process.pid))

    @classmethod
    def from_captured(cls, files: KernelFiles, captured: Captured) -> AffinityKnob:
        """Returns the knob that a journal entry belongs to.

        Raises:
            DeviceError: The entry is not one of this knob.
        """
        return cls(files, ProcessIdentity.from_captured(captured), captured_cpus(KNOB_ID, captured.get("cpus")))

    def read(self) -> Value:
        """Returns on how many CPUs the threads of the process may run, taken together."""
        require_alive(self._files, self._process)
        masks = self._thread_masks().values()
        return len(set().union(*masks))

    def write(self, value: Value) -> None:
        """Confines every thread to the first ``value`` CPUs of the original mask."""
        require_listed(self._spec, value)
        require_alive(self._files, self._process)
        self._confine_all({}, frozenset(self._cpus[: int(value)]))

    def capture(self) -> Captured:
        """Returns the mask of the process, and that of each thread which has a mask of its own."""
        require_alive(self._files, self._process)
        masks = self._thread_masks()
        common = masks.get(self._process.pid, frozenset(self._cpus))
        own: dict[str, JsonValue] = {str(tid): _json(mask) for tid, mask in masks.items() if mask != common}
        return {**self._process.captured(), "cpus": _json(common), "thread_cpus": own}

    def restore(self, captured: Captured) -> RestoreOutcome:
        """Puts back the mask of each thread; a CPU that is offline for now leaves the restore pending."""
        if ProcessIdentity.from_captured(captured) != self._process:
            return self.from_captured(self._files, captured).restore(captured)
        if not is_alive(self._files, self._process):
            return RestoreOutcome.GONE
        common = frozenset(captured_cpus(KNOB_ID, captured.get("cpus")))
        own = _thread_cpus_from(captured.get("thread_cpus"))
        self._confine_all(own, common)
        return self._compare(own, common)

    def _compare(self, own: Mapping[int, frozenset[int]], common: frozenset[int]) -> RestoreOutcome:
        outcome = RestoreOutcome.RESTORED
        for tid, mask in self._thread_masks().items():
            original = own.get(tid, common)
            if not mask <= original:
                raise DeviceError(f"Thread {tid} of process {self._process.pid} did not take its original CPUs back.")
            if mask != original:
                outcome = RestoreOutcome.PENDING
        return outcome

    def _confine_all(self, own: Mapping[int, frozenset[int]], common: frozenset[int]) -> None:
        """Sets the mask of every thread, until a pass meets no thread that it has not met before."""
        done: set[int] = set()
        for _ in range(_MOST_PASSES):
            new = set(thread_ids(self._files, self._process.pid)) - done
            if not new:
                return
            for tid in new:
                _confine(tid, own.get(tid, common))
            done |= new
        raise DeviceError(f"Process {self._process.pid} starts threads faster than they can be confined: try again.")

    def _thread_masks(self) -> dict[int, frozenset[int]]:
        masks = {}
        for tid in thread_ids(self._files, self._process.pid):
            try:
                masks[tid] = frozenset(os.sched_getaffinity(tid))
            except ProcessLookupError:
                continue  # the thread has ended since it was listed
        return masks


def _affinity(pid: int) -> set[int]:
    try:
        return os.sched_getaffinity(pid)
    except OSError as error:
        raise DeviceError(f"Cannot read the CPU affinity of process {pid}: {error.strerror}.") from error


def _confine(tid: int, cpus: frozenset[int]) -> None:
    try:
        os.sched_setaffinity(tid, cpus)
    except ProcessLookupError:
        return  # a thread that has ended needs no CPU
    except OSError as error:
        raise DeviceError(
            f"Cannot confine thread {tid} to CPUs {sorted(cpus)}: {error.strerror}; "
            "the keeper must run as root or as the workload's user, and the CPUs must be online."
        ) from error


def _json(cpus: Iterable[int]) -> list[JsonValue]:
    return [*sorted(cpus)]


def _thread_cpus_from(value: JsonValue) -> dict[int, frozenset[int]]:
    if not isinstance(value, dict):
        return {}
    return {int(tid): frozenset(captured_cpus(KNOB_ID, cpus)) for tid, cpus in value.items()}
