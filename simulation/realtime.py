"""A virtual device on the real clock: hardware for emulators, which drivers and workloads meet as if it existed.

The physics is that of :mod:`simulation.dynamics`. Whoever looks moves the device to the present first; work
takes as long as the clocks that are delivered meanwhile let it take. Emulators of devices whose firmware has a will
of its own override :meth:`RealTimeDevice.orders`, those whose sensors need the past :meth:`RealTimeDevice.passed`.
"""

from __future__ import annotations

import dataclasses
import math
import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from knobs.contract import DeviceError, RefusedError
from simulation.dynamics import advance, bounded_core_mhz, delivered_clocks, is_throttled
from simulation.model import DeviceModel, WorkloadProfile
from simulation.physics import IDLE, batch_activity, batch_timing, power
from simulation.state import DeviceState, switched_on

_DONE = 1e-9
_SHORTEST_NAP_S = 0.0002


@dataclass(frozen=True)
class Observation:
    """The true state of the device at one instant; what a sensor shows of it is the emulator's affair.

    Attributes:
        time_s: Seconds since the device was switched on.
        core_mhz: Core clock delivered.
        memory_mhz: Memory clock delivered.
        cpu_mhz: CPU clock delivered.
        power_w: Power of the whole device now.
        core_w: The part of it that the core's rail carries.
        energy_j: Energy of the whole device since it was switched on.
        core_j: Energy of the core's rail.
        temperature_c: Temperature of the chip.
        busy: Whether a batch is being worked on.
        utilization: Busy share of the core while it works; 0 when idle.
        capped_by_power: Whether the power cap holds the core clock down.
        capped_by_heat: Whether the temperature, or what stands for it, holds the core clock down.
    """

    time_s: float
    core_mhz: float
    memory_mhz: float
    cpu_mhz: float
    power_w: float
    core_w: float
    energy_j: float
    core_j: float
    temperature_c: float
    busy: bool
    utilization: float
    capped_by_power: bool
    capped_by_heat: bool


@dataclass(frozen=True)
class Orders:
    """What a device's firmware makes of the settings.

    Attributes:
        core_min_mhz: The lowest core clock.
        memory_mhz: The memory clock.
        until_s: The instant at which it looks again, work or not.
    """

    core_min_mhz: float
    memory_mhz: float
    until_s: float = math.inf


@dataclass(frozen=True)
class Stretch:
    """A stretch of time in which the device's power stayed the same.

    Attributes:
        start_s: Its begin, in seconds since the device was switched on.
        end_s: Its end.
        energy_j: Energy of the whole device from switching it on to the end of the stretch.
        busy: Whether a batch was being worked on.
        capped_by_power: Whether the power cap held the core clock down.
        capped_by_heat: Whether the temperature, or what stands for it, held the core clock down.
    """

    start_s: float
    end_s: float
    energy_j: float
    busy: bool
    capped_by_power: bool
    capped_by_heat: bool


@dataclass
class _Work:
    """The batch that is being worked on."""

    profile: WorkloadProfile
    items: int
    pace: float
    left: float = 1.0


class RealTimeDevice:
    """One device. Safe to use from several threads."""

    def __init__(
        self,
        model: DeviceModel,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Switches the device on: cold, idle, with default settings.

        Args:
            model: Its constants.
            seed: Seed of the noise in latency.
            clock: The clock that the device lives by, in seconds.
            sleep: Lets that clock go on.
        """
        self._model = model
        self._profiles = {profile.name: profile for profile in model.profiles}
        self._state = switched_on(model, seed)
        self._random = random.Random(seed)  # noqa: S311 - noise, not a secret
        self._clock = clock
        self._sleep = sleep
        self._switched_on_s = clock()
        self._lock = threading.RLock()
        self._one_batch = threading.Lock()
        self._work: _Work | None = None
        self._hot_ceiling_mhz: float | None = None
        self._orders_end_s = math.inf
        self._lost = False

    @property
    def model(self) -> DeviceModel:
        """The constants, with the power cap that is set now."""
        with self._lock:
            return self._model

    def present(self) -> AbstractContextManager[DeviceState]:
        """Locks the device, moves it to the present, and gives its state; may be nested."""
        return _Locked(self._lock, self._move_to_present)

    def orders(self, time_s: float, busy: bool) -> Orders | None:  # noqa: ARG002 - for those who override it
        """Returns what holds from an instant on, or None for the settings as they are: for firmware with a will.

        Called with the device locked, whenever somebody looks, work begins or ends, or earlier orders end.

        Args:
            time_s: The instant, in seconds since the device was switched on.
            busy: Whether there is work.
        """
        return None

    def passed(self, stretch: Stretch) -> None:
        """Takes note of time that has passed, in order and without gaps: for sensors that need the past.

        Called with the device locked.
        """

    def set_core_range(self, low_mhz: float, high_mhz: float) -> None:
        """Bounds the core clock; a lowest clock above the highest is remembered, and the highest wins."""
        with self.present() as state:
            state.core_min_mhz, state.core_max_mhz = low_mhz, high_mhz
            self._set_clocks()

    def set_memory(self, memory_mhz: float) -> None:
        """Sets the memory clock."""
        with self.present() as state:
            state.memory_max_mhz = memory_mhz

    def set_cpu_max(self, cpu_mhz: float) -> None:
        """Sets the highest clock of the CPU."""
        with self.present() as state:
            state.cpu_max_mhz = cpu_mhz

    def set_power_cap(self, cap_w: float) -> None:
        """Sets what the device may draw; above it the core clock is lowered."""
        with self.present():
            self._model = dataclasses.replace(self._model, power=dataclasses.replace(self._model.power, cap_w=cap_w))

    def hold_down(self, core_mhz: float | None) -> None:
        """Holds the core clock down as heat does, until called with None: for faults."""
        with self.present():
            self._hot_ceiling_mhz = core_mhz
            self._set_clocks()

    def lose(self) -> None:
        """Takes the device off the bus: work under way fails, and all work after it."""
        with self.present():
            self._lost = True
            self._work = None

    def infer(self, profile_name: str, items: int) -> float:
        """Works on one batch and returns how long it took, in seconds; one batch after another.

        Raises:
            RefusedError: The device has no such profile, or the batch is empty.
            DeviceError: The device is lost.
        """
        if profile_name not in self._profiles or items < 1:
            raise RefusedError(f"{self._model.name} cannot run {items} items of '{profile_name}'.")
        with self._one_batch:
            start_s = self._start(_Work(self._profiles[profile_name], items, self._pace()))
            while (nap_s := self._nap_s()) > 0.0:
                self._sleep(max(nap_s, _SHORTEST_NAP_S))
            return self._clock() - self._switched_on_s - start_s

    def observe(self) -> Observation:
        """Returns the true state now."""
        with self.present() as state:
            clocks = delivered_clocks(self._model, state)
            work = self._work
            activity = IDLE
            if work is not None:
                timing = batch_timing(self._model, work.profile, work.items, clocks)
                activity = batch_activity(work.profile, work.items, timing)
            drawn = power(self._model, clocks, activity, state.temperature_c)
            hot = self._is_hot()
            return Observation(
                time_s=state.time_s,
                core_mhz=state.core_mhz,
                memory_mhz=state.memory_max_mhz,
                cpu_mhz=state.cpu_max_mhz,
                power_w=drawn.board_w,
                core_w=drawn.core_w,
                energy_j=state.board_j,
                core_j=state.core_j,
                temperature_c=state.temperature_c,
                busy=work is not None,
                utilization=activity.core_utilisation,
                capped_by_power=is_throttled(self._model, state) and not hot,
                capped_by_heat=hot,
            )

    def _pace(self) -> float:
        return math.exp(self._random.gauss(0.0, self._model.noise.batch_sd))

    def _start(self, work: _Work) -> float:
        with self.present() as state:
            self._require_present()
            self._work = work
            return state.time_s

    def _nap_s(self) -> float:
        """Returns for how long nothing happens: until the batch is done, or the governor looks; 0 once it is done."""
        with self.present() as state:
            self._require_present()
            if self._work is None:
                return 0.0
            clocks = delivered_clocks(self._model, state)
            timing = batch_timing(self._model, self._work.profile, self._work.items, clocks)
            remaining_s = self._work.left * timing.total_s * self._work.pace
            until_decision_s = state.next_decision_s - state.time_s
            return min(remaining_s, max(until_decision_s, _SHORTEST_NAP_S))

    def _require_present(self) -> None:
        if self._lost:
            raise DeviceError(f"{self._model.name} is lost.")

    def _move_to_present(self) -> DeviceState:
        now_s = self._clock() - self._switched_on_s
        while now_s - self._state.time_s > _DONE:
            self._set_clocks()
            self._step(min(now_s, self._orders_end_s) - self._state.time_s)
        self._set_clocks()
        return self._state

    def _step(self, at_most_s: float) -> None:
        """Lets one stretch of constant power pass."""
        start_s, busy = self._state.time_s, self._work is not None
        if self._work is None:
            advance(self._model, self._state, IDLE, at_most_s)
        else:
            self._work_on(self._work, at_most_s)
        hot = self._is_hot()
        capped = is_throttled(self._model, self._state) and not hot
        self.passed(Stretch(start_s, self._state.time_s, self._state.board_j, busy, capped, hot))

    def _work_on(self, work: _Work, at_most_s: float) -> None:
        timing = batch_timing(self._model, work.profile, work.items, delivered_clocks(self._model, self._state))
        total_s = timing.total_s * work.pace
        activity = batch_activity(work.profile, work.items, timing)
        segment = advance(self._model, self._state, activity, min(work.left * total_s, at_most_s))
        work.left -= segment.duration_s / total_s
        if work.left <= _DONE:
            self._work = None

    def _set_clocks(self) -> None:
        state = self._state
        orders = self.orders(state.time_s, self._work is not None)
        self._orders_end_s = math.inf
        if orders is not None:
            state.core_min_mhz, state.memory_max_mhz = orders.core_min_mhz, orders.memory_mhz
            self._orders_end_s = max(orders.until_s, state.time_s + _SHORTEST_NAP_S)
        if self._hot_ceiling_mhz is not None:
            clocks = self._model.core_clocks_mhz
            allowed = [index for index, clock in enumerate(clocks) if clock <= self._hot_ceiling_mhz]
            state.ceiling = min(state.ceiling, allowed[-1] if allowed else 0)
        state.core_mhz = bounded_core_mhz(self._model, state, state.core_mhz)

    def _is_hot(self) -> bool:
        thermal = self._model.thermal
        too_warm = self._state.temperature_c > thermal.trip_c - thermal.hysteresis_c
        return is_throttled(self._model, self._state) and (self._hot_ceiling_mhz is not None or too_warm)


class _Locked(AbstractContextManager[DeviceState]):
    """The device under its lock, moved to the present."""

    def __init__(self, lock: threading.RLock, arrive: Callable[[], DeviceState]) -> None:
        self._lock = lock
        self._arrive = arrive

    def __enter__(self) -> DeviceState:
        self._lock.acquire()
        return self._arrive()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
