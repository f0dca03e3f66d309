"""Time on a virtual device: governor, power cap, temperature, sensor, and the books of energy."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.catalogue import DEVICES, device_model
from simulation.dynamics import (
    SENSOR_PERIOD_S,
    Segment,
    advance,
    bounded_core_mhz,
    is_throttled,
    pass_idle,
)
from simulation.model import DeviceModel
from simulation.physics import IDLE, Activity
from simulation.state import DeviceState, switched_on

ORIN = device_model("virtual:agx-orin")
TX2 = device_model("virtual:tx2")
BUSY = Activity(core_utilisation=1.0, core_nf=20.0, host_utilisation=0.5, traffic_gb_s=50.0)
HALF_BUSY = replace(BUSY, core_utilisation=0.45)

activities = st.builds(
    Activity,
    core_utilisation=st.floats(0, 1),
    core_nf=st.floats(0, 60),
    host_utilisation=st.floats(0, 1),
    traffic_gb_s=st.floats(0, 100),
)
stretches = st.lists(st.tuples(activities, st.floats(1e-4, 20)), min_size=1, max_size=12)


def live(model: DeviceModel, state: DeviceState, activity: Activity, duration_s: float) -> list[Segment]:
    segments = []
    while duration_s > 0:
        segments.append(advance(model, state, activity, duration_s))
        duration_s -= segments[-1].duration_s
    return segments


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DEVICES), stretches)
def test_true_energy_is_the_sum_of_power_times_time(model: DeviceModel, lives: list[tuple[Activity, float]]) -> None:
    state = switched_on(model, seed=0)
    segments = [segment for activity, duration_s in lives for segment in live(model, state, activity, duration_s)]
    assert state.time_s == pytest.approx(sum(duration_s for _, duration_s in lives), rel=1e-9)
    assert state.board_j == pytest.approx(sum(part.power.board_w * part.duration_s for part in segments), rel=1e-9)
    assert state.core_j == pytest.approx(sum(part.power.core_w * part.duration_s for part in segments), rel=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DEVICES), stretches, st.data())
def test_clock_and_counters_never_fall_and_the_delivered_clock_keeps_its_bounds(
    model: DeviceModel, lives: list[tuple[Activity, float]], data: st.DataObject
) -> None:
    state = switched_on(model, seed=0)
    for activity, duration_s in lives:
        state.core_min_mhz = data.draw(st.sampled_from(model.core_clocks_mhz))
        state.core_max_mhz = data.draw(st.sampled_from(model.core_clocks_mhz))
        state.core_mhz = bounded_core_mhz(model, state, state.core_mhz)
        while duration_s > 0:
            before = replace(state)
            duration_s -= advance(model, state, activity, duration_s).duration_s
            assert state.time_s >= before.time_s
            assert state.board_j >= before.board_j
            assert state.core_j >= before.core_j
            assert state.sensed_board_j >= before.sensed_board_j
            assert state.core_mhz in model.core_clocks_mhz
            assert state.core_mhz <= state.core_max_mhz
            lowest_mhz = min(state.core_min_mhz, state.core_max_mhz)
            assert state.core_mhz >= lowest_mhz or is_throttled(model, state)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.001, 100), activities)
def test_long_and_short_steps_tell_the_same_story(duration_s: float, activity: Activity) -> None:
    whole, cut = switched_on(ORIN, seed=0), switched_on(ORIN, seed=0)
    live(ORIN, whole, activity, duration_s)
    for _ in range(100):
        live(ORIN, cut, activity, duration_s / 100)
    # A governor that found nothing to do looks away for up to 2 s: meanwhile a warming chip may cross its cap.
    assert cut.board_j == pytest.approx(whole.board_j, rel=0.05)
    assert cut.temperature_c == pytest.approx(whole.temperature_c, abs=0.5)


def test_the_governor_lags_behind_the_load() -> None:
    state = switched_on(ORIN, seed=0)
    first = advance(ORIN, state, BUSY, 1.0)
    second = advance(ORIN, state, BUSY, 1.0)
    assert (first.core_mhz, second.core_mhz) == (306, 1300.5)
    assert first.duration_s == pytest.approx(ORIN.governor.period_s)


def test_the_governor_has_hysteresis() -> None:
    from_below, from_above = switched_on(ORIN, seed=0), switched_on(ORIN, seed=0)
    live(ORIN, from_above, BUSY, 1.0)
    for state in (from_below, from_above):
        live(ORIN, state, HALF_BUSY, 5.0)
    assert (from_below.core_mhz, from_above.core_mhz) == (306, 1300.5)


def test_an_idle_gpu_falls_to_the_lowest_clock_that_was_set() -> None:
    state = switched_on(ORIN, seed=0)
    state.core_min_mhz = 510
    live(ORIN, state, BUSY, 1.0)
    pass_idle(ORIN, state, 1.0)
    assert state.core_mhz == 510


def test_the_power_cap_lowers_the_delivered_clock() -> None:
    state = switched_on(TX2, seed=0)
    live(TX2, state, replace(BUSY, core_nf=8.0, traffic_gb_s=20.0), 30.0)
    assert is_throttled(TX2, state)
    before_j = state.board_j
    live(TX2, state, replace(BUSY, core_nf=8.0, traffic_gb_s=20.0), 60.0)
    assert (state.board_j - before_j) / 60.0 < 1.02 * TX2.power.cap_w
    pass_idle(TX2, state, 5.0)
    assert not is_throttled(TX2, state)


def test_heat_above_the_trip_point_throttles_and_cooling_releases() -> None:
    poorly_cooled = replace(ORIN, thermal=replace(ORIN.thermal, trip_c=50.0))
    state = switched_on(poorly_cooled, seed=0)
    live(poorly_cooled, state, BUSY, 20.0)
    assert not is_throttled(poorly_cooled, state)
    live(poorly_cooled, state, BUSY, 600.0)
    assert is_throttled(poorly_cooled, state)
    assert state.temperature_c < 52.0
    pass_idle(poorly_cooled, state, 600.0)
    assert not is_throttled(poorly_cooled, state)


def test_heat_is_carried_over_and_raises_power() -> None:
    state = switched_on(ORIN, seed=0)
    live(ORIN, state, BUSY, 1.0)
    cold = advance(ORIN, state, BUSY, 0.05)
    live(ORIN, state, BUSY, 600.0)
    hot = advance(ORIN, state, BUSY, 0.05)
    assert hot.core_mhz == cold.core_mhz
    assert hot.power.board_w > cold.power.board_w * 1.01


def test_the_sensor_agrees_with_the_truth_over_a_long_time() -> None:
    state = switched_on(ORIN, seed=0)
    live(ORIN, state, BUSY, 300.0)
    assert state.sensed_board_j == pytest.approx(state.board_j, rel=0.01)
    assert state.sensed_core_j == pytest.approx(state.core_j, rel=0.01)


def test_the_sensor_misses_what_happens_while_it_looks_away() -> None:
    seen, missed = switched_on(ORIN, seed=0), switched_on(ORIN, seed=0)
    for state, begin_s in ((seen, 0.0), (missed, 0.05)):
        pass_idle(ORIN, state, 10 * SENSOR_PERIOD_S + begin_s)
        live(ORIN, state, BUSY, 0.02)
        pass_idle(ORIN, state, SENSOR_PERIOD_S)
    pass_idle(ORIN, seen, 0.05)
    assert seen.board_j == pytest.approx(missed.board_j, rel=1e-3)
    burst_j = seen.sensed_board_j - missed.sensed_board_j
    assert burst_j > 0.2, "four times the extra energy of a burst that the sensor took for a whole period"


def test_the_counter_moves_once_a_period() -> None:
    state = switched_on(ORIN, seed=0)
    shown = []
    for _ in range(100):
        live(ORIN, state, IDLE, 0.01)
        shown.append(state.sensed_board_j)
    assert 9 <= len(set(shown)) <= 11
