"""Joules of every kind of source against power profiles whose integral is known exactly."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from knobs.meters.sampling.uncertainty import WALK_S
from tests.unit.knobs.meters.sampling.bench import Bench, Disturbances
from tests.unit.knobs.meters.sampling.profiles import Bursts, Constant, Ramp, Sine

PERIODS_S = [0.001, 0.002, 0.005, 0.010, 0.020, 0.050, 0.100]
LONG_PERIODS_S = [0.2, 1.0, 30.0]
WINDOW_S = 2.0
PROFILES = {
    "constant": lambda period_s: Constant(100.0),
    "ramp": lambda period_s: Ramp(50.0, 20.0),
    "sine": lambda period_s: Sine(100.0, 60.0, 0.3, 0.1),
    "square wave": lambda period_s: Bursts(40.0, 200.0, 0.37, 0.5, 0.2),
    "bursts shorter than a period": lambda period_s: Bursts(30.0, 230.0, 0.83 * period_s, 0.35),
    "bursts longer than a period": lambda period_s: Bursts(30.0, 230.0, 1.27 * period_s, 0.35),
    "bursts of two periods": lambda period_s: Bursts(30.0, 230.0, 1.9 * period_s, 0.35, 0.7),
}


def ordinary_disturbances(period_s):
    return Disturbances(min(0.0002, period_s / 5.0), min(0.0002, period_s / 10.0), period_s / 100.0)


def measure(bench, window_s=WINDOW_S):
    """Returns joules, the stated error and the truth of one window, after the meter has found its rhythm."""
    bench.sample_again_and_again()
    bench.run(max(1.0, 4.0 * bench.period_s))
    before = bench.sample_again_and_again()
    bench.run(window_s)
    after = bench.sample_again_and_again()
    stated_j = before.error_j + after.error_j
    stated_j *= math.sqrt(max(1.0, (after.time_s - before.time_s) / WALK_S))
    return after.value - before.value, stated_j, bench.truth_j(before.time_s, after.time_s)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("period_s", PERIODS_S)
@pytest.mark.parametrize("kind", ["counter", "power"])
def test_the_error_of_two_seconds_is_below_one_percent_and_as_stated(kind, period_s, profile):
    for seed in range(3):
        bench = Bench(
            PROFILES[profile](period_s), kind, period_s, disturbances=ordinary_disturbances(period_s), seed=seed
        )
        energy_j, stated_j, truth_j = measure(bench)
        assert abs(energy_j - truth_j) < 0.01 * truth_j
        assert abs(energy_j - truth_j) <= stated_j + 1e-9


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["counter", "power"]),
    period_s=st.sampled_from(PERIODS_S + LONG_PERIODS_S),
    phase=st.floats(0.0, 0.99),
    burst_periods=st.floats(0.4, 8.0),
    share=st.floats(0.25, 0.9),
    low_w=st.floats(5.0, 100.0),
    seed=st.integers(0, 2**16),
)
@example("power", 0.001, 0.0, 7.5, 0.25, 5.0, 0)
def test_the_stated_error_covers_the_truth(kind, period_s, phase, burst_periods, share, low_w, seed):
    """At every period, with late polls and updates: an error is stated that is wide enough."""
    profile = Bursts(low_w, 250.0, burst_periods * period_s, share, phase)
    bench = Bench(profile, kind, period_s, 1.0, phase, ordinary_disturbances(period_s), seed=seed)
    energy_j, stated_j, truth_j = measure(bench, max(WINDOW_S, 2.5 * period_s))
    assert abs(energy_j - truth_j) <= stated_j + 1e-9


@pytest.mark.parametrize("kind", ["counter", "power"])
def test_a_slower_source_states_a_wider_error(kind):
    stated = {}
    for period_s in [0.1, *LONG_PERIODS_S]:
        bench = Bench(Sine(100.0, 60.0, 7.0), kind, period_s, disturbances=ordinary_disturbances(period_s))
        _, stated[period_s], _ = measure(bench, 2.5 * period_s)
    assert list(stated.values()) == sorted(stated.values())


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(["counter", "power"]),
    period_s=st.sampled_from(PERIODS_S),
    lost=st.floats(0.0, 0.1),
    wake_s=st.floats(0.0, 0.003),
    read_s=st.floats(0.0, 0.002),
    seed=st.integers(0, 2**16),
)
def test_late_slow_and_lost_reads_of_a_slow_load_cost_little(kind, period_s, lost, wake_s, read_s, seed):
    disturbances = Disturbances(wake_s=wake_s, read_s=read_s, update_s=0.0, lost=lost)
    bench = Bench(Sine(100.0, 60.0, 0.9, 0.3), kind, period_s, disturbances=disturbances, seed=seed)
    energy_j, stated_j, truth_j = measure(bench)
    assert abs(energy_j - truth_j) < 0.015 * truth_j
    assert abs(energy_j - truth_j) <= stated_j + 1e-9


@pytest.mark.parametrize("kind", ["counter", "power"])
@pytest.mark.parametrize(("declared_s", "true_s"), [(0.1, 0.02), (0.02, 0.1), (0.1, 0.099)])
def test_a_counter_that_is_updated_otherwise_than_declared_is_followed(kind, declared_s, true_s):
    bench = Bench(Sine(100.0, 60.0, 0.7), kind, true_s, declared_period_s=declared_s)
    bench.sample()
    bench.run(3.0)
    before = bench.sample()
    bench.run(WINDOW_S)
    after = bench.sample()
    truth_j = bench.truth_j(before.time_s, after.time_s)
    allowed = 0.01 if kind == "counter" else 0.06  # what a look covers is a fact that nobody can see
    assert abs(after.value - before.value - truth_j) < allowed * truth_j


class TestDuty:
    """A sensor that looks during a quarter of its period, as A100 and H100 have (arXiv 2312.02741)."""

    @pytest.mark.parametrize("period_s", [0.02, 0.05, 0.1])
    @pytest.mark.parametrize("burst_periods", [4.3, 6.7, 9.1])
    def test_loads_out_of_step_with_the_sensor_are_metered_within_one_percent(self, period_s, burst_periods):
        for phase in (0.0, 0.25, 0.5, 0.75):
            profile = Sine(100.0, 60.0, burst_periods * period_s, phase)
            bench = Bench(profile, "power", period_s, 0.25, phase, ordinary_disturbances(period_s))
            energy_j, stated_j, truth_j = measure(bench)
            assert abs(energy_j - truth_j) < 0.01 * truth_j
            assert abs(energy_j - truth_j) <= stated_j

    def test_a_load_in_step_with_the_sensor_is_biased_and_the_duty_is_the_only_warning(self):
        bench = Bench(Bursts(50.0, 350.0, 0.1, 0.25, phase=0.0), "power", 0.1, 0.25, phase=0.25)
        energy_j, stated_j, truth_j = measure(bench)
        assert energy_j > 2.5 * truth_j  # it only ever sees the bursts
        assert stated_j < 0.2 * truth_j
        assert bench.meter.spec.duty == 0.25

    def test_dither_by_more_than_a_period_takes_the_bias_away(self):
        """Bursts whose distance wanders by the sensor's period, as random arrivals do, are seen at every phase."""
        bench = Bench(Bursts(50.0, 350.0, 0.1 * 1.618, 0.25), "power", 0.1, 0.25, phase=0.25)
        energy_j, _, truth_j = measure(bench, 30.0)
        assert energy_j == pytest.approx(truth_j, rel=0.02)

    def test_an_instantaneous_sensor_is_integrated_by_trapezoids(self):
        bench = Bench(Ramp(50.0, 20.0), "power", 0.1, duty=0.0)
        energy_j, _, truth_j = measure(bench)
        assert energy_j == pytest.approx(truth_j, rel=2e-3)

    def test_a_sensor_faster_than_any_poll_is_not_seen_all_the_time(self):
        bench = Bench(Constant(10.0), "power", 0.0001)
        assert bench.meter.spec.update_period_s == 0.001
        assert bench.meter.spec.duty == pytest.approx(0.1)
