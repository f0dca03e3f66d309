"""The state of a virtual device: what survives when every process that looks at it is killed."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from simulation.model import DeviceModel


@dataclass
class DeviceState:
    """Everything that changes while a virtual device runs.

    Attributes:
        seed: Seed of all noise.
        draws: Random draws made so far: with the seed, the whole state of the random generator.
        time_s: The device's own clock; 0 when it was switched on.
        core_min_mhz: Setting: lowest GPU clock.
        core_max_mhz: Setting: highest GPU clock.
        memory_max_mhz: Setting: memory clock.
        cpu_max_mhz: Setting: highest clock of the CPU; 0 where the device has no such setting.
        core_mhz: GPU clock delivered.
        ceiling: Index of the highest GPU clock that power cap and temperature allow.
        next_decision_s: When the governor looks again.
        last_decision_s: When it looked last.
        busy_s: GPU busy time since then.
        drawn_j: Board energy since then.
        temperature_c: Temperature of the chip.
        board_j: True energy of the board since it was switched on.
        core_j: True energy of the GPU rail.
        sensed_board_j: What the board's energy counter shows.
        sensed_core_j: What the GPU rail's energy counter shows.
        pending_board_j: Board energy sampled in the sensor's present period, not yet shown.
        pending_core_j: GPU rail energy sampled in the sensor's present period, not yet shown.
        drift_s: When the slow drifts were last moved.
        speed_drift: Relative slow drift of latency.
        power_drift: Relative slow drift of power.
    """

    seed: int
    draws: int
    time_s: float
    core_min_mhz: float
    core_max_mhz: float
    memory_max_mhz: float
    cpu_max_mhz: float
    core_mhz: float
    ceiling: int
    next_decision_s: float
    last_decision_s: float
    busy_s: float
    drawn_j: float
    temperature_c: float
    board_j: float
    core_j: float
    sensed_board_j: float
    sensed_core_j: float
    pending_board_j: float
    pending_core_j: float
    drift_s: float
    speed_drift: float
    power_drift: float


FIELDS = tuple(field.name for field in dataclasses.fields(DeviceState))


def switched_on(model: DeviceModel, seed: int) -> DeviceState:
    """Returns a device that was just switched on: cold, idle, and with its kernel's default settings."""
    return DeviceState(
        seed=seed,
        draws=0,
        time_s=0.0,
        core_min_mhz=model.core_clocks_mhz[0],
        core_max_mhz=model.core_clocks_mhz[-1],
        memory_max_mhz=model.memory_clocks_mhz[-1],
        cpu_max_mhz=model.cpu_clocks_mhz[-1] if model.cpu_clocks_mhz else 0.0,
        core_mhz=model.core_clocks_mhz[0],
        ceiling=len(model.core_clocks_mhz) - 1,
        next_decision_s=model.governor.period_s,
        last_decision_s=0.0,
        busy_s=0.0,
        drawn_j=0.0,
        temperature_c=model.thermal.ambient_c,
        board_j=0.0,
        core_j=0.0,
        sensed_board_j=0.0,
        sensed_core_j=0.0,
        pending_board_j=0.0,
        pending_core_j=0.0,
        drift_s=0.0,
        speed_drift=0.0,
        power_drift=0.0,
    )


def encode(state: DeviceState) -> bytes:
    """Returns a state as one line of JSON."""
    return json.dumps(state.__dict__).encode()


def decode(line: bytes) -> DeviceState:
    """Returns the state that :func:`encode` wrote.

    Raises:
        ValueError: This is not such a state.
    """
    values = json.loads(line)
    if not isinstance(values, dict) or tuple(values) != FIELDS:
        raise ValueError("the fields are not those of a device's state")
    return DeviceState(**values)
