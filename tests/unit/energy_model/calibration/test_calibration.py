"""Calibration against machines whose truth is known, through meters that have faults."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.energy_model.calibration.meter_recordings import (
    BASE_W,
    FACTOR,
    Faults,
    Machine,
    counter_readings,
    power_readings,
    recorded,
)
from tuner.energy_model.calibration.fit import CalibrationFit, calibrate
from tuner.energy_model.calibration.line import robust_line
from tuner.energy_model.calibration.series import EnergySeries
from tuner.errors import BadInputError

REAL_COUNTER = Faults(0.1, jitter=1.0, quantum=0.5)
REAL_PLUG = Faults(1.0, jitter=1.0, lag_s=0.7, noise=0.01, quantum=0.1)


def complaint(device: EnergySeries, reference: EnergySeries) -> str:
    with pytest.raises(BadInputError) as caught:
        calibrate(device, reference)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def errors_elsewhere(fit: CalibrationFit, machine: Machine, length_s: float = 10.0) -> list[float]:
    """How far off the fit is on the true energies of another time, stretch by stretch, relative."""
    found = []
    for number in range(int(machine.duration_s / length_s)):
        begin_s, end_s = number * length_s, (number + 1) * length_s
        device_j = machine.device_j(end_s) - machine.device_j(begin_s)
        truth_j = machine.reference_j(end_s) - machine.reference_j(begin_s)
        found.append(abs(fit.factor * device_j + fit.base_w * length_s - truth_j) / truth_j)
    return found


@given(
    factor=st.floats(0.5, 2.0),
    base_w=st.floats(5.0, 300.0),
    lag_s=st.floats(-2.0, 2.0),
    idle_w=st.floats(1.0, 40.0),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=30, deadline=None)
def test_what_is_true_is_found(factor: float, base_w: float, lag_s: float, idle_w: float, seed: int) -> None:
    """Without noise, whatever the coefficients and the lag: what remains is the interpolation of a fast counter."""
    machine = Machine(120.0, factor=factor, base_w=base_w, idle_w=idle_w, seed=seed)
    fit = calibrate(*recorded(machine, Faults(0.1), Faults(1.0, lag_s=lag_s)))
    assert fit.factor == pytest.approx(factor, rel=0.01)
    assert fit.base_w == pytest.approx(base_w, rel=0.02, abs=0.5)
    assert fit.lag_s == pytest.approx(lag_s, abs=0.06)
    assert fit.error < 0.005


@pytest.mark.parametrize("seed", range(4))
def test_real_meters_give_the_error_that_two_machines_had(seed: int) -> None:
    """Noise, jitter, quantised values and a lag: the published error of this form is 0.3 to 0.5 %."""
    fit = calibrate(*recorded(Machine(120.0, seed=seed), REAL_COUNTER, REAL_PLUG))
    assert 0.002 < fit.mean_error < 0.008
    assert fit.factor == pytest.approx(FACTOR, rel=0.015)
    assert fit.base_w == pytest.approx(BASE_W, rel=0.015)
    assert fit.lag_s == pytest.approx(0.7, abs=0.05)
    assert fit.outliers <= 1


def test_the_stated_error_holds_on_another_time() -> None:
    """In nine of ten recordings a stretch of another time is off by no more, on average, than the error says."""
    within = []
    for seed in range(20):
        fit = calibrate(*recorded(Machine(60.0, seed=seed), REAL_COUNTER, REAL_PLUG))
        within.append(fmean(errors_elsewhere(fit, Machine(100.0, seed=1000 + seed))) <= fit.error)
    assert sum(within) >= 18


def test_the_error_is_not_that_of_the_stretches_fitted() -> None:
    """A fan that comes up slowly is in every coefficient that saw it; blocks that were left out show it."""
    calm, fan = (calibrate(*recorded(Machine(300.0, wander_w=wander_w))) for wander_w in (0.0, 6.0))
    assert calm.error < 1e-6
    assert fan.largest_error > 0.02
    assert fan.largest_error > fan.mean_error


def test_idle_power_and_reach_stand_beside_the_fit() -> None:
    machine = Machine(300.0, idle_w=20.0, busy_w=(100.0, 200.0))
    fit = calibrate(*recorded(machine))
    assert 18.0 <= fit.idle_device_w <= 22.0
    assert fit.idle_reference_w == pytest.approx(FACTOR * fit.idle_device_w + BASE_W, rel=0.01)
    assert 150.0 <= fit.busy_device_w <= 200.0
    assert fit.factor_half_width < 1e-6
    assert fit.base_half_width_w < 1e-6


def test_wrong_readings_are_left_out_and_counted() -> None:
    """One value in a hundred is ten times too large, as where a packet is garbled."""
    machine = Machine(600.0, seed=1)
    fit = calibrate(*recorded(machine, REAL_COUNTER, replace(REAL_PLUG, spikes=0.01)))
    assert 1 <= fit.outliers <= 15
    assert fit.factor == pytest.approx(FACTOR, rel=0.03)
    assert fit.base_w == pytest.approx(BASE_W, rel=0.03)


def test_two_slow_sensors_are_worse_and_say_so() -> None:
    """What happens between the readings of both, nobody saw: the error is larger than with a fast counter."""
    machine = Machine(300.0, seed=2)
    plug = power_readings(machine.reference_j, 300.0, Faults(1.0), 5)
    slow = power_readings(machine.device_j, 300.0, Faults(1.0, lag_s=0.4), 4)
    fit = calibrate(EnergySeries.of_power("gpu", *slow), EnergySeries.of_power("wall", *plug))
    assert fit.factor == pytest.approx(FACTOR, rel=0.05)
    assert 0.003 < fit.error < 0.03


def test_a_slow_reference_gives_fewer_and_longer_stretches() -> None:
    machine = Machine(600.0, seed=3)
    quick, slow = (calibrate(*recorded(machine, REAL_COUNTER, Faults(period_s))) for period_s in (1.0, 5.0))
    assert (quick.stretch_s, slow.stretch_s) == pytest.approx((4.0, 20.0), rel=0.05)
    assert quick.stretches > 4 * slow.stretches


def test_a_counter_that_is_read_too_often_is_taken_at_its_steps() -> None:
    machine = Machine(120.0, seed=4)
    times_s, values_j = counter_readings(machine.device_j, 120.0, Faults(0.5), 1)
    often_s = [number * 0.02 for number in range(int(120.0 / 0.02))]
    stair_j = [values_j[int(time_s / 0.5)] for time_s in often_s]
    series = EnergySeries.of_counter("gpu", often_s, stair_j)
    assert series.update_s == pytest.approx(0.5, abs=0.03)
    assert len(series.times_s) <= len(times_s)
    _, plug = recorded(machine)
    assert calibrate(series, plug).factor == pytest.approx(FACTOR, rel=0.02)


def test_a_power_that_is_read_too_often_is_known_to_be_slower() -> None:
    machine = Machine(120.0, seed=5)
    _, values_w = power_readings(machine.reference_j, 120.0, Faults(1.0, noise=0.01), 1)
    often_s = [number * 0.25 for number in range(480)]
    series = EnergySeries.of_power("wall", often_s, [values_w[int(time_s)] for time_s in often_s])
    assert series.update_s == pytest.approx(1.0)


def test_stretches_without_readings_are_left_out() -> None:
    """A meter that was lost for a while says nothing of how power was spread meanwhile."""
    machine = Machine(300.0, seed=6)
    device, reference = recorded(machine)
    whole = calibrate(device, reference)
    kept = [index for index, time_s in enumerate(device.times_s) if not 100.0 < time_s < 160.0]
    holey = EnergySeries.of_counter(
        "gpu.energy", [device.times_s[index] for index in kept], [device.energy_j[index] for index in kept]
    )
    fit = calibrate(holey, reference)
    assert whole.stretches - 17 <= fit.stretches <= whole.stretches - 14
    assert fit.factor == pytest.approx(whole.factor, rel=1e-6)


class TestRefusals:
    def test_a_machine_that_only_rests(self) -> None:
        steady = Machine(120.0, busy_w=(20.0, 21.0))
        assert "cannot tell factor and base power apart: let the machine rest and work by turns" in complaint(
            *recorded(steady)
        )

    def test_a_short_recording(self) -> None:
        assert "12 are needed" in complaint(*recorded(Machine(30.0)))

    def test_recordings_of_different_times(self) -> None:
        device, reference = recorded(Machine(120.0))
        later = replace(reference, times_s=tuple(time_s + 1e6 for time_s in reference.times_s))
        assert "have 0 stretches of time in common" in complaint(device, later)

    @pytest.mark.parametrize("shift_s", [-9.0, 9.0])
    def test_clocks_that_are_too_far_apart(self, shift_s: float) -> None:
        """Work that comes once is found at the wrong end of the search."""
        rise = [(5.0 if time_s < 60 else 200.0) for time_s in range(120)]
        device = EnergySeries.of_power("gpu", range(120), rise)
        reference = EnergySeries.of_power("wall", [t + shift_s for t in range(120)], [50.0 + power for power in rise])
        assert "does not follow gpu with a lag that can be told" in complaint(device, reference)

    @pytest.mark.parametrize("seed", range(3))
    def test_a_reference_that_falls_when_the_device_works(self, seed: int) -> None:
        machine = Machine(120.0, factor=-0.2, base_w=200.0, seed=seed)
        assert re.search(r"wall.plug (hardly follows|does not follow) gpu.energy", complaint(*recorded(machine)))

    def test_a_reference_that_covers_less(self) -> None:
        machine = Machine(120.0, factor=1.0, base_w=-10.0)
        assert "base power would be -10 W, below zero" in complaint(*recorded(machine))

    def test_a_reference_that_shows_nothing_at_rest(self) -> None:
        machine = Machine(120.0, factor=1.0, base_w=-50.0)
        assert "at rest: it does not cover this machine" in complaint(*recorded(machine))

    def test_a_reference_that_follows_something_else_too(self) -> None:
        """The processor works too, in a rhythm of its own."""
        machine = Machine(300.0)
        device, _ = recorded(machine)
        other = Machine(300.0, seed=99)
        both = power_readings(
            lambda time_s: machine.reference_j(time_s) + other.device_j(time_s), 300.0, Faults(1.0), 1
        )
        sentence = complaint(device, EnergySeries.of_power("wall.plug", *both))
        assert "wall.plug also changes with something that gpu.energy does not measure" in sentence

    @pytest.mark.parametrize("seed", range(3))
    def test_a_factor_that_the_noise_hides(self, seed: int) -> None:
        machine = Machine(60.0, factor=0.05, base_w=300.0, busy_w=(30.0, 40.0), seed=seed)
        sentence = complaint(*recorded(machine, Faults(0.1), Faults(1.0, noise=0.05)))
        assert re.search(r"wall.plug (hardly follows|does not follow) gpu.energy", sentence)

    def test_work_that_comes_once(self) -> None:
        """Left out as a block, it cannot be told from the rest."""
        work = [10.0] * 200 + [200.0 + number % 7 for number in range(30)] + [10.0] * 20
        device = EnergySeries.of_power("gpu", range(250), [power + 0.01 * (n % 3) for n, power in enumerate(work)])
        reference = EnergySeries.of_power("wall", range(250), [1.1 * power + 90.0 for power in work])
        assert "lies in one part of the recording" in complaint(device, reference)

    def test_too_many_wrong_readings(self) -> None:
        machine = Machine(600.0, seed=1)
        assert "out of line" in complaint(*recorded(machine, REAL_COUNTER, replace(REAL_PLUG, spikes=0.05)))

    def test_a_larger_error_may_be_allowed(self) -> None:
        pair = recorded(Machine(300.0, wander_w=25.0))
        assert "5.0% is allowed" in complaint(*pair)
        assert calibrate(*pair, largest_error=0.5).error > 0.05


class TestSeries:
    @pytest.mark.parametrize("times_s", [[0.0, 1.0, 1.0, 2.0], [0.0, 2.0, 1.0, 3.0]])
    def test_a_clock_that_does_not_go_on_is_refused(self, times_s: list[float]) -> None:
        for make in (EnergySeries.of_counter, EnergySeries.of_power):
            with pytest.raises(BadInputError, match="The clock of it does not go on"):
                make("it", times_s, [1.0, 2.0, 3.0, 4.0])

    def test_a_counter_that_was_reset_is_refused(self) -> None:
        with pytest.raises(BadInputError, match="The joules of it run backwards"):
            EnergySeries.of_counter("it", [0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 0.0, 1.0])

    def test_a_negative_power_is_refused(self) -> None:
        with pytest.raises(BadInputError, match="-3 W, which is no power"):
            EnergySeries.of_power("it", [0.0, 1.0, 2.0], [1.0, -3.0, 1.0])

    @pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0, 1.0]])
    def test_a_meter_that_never_moves_is_refused(self, values: list[float]) -> None:
        with pytest.raises(BadInputError, match="record for longer"):
            EnergySeries.of_counter("it", list(map(float, range(len(values)))), values)

    @given(st.lists(st.tuples(st.floats(0.1, 5.0), st.floats(0.0, 500.0)), min_size=3, max_size=40))
    def test_energy_of_powers_is_that_of_a_stair(self, steps: list[tuple[float, float]]) -> None:
        times_s, total_s = [], 0.0
        for step_s, _ in steps:
            total_s += step_s
            times_s.append(total_s)
        series = EnergySeries.of_power("it", times_s, [power_w for _, power_w in steps])
        total_j = sum(step_s * power_w for step_s, power_w in steps[1:])
        assert series.at(times_s[-1]) - series.at(times_s[0]) == pytest.approx(total_j)


class TestLine:
    @given(st.floats(0.1, 5), st.floats(-50, 50), st.integers(16, 60), st.integers(0, 10**6))
    def test_an_eighth_of_wrong_points_does_not_move_it(
        self, slope: float, intercept: float, count: int, seed: int
    ) -> None:
        """Among points that lie on a line, those that do not by far are found, wherever they are."""
        chance = random.Random(seed)
        xs = [number + chance.uniform(-0.4, 0.4) for number in range(count)]
        chance.shuffle(xs)
        wrong = frozenset(chance.sample(range(count), count // 8))
        far = 1000.0 * chance.choice([-1.0, 1.0])
        line = robust_line(xs, [slope * x + intercept + (far if index in wrong else 0.0) for index, x in enumerate(xs)])
        assert line is not None
        assert line.outliers == wrong
        assert (line.slope, line.intercept) == pytest.approx((slope, intercept), abs=1e-6)

    def test_it_is_that_of_least_squares_where_nothing_is_wrong(self) -> None:
        """Figures by hand: slope 0.6, intercept 2.2 of the five points of the usual textbook example."""
        line = robust_line([1, 2, 3, 4, 5], [2, 4, 5, 4, 5])
        assert line is not None
        assert (line.slope, line.intercept) == pytest.approx((0.6, 2.2))
        assert line.slope_error == pytest.approx(0.28284, rel=1e-4)
        assert line.intercept_error == pytest.approx(0.93808, rel=1e-4)
        assert not line.outliers

    def test_points_above_each_other_have_none(self) -> None:
        assert robust_line([2.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]) is None

    def test_two_clusters_of_unequal_size_are_joined(self) -> None:
        """Nine of ten pairs of points lie within the idle cluster and say nothing of the slope."""
        chance = random.Random(7)
        xs = [10.0 + chance.gauss(0, 0.1) for _ in range(90)] + [200.0 + chance.gauss(0, 5) for _ in range(10)]
        line = robust_line(xs, [1.1 * x + 90.0 + chance.gauss(0, 1.0) for x in xs])
        assert line is not None
        assert line.slope == pytest.approx(1.1, rel=0.01)
        assert not line.outliers
