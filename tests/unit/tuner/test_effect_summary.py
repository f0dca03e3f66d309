"""What is made of an effect."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.tuner.effects import effect, ratio
from tuner.configuration import Owner, Parameter, ParameterKind
from tuner.effect_summary import HARDLY, WORTH_KNOWING, Relevance, changes, greatest_change, knee, relevance
from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.trial import Interval

CHOICES = (400, 600, 800, 1000, 1200, 1400, 1600)
KNEE = (2.0, 1.4, 1.0, 0.99, 0.98, 0.98, 0.98)


def parameter(kind: ParameterKind = ParameterKind.CLOCK) -> Parameter:
    return Parameter("cpu.core.max_mhz", "MHz", kind, CHOICES, Owner.KNOB)


@st.composite
def ratios(draw: st.DrawFn) -> Ratio:
    low, median, high = sorted(draw(st.tuples(*[st.floats(0.5, 2.0)] * 3)))
    return Ratio(median, Interval(low, high))


@st.composite
def effects(draw: st.DrawFn) -> ParameterEffect:
    lines = [tuple(draw(st.lists(ratios(), min_size=7, max_size=7))) for _ in range(2)]
    known = effect("cpu.core.max_mhz", CHOICES, [one.median for one in lines[0]], tried=draw(st.integers(1, 7)))
    return replace(known, latency_ratios=lines[0], energy_ratios=lines[1])


def widened(effect: ParameterEffect, factor: float) -> ParameterEffect:
    """The same, known less well."""

    def wider(line: tuple[Ratio, ...]) -> tuple[Ratio, ...]:
        return tuple(Ratio(one.median, Interval(one.interval.low / factor, one.interval.high * factor)) for one in line)

    return replace(effect, latency_ratios=wider(effect.latency_ratios), energy_ratios=wider(effect.energy_ratios))


@given(effects())
def test_what_does_not_matter_lies_wholly_within_the_band(effect: ParameterEffect) -> None:
    everything = (*effect.latency_ratios, *effect.energy_ratios)
    is_within = all(1 - HARDLY <= one.interval.low <= one.interval.high <= 1 + HARDLY for one in everything)
    assert relevance(effect) is not Relevance.DOES_NOT_MATTER or is_within


@given(effects())
def test_what_matters_has_a_choice_that_certainly_differs(effect: ParameterEffect) -> None:
    everything = (*effect.latency_ratios, *effect.energy_ratios)
    differs = any(one.interval.low > 1 + WORTH_KNOWING or one.interval.high < 1 - WORTH_KNOWING for one in everything)
    assert (relevance(effect) is Relevance.MATTERS) == (differs and effect.tried > 1)


@given(effects(), st.floats(1.0, 2.0))
def test_knowing_less_never_makes_a_parameter_matter(effect: ParameterEffect, factor: float) -> None:
    assume(relevance(effect) is not Relevance.MATTERS)
    assert relevance(widened(effect, factor)) is not Relevance.MATTERS


@given(effects())
def test_latency_and_energy_count_alike(effect: ParameterEffect) -> None:
    swapped = replace(effect, latency_ratios=effect.energy_ratios, energy_ratios=effect.latency_ratios)
    assert relevance(swapped) is relevance(effect)


@given(st.lists(ratios(), min_size=1))
def test_changes_hold_every_interval_and_the_greatest_is_their_farther_end(line: list[Ratio]) -> None:
    hull = changes(line)
    assert all(hull.low <= one.interval.low - 1 and one.interval.high - 1 <= hull.high for one in line)
    assert greatest_change(line) == max(abs(hull.low), abs(hull.high))


@pytest.mark.parametrize(
    ("latencies", "energies", "spread", "expected"),
    [
        ((1.0, 1.0), (1.0, 1.0), 0.04, Relevance.DOES_NOT_MATTER),
        ((1.0, 1.0), (1.0, 1.0), 0.06, Relevance.UNKNOWN),
        ((1.0, 1.0), (1.0, 1.04), 0.01, Relevance.MATTERS),
        ((1.0, 0.9), (1.0, 1.0), 0.2, Relevance.UNKNOWN),
        ((1.0, 0.9), (1.0, 1.0), 0.05, Relevance.MATTERS),
    ],
)
def test_intervals_decide(
    latencies: tuple[float, ...], energies: tuple[float, ...], spread: float, expected: Relevance
) -> None:
    assert relevance(effect("a", (1, 2), latencies, energies, spread)) is expected


def test_a_parameter_that_was_never_varied_is_not_known_whatever_the_model_says() -> None:
    assert relevance(effect("a", (1, 2), (1.0, 0.5), tried=1)) is Relevance.UNKNOWN
    assert relevance(effect("a", (1, 2), tried=1)) is Relevance.UNKNOWN


def test_a_knee_lies_where_latency_stops_to_gain() -> None:
    found = knee(effect("a", CHOICES, KNEE), parameter())
    assert found is not None
    assert found.value == 800
    assert found.gain == pytest.approx(0.02)
    assert found.gain_interval.low < 0.02 < found.gain_interval.high


@given(st.floats(0.3, 1.0), st.integers(0, 6))
def test_a_hinge_has_its_knee_at_the_hinge_or_none(elasticity: float, place: int) -> None:
    latencies = [max(CHOICES[place] / choice, 1.0) ** elasticity for choice in CHOICES]
    found = knee(effect("a", CHOICES, latencies), parameter())
    has_room = place > 0 and CHOICES[place] * 1.25 <= CHOICES[-1]
    if found is not None:
        assert abs(CHOICES.index(int(found.value)) - place) <= 1
    elif has_room:
        gain = 1 - latencies[place] / latencies[0]
        assert gain < 0.05


@given(st.floats(0.3, 1.0))
def test_a_clock_that_gains_up_to_its_end_has_no_knee(elasticity: float) -> None:
    assert knee(effect("a", CHOICES, [(400 / choice) ** elasticity for choice in CHOICES]), parameter()) is None


def test_where_much_may_be_left_to_gain_no_knee_is_told() -> None:
    known = effect("a", CHOICES, KNEE)
    vague = replace(known, latency_left=(*known.latency_left[:2], *[ratio(0.99, 0.25)] * 5))
    assert knee(vague, parameter()) is None


def test_where_little_is_known_to_be_gained_below_no_knee_is_told() -> None:
    known = effect("a", CHOICES, KNEE)
    vague = replace(known, latency_left=(ratio(0.5, 1.0), *known.latency_left[1:]))
    assert knee(vague, parameter()) is None
    assert knee(effect("a", CHOICES, KNEE, tried=1), parameter()) is None


@pytest.mark.parametrize("kind", [ParameterKind.BATCH, ParameterKind.CATEGORY, ParameterKind.INSTANCES])
def test_only_resources_have_a_knee(kind: ParameterKind) -> None:
    assert knee(effect("a", CHOICES, KNEE), parameter(kind)) is None
