"""Neighbouring rates share a configuration only where that costs next to nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tuner.records import study, trial
from tuner.study.confirmation import confirm
from tuner.study.sharing import shared_first
from tuner.trial import Interval, Purpose, Verdict


def candidate(number, energy_j, half_width, clock_mhz):
    made = trial(number, energy_j, clock_mhz=clock_mhz)
    interval = Interval(energy_j * (1 - half_width), energy_j * (1 + half_width))
    energy = replace(made.measurement.energy, interval=interval)
    return replace(made, measurement=replace(made.measurement, energy=energy))


energies = st.tuples(st.floats(1.0, 2.0), st.floats(0.0, 0.5))
candidates = st.lists(energies, max_size=6).map(
    lambda found: sorted(
        (candidate(number, *figures, 100 * number) for number, figures in enumerate(found, start=1)),
        key=lambda made: made.measurement.energy.per_request_j,
    )
)
neighbours = st.none() | st.integers(1, 8).map(lambda number: trial(40, 9.0, clock_mhz=100 * number))


@given(candidates, neighbours)
def test_no_candidate_is_lost_and_at_most_one_is_moved(found, neighbour):
    ordered = shared_first(found, neighbour)
    assert sorted(t.number for t in ordered) == sorted(t.number for t in found)
    others = [t for t in found if not ordered or t is not ordered[0]]
    assert ordered[1:] == others


@given(candidates, neighbours)
def test_what_comes_first_is_the_best_or_the_neighbours_and_as_good(found, neighbour):
    ordered = shared_first(found, neighbour)
    if not ordered or ordered[0] is found[0]:
        return
    assert ordered[0].configuration == neighbour.configuration
    first, best = ordered[0].measurement.energy, found[0].measurement.energy
    assert first.interval.low <= best.interval.high
    assert first.per_request_j <= 1.05 * best.per_request_j


@given(candidates, neighbours)
def test_the_neighbours_configuration_comes_first_wherever_nothing_tells_it_from_the_best(found, neighbour):
    for made in found:
        if neighbour is not None and made.configuration == neighbour.configuration:
            energy, best = made.measurement.energy, found[0].measurement.energy
            is_as_good = energy.interval.low <= best.interval.high and energy.per_request_j <= 1.05 * best.per_request_j
            assert (shared_first(found, neighbour)[0] is made) == (is_as_good or made is found[0])


def test_an_interval_that_is_told_apart_is_not_shared():
    best, slightly_worse = candidate(1, 1.0, 0.005, 500), candidate(2, 1.03, 0.005, 1000)
    assert shared_first([best, slightly_worse], trial(9, 3.0, clock_mhz=1000)) == [best, slightly_worse]


def test_wide_intervals_do_not_excuse_a_much_worse_configuration():
    best, much_worse = candidate(1, 1.0, 0.5, 500), candidate(2, 1.5, 0.5, 1000)
    assert shared_first([best, much_worse], trial(9, 3.0, clock_mhz=1000)) == [best, much_worse]


def confirmed_clocks(trials, neighbour):
    """Returns which clocks are confirmed at a rate, the baseline's left out."""
    asked = []

    def measure(configuration):
        asked.append(configuration["gpu.core.max_mhz"])
        return trial(9, 1.0 if asked[-1] != 1500 else 4.0, clock_mhz=asked[-1], purpose=Purpose.CONFIRMATION)

    made = study(*trials)
    confirm(made, trials, trials[0].configuration, 2, measure, neighbour)
    return [clock_mhz for clock_mhz in dict.fromkeys(asked) if clock_mhz != 1500]


BASELINE = trial(0, 4.0)
NEIGHBOUR = trial(7, 3.0, clock_mhz=1000)


def test_the_confirmation_asks_for_the_shared_configuration_first():
    near = (BASELINE, trial(1, 1.0, clock_mhz=500), trial(2, 1.02, clock_mhz=1000))
    far = (BASELINE, trial(1, 1.0, clock_mhz=500), trial(2, 1.5, clock_mhz=1000))
    assert confirmed_clocks(near, NEIGHBOUR) == [1000]
    assert confirmed_clocks(far, NEIGHBOUR) == [500]
    assert confirmed_clocks(near, None) == [500]


def test_the_neighbours_configuration_is_tried_where_nothing_else_is_known():
    assert confirmed_clocks((BASELINE,), NEIGHBOUR) == [1000]
    assert confirmed_clocks((BASELINE,), None) == []


def test_the_neighbours_configuration_is_not_tried_again_where_it_broke_the_slo():
    broken = (BASELINE, trial(1, 1.0, clock_mhz=1000, verdict=Verdict.INFEASIBLE))
    assert confirmed_clocks(broken, NEIGHBOUR) == []
