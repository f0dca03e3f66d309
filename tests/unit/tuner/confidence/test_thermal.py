import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.measuring.confidence.thermal import is_level, thermal_slope

TIMES_S = [0.2 * look for look in range(76)]


@given(st.floats(-2.0, 2.0), st.floats(20.0, 90.0))
def test_a_straight_line_has_its_own_slope(slope_c_per_s, start_c):
    found = thermal_slope(TIMES_S, [start_c + slope_c_per_s * time_s for time_s in TIMES_S])
    assert found.slope_c_per_s == pytest.approx(slope_c_per_s, abs=1e-6)


def test_a_sensor_of_whole_degrees_that_stands_still_is_level():
    assert is_level(TIMES_S, [61.0] * 76)


def test_noise_around_a_level_is_level():
    temperatures_c = 60.0 + 0.1 * np.random.default_rng(1).standard_normal(76)
    assert is_level(TIMES_S, temperatures_c.tolist())


@pytest.mark.parametrize("time_constant_s", [2.0, 10.0, 60.0])
def test_an_approach_with_much_to_come_is_not_level(time_constant_s):
    temperatures_c = [float(round(70.0 - 20.0 * math.exp(-time_s / time_constant_s))) for time_s in TIMES_S[:40]]
    assert not is_level(TIMES_S[:40], temperatures_c)


def test_what_lies_long_ago_does_not_count():
    times_s = [0.5 * look for look in range(100)]
    assert is_level(times_s, [40.0 + min(look, 50) for look in range(100)])


def test_wild_readings_do_not_move_the_slope():
    temperatures_c = [60.0] * 76
    temperatures_c[10], temperatures_c[40], temperatures_c[70] = 255.0, 0.0, 127.0
    assert is_level(TIMES_S, temperatures_c)


@pytest.mark.parametrize("looks", [0, 1, 3, 10])
def test_a_short_look_says_nothing(looks):
    assert not is_level(TIMES_S[:looks], [60.0] * looks)


def test_as_many_temperatures_as_times_are_needed():
    with pytest.raises(ValueError, match="zip"):
        thermal_slope([0.0, 1.0], [50.0])
