"""What stands behind a machine's files: one virtual device on the real clock, or the same figures for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from simulation.realtime import RealTimeDevice
from tests.emulated.sysfs.kernel.bpmp import MemoryClock
from tests.emulated.sysfs.kernel.cpufreq import Policy
from tests.emulated.sysfs.kernel.devfreq import Devfreq

_HZ_PER_MHZ = 1_000_000
_KHZ_PER_MHZ = 1_000


class Physics:
    """The true power, energy, temperature and load of a machine.

    Attributes:
        device: The virtual device; None for a machine whose figures never change.
        power_w: The power of a machine without a device; may be set.
        core_w: The part of it that the GPU draws; may be set.
        load: How busy a machine without a device is, 0 to 1; may be set.
    """

    def __init__(
        self,
        device: RealTimeDevice | None,
        power_w: float,
        core_w: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts the machine.

        Args:
            device: The virtual device, if any.
            power_w: The power without one.
            core_w: The part of it that the GPU draws.
            clock: The clock of a machine without a device, in seconds.
        """
        self.device = device
        self.power_w = power_w
        self.core_w = core_w
        self.load = 0.0
        self._clock = clock
        self._start_s = clock()

    def whole_w(self) -> float:
        """Returns the power of everything."""
        return self.power_w if self.device is None else self.device.observe().power_w

    def core_rail_w(self) -> float:
        """Returns the power of the GPU."""
        return self.core_w if self.device is None else self.device.observe().core_w

    def split_w(self, *, of_core: float, of_rest: float) -> Callable[[], float]:
        """Returns a function of the power of one rail: shares of what the GPU draws, and of all else."""

        def power_w() -> float:
            core_w = self.core_rail_w()
            return of_core * core_w + of_rest * (self.whole_w() - core_w)

        return power_w

    def share_j(self, share: float) -> Callable[[], float]:
        """Returns a function of the energy of a part that always draws the same share of the power."""
        return lambda: share * self.energy_j()

    def energy_j(self) -> float:
        """Returns the energy of everything since the machine was switched on."""
        if self.device is not None:
            return self.device.observe().energy_j
        return self.power_w * (self._clock() - self._start_s)

    def temperature_c(self) -> float:
        """Returns the temperature of the chip."""
        return 45.0 if self.device is None else self.device.observe().temperature_c

    def utilization(self) -> float:
        """Returns how busy the GPU is, 0 to 1."""
        return self.load if self.device is None else self.device.observe().utilization

    def drive_gpu(self, gpu: Devfreq) -> None:
        """Lets a devfreq device bound the core clock, and show the one that is delivered."""
        gpu.load = self.utilization
        device = self.device
        if device is None:
            return

        def bound() -> None:
            lowest_hz, highest_hz = gpu.range_hz()
            device.set_core_range(lowest_hz / _HZ_PER_MHZ, highest_hz / _HZ_PER_MHZ)

        gpu.changed = bound
        gpu.delivered_hz = lambda: round(device.observe().core_mhz * _HZ_PER_MHZ)

    def drive_memory(self, memory: MemoryClock) -> None:
        """Lets the memory clock be the device's."""
        device = self.device
        if device is not None:
            memory.changed = lambda: device.set_memory(memory.current_hz() / _HZ_PER_MHZ)

    def drive_cpus(self, policies: Iterable[Policy]) -> None:
        """Lets the fastest policy's highest clock be the CPU's."""
        known = tuple(policies)
        device = self.device
        for policy in known:
            policy.load = self._cpu_load
            if device is not None:
                policy.limits.changed = lambda: device.set_cpu_max(
                    max(policy.limits.highest_khz for policy in known) / _KHZ_PER_MHZ
                )

    def _cpu_load(self) -> float:
        return self.load if self.device is None else float(self.device.observe().busy)
