"""How a virtual device moves through time: governor, power cap, temperature and sensor.

Time is cut into segments within which clock, load and power are constant. A segment ends when the work is
done or when the governor looks. Once nothing changes from one look to the next, segments grow, so that
hours of device time cost milliseconds.

* The governor is Linux' ``simple_ondemand`` (drivers/devfreq/governor_simpleondemand.c): above a busy share
  the highest allowed clock, between two shares no change (hysteresis), below them
  ``clock x busy / (up - difference / 2)``, rounded up to a clock of the list. It looks once a period: it lags.
* Power cap and trip point lower a ceiling by one clock a period while they are exceeded, and raise it again
  below 90 % of the cap and some degrees under the trip point. The ceiling also beats the lowest clock that was set,
  as thermal throttling does on real boards.
* Temperature is one RC: ``T' = (ambient + R P - T) / (R C)``, solved exactly within a segment.
* The sensor sees 25 ms of every 100 ms and takes them for the whole; its counter moves every 100 ms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulation.model import DeviceModel
from simulation.physics import IDLE, Activity, Clocks, Power, power
from simulation.state import DeviceState

SENSOR_PERIOD_S = 0.1
SENSOR_SEEN_S = 0.025
LONGEST_SEGMENT_PERIODS = 20
CAP_RELEASE_RATIO = 0.9


@dataclass(frozen=True)
class Segment:
    """A stretch of device time within which everything was constant."""

    duration_s: float
    core_mhz: float
    power: Power


def delivered_clocks(model: DeviceModel, state: DeviceState) -> Clocks:
    """Returns the clocks that the device delivers now."""
    cpu_ratio = state.cpu_max_mhz / model.cpu_clocks_mhz[-1] if model.cpu_clocks_mhz else 1.0
    return Clocks(core_mhz=state.core_mhz, memory_mhz=state.memory_max_mhz, cpu_ratio=cpu_ratio)


def is_throttled(model: DeviceModel, state: DeviceState) -> bool:
    """Tells whether power cap or temperature keep the GPU below what the settings and the load ask for."""
    return model.core_clocks_mhz[state.ceiling] < state.core_max_mhz


def bounded_core_mhz(model: DeviceModel, state: DeviceState, wanted_mhz: float) -> float:
    """Returns the clock delivered for a wanted one: highest setting and ceiling win over the lowest setting."""
    at_least_lowest_mhz = max(wanted_mhz, state.core_min_mhz)
    return min(at_least_lowest_mhz, state.core_max_mhz, model.core_clocks_mhz[state.ceiling])


def advance(model: DeviceModel, state: DeviceState, activity: Activity, at_most_s: float) -> Segment:
    """Moves the state through one segment of constant activity.

    Args:
        model: The device.
        state: Its state, which is changed.
        activity: What the device does; it may depend on the clock delivered, so ask anew for each segment.
        at_most_s: How long this activity lasts; above zero.

    Returns:
        What happened. It lasted ``at_most_s`` or less.
    """
    _decide_if_due(model, state, activity, at_most_s)
    until_decision_s = state.next_decision_s - state.time_s
    if at_most_s < until_decision_s:
        return _pass_time(model, state, activity, at_most_s, state.time_s + at_most_s)
    return _pass_time(model, state, activity, until_decision_s, state.next_decision_s)


def pass_idle(model: DeviceModel, state: DeviceState, duration_s: float) -> None:
    """Moves the state through a time without work."""
    remaining_s = duration_s
    while remaining_s > 0.0:
        remaining_s -= advance(model, state, IDLE, remaining_s).duration_s


def _decide_if_due(model: DeviceModel, state: DeviceState, activity: Activity, remaining_s: float) -> None:
    if state.time_s < state.next_decision_s:
        return
    period_s = model.governor.period_s
    before = (state.core_mhz, state.ceiling)
    elapsed_s = state.time_s - state.last_decision_s
    busy_share = state.busy_s / elapsed_s
    _move_ceiling(model, state, state.drawn_j / elapsed_s)
    state.core_mhz = bounded_core_mhz(model, state, _wanted_core_mhz(model, state, busy_share))
    periods = 1
    if before == (state.core_mhz, state.ceiling) and abs(busy_share - activity.core_utilisation) < 1e-6:
        periods = min(LONGEST_SEGMENT_PERIODS, max(1, int(remaining_s / period_s)))
    state.last_decision_s, state.busy_s, state.drawn_j = state.time_s, 0.0, 0.0
    state.next_decision_s = state.time_s + periods * period_s


def _move_ceiling(model: DeviceModel, state: DeviceState, mean_power_w: float) -> None:
    thermal = model.thermal
    delivered = model.core_clocks_mhz.index(state.core_mhz)
    if mean_power_w > model.power.cap_w or state.temperature_c > thermal.trip_c:
        state.ceiling = max(0, min(state.ceiling, delivered) - 1)
    elif (
        mean_power_w < CAP_RELEASE_RATIO * model.power.cap_w
        and state.temperature_c < thermal.trip_c - thermal.hysteresis_c
    ):
        state.ceiling = min(len(model.core_clocks_mhz) - 1, state.ceiling + 1)


def _wanted_core_mhz(model: DeviceModel, state: DeviceState, busy_share: float) -> float:
    governor = model.governor
    if busy_share > governor.up_threshold:
        return state.core_max_mhz
    if busy_share >= governor.down_threshold:
        return state.core_mhz
    target_share = (governor.up_threshold + governor.down_threshold) / 2.0
    wanted_mhz = state.core_mhz * busy_share / target_share
    return next(clock for clock in model.core_clocks_mhz if clock >= wanted_mhz)


def _pass_time(model: DeviceModel, state: DeviceState, activity: Activity, length_s: float, end_s: float) -> Segment:
    """Lets time pass at constant power, until an instant on the device's clock, and books the energy."""
    nominal = power(model, delivered_clocks(model, state), activity, state.temperature_c)
    factor = 1.0 + state.power_drift
    drawn = Power(board_w=nominal.board_w * factor, core_w=nominal.core_w * factor)
    segment = Segment(duration_s=length_s, core_mhz=state.core_mhz, power=drawn)
    _sense(state, drawn, end_s)
    state.board_j += drawn.board_w * length_s
    state.core_j += drawn.core_w * length_s
    state.drawn_j += drawn.board_w * length_s
    state.busy_s += activity.core_utilisation * length_s
    state.temperature_c = _temperature_after(model, state.temperature_c, drawn.board_w, length_s)
    state.time_s = end_s
    return segment


def _temperature_after(model: DeviceModel, temperature_c: float, board_w: float, length_s: float) -> float:
    thermal = model.thermal
    final_c = thermal.ambient_c + thermal.resistance_c_per_w * board_w
    decay = math.exp(-length_s / (thermal.resistance_c_per_w * thermal.capacity_j_per_c))
    return final_c + (temperature_c - final_c) * decay


def _sense(state: DeviceState, drawn: Power, end_s: float) -> None:
    """Lets the sensor see its share of a segment that starts now."""
    start_s = state.time_s
    last_edge_s = math.floor(end_s / SENSOR_PERIOD_S) * SENSOR_PERIOD_S
    if last_edge_s > start_s:
        until_edge_s = _seen_s(start_s, last_edge_s)
        scale = SENSOR_PERIOD_S / SENSOR_SEEN_S
        state.sensed_board_j += (state.pending_board_j + drawn.board_w * until_edge_s) * scale
        state.sensed_core_j += (state.pending_core_j + drawn.core_w * until_edge_s) * scale
        state.pending_board_j = state.pending_core_j = 0.0
        start_s = last_edge_s
    since_edge_s = _seen_s(start_s, end_s)
    state.pending_board_j += drawn.board_w * since_edge_s
    state.pending_core_j += drawn.core_w * since_edge_s


def _seen_s(start_s: float, end_s: float) -> float:
    """Returns for how long the sensor looks between two instants; rounding must not make it negative."""
    return max(0.0, _seen_until_s(end_s) - _seen_until_s(start_s))


def _seen_until_s(time_s: float) -> float:
    """Returns for how long the sensor has looked since the device was switched on."""
    periods = math.floor(time_s / SENSOR_PERIOD_S)
    return periods * SENSOR_SEEN_S + min(time_s - periods * SENSOR_PERIOD_S, SENSOR_SEEN_S)
