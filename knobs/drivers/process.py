"""The knobs, the meter and the monitor of one workload process on this machine's CPUs."""

from __future__ import annotations

from collections.abc import Mapping

from knobs.contract import ASSUMED_COEFFICIENTS, Absence, Captured, Knob, PowerCoefficients
from knobs.drivers import affinity, cpu_bandwidth
from knobs.drivers.affinity import AffinityKnob
from knobs.drivers.background import BackgroundMonitor
from knobs.drivers.cgroup import find_cpu_controller
from knobs.drivers.cpu_bandwidth import CpuBandwidthKnob
from knobs.meters.cpu_time import CpuTimeMeter
from knobs.process import ProcessIdentity, identify
from knobs.sysfs import KernelFiles
from knobs.workload import Originals, WorkloadParts


class ProcessDriver:
    """Finds what can be set and read about any process: CPU affinity and bandwidth, CPU time, background load."""

    def __init__(self, files: KernelFiles, coefficients: PowerCoefficients = ASSUMED_COEFFICIENTS) -> None:
        """Looks at the machine; writes nothing.

        Args:
            files: The kernel's files.
            coefficients: The power model of the estimating meter.
        """
        self._files = files
        self._coefficients = coefficients
        self._controller = find_cpu_controller(files, cpu_bandwidth.KNOB_ID)

    def absent(self) -> tuple[Absence, ...]:
        """Returns the knobs that no process of this machine can have."""
        return (self._controller,) if isinstance(self._controller, Absence) else ()

    def open(self, pid: int, originals: Originals, attendants: frozenset[int]) -> WorkloadParts:
        """Returns the knobs and meters of a process; writes nothing.

        Args:
            pid: The workload's process id.
            originals: What the journal holds, so that a process changed already keeps its true originals.
            attendants: Processes that take part in measuring it: what they do is no background load.

        Raises:
            DeviceError: There is no such process, or the kernel does not answer.
        """
        process = identify(self._files, pid)
        cores = self._affinity_knob(process, originals.get(str(process), {}))
        quota = self._bandwidth_knob(process, len(cores.spec.values))
        meters = (CpuTimeMeter(self._files, process, self._coefficients),)
        monitors = (BackgroundMonitor(self._files, attendants | {pid}),)
        if isinstance(quota, Absence):
            return WorkloadParts(str(process), (cores,), meters, (quota,), monitors)
        return WorkloadParts(str(process), (cores, quota), meters, (), monitors)

    def _affinity_knob(self, process: ProcessIdentity, originals: Mapping[str, Captured]) -> AffinityKnob:
        if affinity.KNOB_ID in originals:
            return AffinityKnob.from_captured(self._files, originals[affinity.KNOB_ID])
        return AffinityKnob.of_process(self._files, process)

    def _bandwidth_knob(self, process: ProcessIdentity, cpu_count: int) -> CpuBandwidthKnob | Absence:
        if isinstance(self._controller, Absence):
            return self._controller
        return CpuBandwidthKnob.of_process(self._files, self._controller, process, cpu_count)

    def reopen(self, knob_id: str, captured: Captured) -> Knob | None:
        """Returns the knob that a journal entry belongs to; None if it is not one of this driver.

        Raises:
            DeviceError: The entry is damaged, or this machine can no longer serve it.
        """
        if knob_id == affinity.KNOB_ID:
            return AffinityKnob.from_captured(self._files, captured)
        if knob_id == cpu_bandwidth.KNOB_ID and not isinstance(self._controller, Absence):
            return CpuBandwidthKnob.from_captured(self._files, self._controller, captured)
        return None
