"""From a rate to its step: never one that was not proven for it, and no switching to and fro."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tuner.rates_bench import at_clock
from tuner.errors import BadInputError
from tuner.rate_steps import step_for
from tuner.study_record import RateStep, RateTable


def table_of(ends_hz, hysteresis=0.1):
    steps = [RateStep(low, high, at_clock(500), 1, None) for low, high in pairwise((0.0, *ends_hz))]
    return RateTable(tuple(steps), hysteresis)


ends = st.lists(st.floats(0.1, 1e4), min_size=1, max_size=8, unique=True).map(sorted)
tables = st.builds(table_of, ends, st.floats(0.0, 0.9))
rates = st.floats(0.01, 2e4)
TABLE = table_of((20.0, 60.0, 120.0))
LOW, MIDDLE, HIGH = TABLE.steps


@given(tables, rates, st.integers(0, 7))
def test_a_step_was_proven_for_at_least_its_rate_or_there_is_a_warning(table, rate_hz, position):
    present = table.steps[position % len(table.steps)]
    chosen = step_for(table, rate_hz, present)
    assert chosen.step in table.steps
    assert bool(chosen.warning) == (rate_hz > table.steps[-1].to_rate_hz)
    assert chosen.warning or rate_hz <= chosen.step.to_rate_hz
    assert not chosen.warning or chosen.step == table.steps[-1]


@given(tables, rates)
def test_without_a_present_step_it_is_the_lowest_that_was_proven(table, rate_hz):
    chosen = step_for(table, rate_hz)
    assert chosen.warning or chosen.step.from_rate_hz < rate_hz


@given(tables, st.data())
def test_a_rate_that_wobbles_within_the_hysteresis_never_switches_back(table, data):
    """From just above where a step is left downwards to that step's upper end, whatever lies between."""
    step = data.draw(st.sampled_from(table.steps))
    lowest_hz = step.from_rate_hz * (1.0 - table.hysteresis)
    wobble = data.draw(st.lists(st.floats(max(lowest_hz, 0.01), step.to_rate_hz), min_size=2, max_size=20))
    present = None
    for rate_hz in wobble:
        chosen = step_for(table, rate_hz, present).step
        assert present is None or chosen.to_rate_hz >= present.to_rate_hz
        present = chosen


@given(tables, rates, st.integers(0, 7))
def test_what_is_chosen_is_kept_at_the_same_rate(table, rate_hz, position):
    first = step_for(table, rate_hz, table.steps[position % len(table.steps)]).step
    assert step_for(table, rate_hz, first).step == first


@given(tables, st.lists(rates, min_size=1, max_size=30))
def test_a_rising_rate_never_steps_down_and_a_falling_one_never_up(table, seen):
    present = None
    for rate_hz in sorted(seen):
        step = step_for(table, rate_hz, present).step
        assert present is None or step.to_rate_hz >= present.to_rate_hz
        present = step
    for rate_hz in sorted(seen, reverse=True):
        step = step_for(table, rate_hz, present).step
        assert step.to_rate_hz <= present.to_rate_hz
        present = step


@pytest.mark.parametrize(
    ("rate_hz", "present", "expected"),
    [
        (20.0, None, LOW),
        (20.001, LOW, MIDDLE),
        (19.0, MIDDLE, MIDDLE),
        (18.0, MIDDLE, MIDDLE),
        (17.9, MIDDLE, LOW),
        (54.0, HIGH, HIGH),
        (53.9, HIGH, MIDDLE),
        (5.0, HIGH, LOW),
        (61.0, LOW, HIGH),
        (0.1, LOW, LOW),
        (19.0, RateStep(0.0, 40.0, at_clock(500), 1, None), LOW),
    ],
)
def test_the_borders(rate_hz, present, expected):
    assert step_for(TABLE, rate_hz, present).step == expected


def test_beyond_the_highest_proven_rate_it_is_said_that_the_slo_may_not_hold():
    chosen = step_for(TABLE, 130.0, LOW)
    assert chosen.step == HIGH
    assert "130 requests/s" in chosen.warning
    assert "120 requests/s" in chosen.warning


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, math.nan])
def test_a_rate_that_means_nothing_is_refused_in_one_sentence(rate_hz):
    with pytest.raises(BadInputError, match="above zero"):
        step_for(TABLE, rate_hz)
