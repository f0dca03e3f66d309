"""A virtual device: behaves like hardware, whoever looks at it and however often they are killed.

All processes that name the same directory see the same device. It has its own clock: work moves that clock
by its simulated duration at once, without sleeping, so that a study of hours takes seconds.
"""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knobs.contract import DeviceError, RefusedError
from simulation.catalogue import device_model
from simulation.dynamics import advance, bounded_core_mhz, delivered_clocks, pass_idle
from simulation.model import DeviceModel, NoiseModel, WorkloadProfile
from simulation.physics import batch_activity, batch_timing
from simulation.state import DeviceState, switched_on
from simulation.storage import OpenState, StateFile, StorageError

DRIVER_CALL_S = 0.010
"""Device time that each call of a driver (a setting read or written, a sensor read) takes."""


@dataclass(frozen=True)
class SensorSample:
    """What the energy sensor shows at an instant of the device's clock."""

    time_s: float
    board_j: float
    core_j: float


class VirtualDevice:
    """One device of the catalogue, living in a directory.

    A file named ``<device>.fault`` in the directory makes the next setting that is written fail as with an
    input/output error; it is used up by that.
    """

    def __init__(self, name: str, directory: Path, seed: int = 0) -> None:
        """Finds the device; switches nothing on yet.

        Args:
            name: A name of the catalogue, ``virtual:agx-orin``.
            directory: An existing directory that every process of this device may write to.
            seed: Seed of all noise; it counts only when the device is switched on, by its first use.

        Raises:
            RefusedError: There is no such device.
        """
        self.model: DeviceModel = device_model(name)
        stem = name.split(":")[-1]
        self._file = StateFile(directory / f"{stem}.state")
        self._fault_path = directory / f"{stem}.fault"
        self._seed = seed
        self._profiles: dict[str, WorkloadProfile] = {profile.name: profile for profile in self.model.profiles}

    def admissible(self, setting: str) -> tuple[float, ...]:
        """Returns the values of a setting: ``core_min_mhz``, ``core_max_mhz``, ``memory_max_mhz``, ``cpu_max_mhz``."""
        return {
            "core_min_mhz": self.model.core_clocks_mhz,
            "core_max_mhz": self.model.core_clocks_mhz,
            "memory_max_mhz": self.model.memory_clocks_mhz,
            "cpu_max_mhz": self.model.cpu_clocks_mhz,
        }[setting]

    def get(self, setting: str) -> float:
        """Returns a setting as the kernel reports it: the lowest clock never above the highest.

        Raises:
            DeviceError: The device's state is out of reach.
        """
        with self._running() as state:
            pass_idle(self.model, state, DRIVER_CALL_S)
            if setting == "core_min_mhz":
                return min(state.core_min_mhz, state.core_max_mhz)
            return float(getattr(state, setting))

    def set(self, setting: str, value: float) -> None:
        """Changes a setting.

        As in Linux (``get_freq_range`` in drivers/devfreq/devfreq.c), a lowest clock above the highest is
        remembered, and the highest wins.

        Raises:
            RefusedError: The value is not admissible; nothing was changed.
            DeviceError: The device did not take it.
        """
        if value not in self.admissible(setting):
            choices = ", ".join(f"{choice:g}" for choice in self.admissible(setting))
            raise RefusedError(f"{setting} of {self.model.name} cannot be {value}: choose one of {choices}.")
        with self._running() as state:
            self._fail_if_asked(setting)
            setattr(state, setting, value)
            state.core_mhz = bounded_core_mhz(self.model, state, state.core_mhz)
            pass_idle(self.model, state, DRIVER_CALL_S)

    def infer(self, profile_name: str, items: int) -> float:
        """Runs one batch and returns its latency, in seconds of the device's clock.

        Raises:
            RefusedError: The device has no such profile, or the batch is empty.
            DeviceError: The device's state is out of reach.
        """
        profile = self.profile(profile_name)
        if items < 1:
            raise RefusedError(f"A batch of {items} items cannot be run: it needs at least one.")
        with self._running() as state:
            start_s = state.time_s
            _run_batch(self.model, state, profile, items)
            return state.time_s - start_s

    def profile(self, name: str) -> WorkloadProfile:
        """Returns a workload that this device can serve.

        Raises:
            RefusedError: There is no such workload.
        """
        if name not in self._profiles:
            known = ", ".join(self._profiles)
            raise RefusedError(f"{self.model.name} has no workload profile '{name}': choose one of {known}.")
        return self._profiles[name]

    def idle(self, seconds: float) -> None:
        """Lets device time pass without work.

        Raises:
            RefusedError: The time is negative or not finite.
            DeviceError: The device's state is out of reach.
        """
        if not (math.isfinite(seconds) and seconds >= 0.0):
            raise RefusedError(f"A device cannot idle for {seconds} seconds.")
        with self._running() as state:
            pass_idle(self.model, state, seconds)

    def sample(self) -> SensorSample:
        """Reads the energy sensor.

        Raises:
            DeviceError: The device's state is out of reach.
        """
        with self._running() as state:
            pass_idle(self.model, state, DRIVER_CALL_S)
            return SensorSample(state.time_s, state.sensed_board_j, state.sensed_core_j)

    def now_s(self) -> float:
        """Returns the instant on the device's clock. Takes no device time.

        Raises:
            DeviceError: The device's state is out of reach.
        """
        return self.state().time_s

    def state(self) -> DeviceState:
        """Returns the true state, which no driver sees: for tests and for those who study the device.

        Raises:
            DeviceError: The device's state is out of reach.
        """
        with self._opened() as file:
            return self._present(file)

    @contextlib.contextmanager
    def _running(self) -> Iterator[DeviceState]:
        """Yields the state under the lock, and keeps what became of it unless an exception is raised."""
        with self._opened() as file:
            state = self._present(file)
            yield state
            file.write(state)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[OpenState]:
        try:
            with self._file.locked() as file:
                yield file
        except StorageError as error:
            raise DeviceError(str(error)) from error

    def _present(self, file: OpenState) -> DeviceState:
        return file.state or switched_on(self.model, self._seed)

    def _fail_if_asked(self, setting: str) -> None:
        try:
            self._fault_path.unlink()
        except FileNotFoundError:
            return
        raise DeviceError(f"{self.model.name} did not take {setting}: Input/output error.")


def _run_batch(model: DeviceModel, state: DeviceState, profile: WorkloadProfile, items: int) -> None:
    """Moves the state through one batch, whose pace follows the clock that is delivered."""
    random_source = _next_random(state)
    _move_drifts(model.noise, state, random_source)
    pace = (1.0 + state.speed_drift) * math.exp(random_source.gauss(0.0, model.noise.batch_sd))
    work_left = 1.0
    while work_left > 1e-9:
        timing = batch_timing(model, profile, items, delivered_clocks(model, state))
        total_s = timing.total_s * pace
        segment = advance(model, state, batch_activity(profile, items, timing), work_left * total_s)
        work_left -= segment.duration_s / total_s
    if random_source.random() < model.noise.stall_probability:
        pass_idle(model, state, total_s * model.noise.stall_ratio * random_source.expovariate(1.0))


def _next_random(state: DeviceState) -> random.Random:
    """Returns a generator that depends on nothing but the seed and on how many were asked for before."""
    state.draws += 1
    return random.Random((state.seed << 64) + state.draws)  # noqa: S311 - noise, not a secret


def _move_drifts(noise: NoiseModel, state: DeviceState, random_source: random.Random) -> None:
    """Moves both slow drifts to the present: a stationary Gauss-Markov process, correlated over ``drift_s``."""
    kept = math.exp(-(state.time_s - state.drift_s) / noise.drift_s) if state.draws > 1 else 0.0
    fresh = math.sqrt(1.0 - kept**2)
    state.speed_drift = kept * state.speed_drift + fresh * random_source.gauss(0.0, noise.speed_sd)
    state.power_drift = kept * state.power_drift + fresh * random_source.gauss(0.0, noise.power_sd)
    state.drift_s = state.time_s
