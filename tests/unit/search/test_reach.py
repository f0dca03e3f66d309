"""Stepping outwards from what is proven."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.search.grids import spaces
from tests.unit.search.records import SPACE, batch, clock, governor, objective
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.objective import Objective, Scenario
from tuner.search.encoding import Encoding
from tuner.search.rates import RATE, with_rates
from tuner.search.reach import Reach


def within(space: ConfigurationSpace, max_steps: int | None, *proven: Configuration) -> set[Configuration]:
    encoding = Encoding(space)
    everything = list(space)
    holds = Reach(space, encoding, max_steps).holds(encoding.encode(everything), proven)
    return {one for one, is_near in zip(everything, holds.tolist(), strict=True) if is_near}


def steps(space: ConfigurationSpace, one: Configuration, other: Configuration) -> int:
    """Most choices between two configurations, of any parameter that has an order."""
    return max(
        (
            abs(parameter.choices.index(one[parameter.id]) - parameter.choices.index(other[parameter.id]))
            for parameter in space.parameters
            if not isinstance(parameter.choices[0], str)
        ),
        default=0,
    )


@given(spaces(), st.integers(0, 3), st.data())
def test_what_is_within_reach_is_a_few_choices_from_any_proven_configuration(
    space: ConfigurationSpace, max_steps: int, data: st.DataObject
) -> None:
    everything = list(space)
    if not everything:
        return
    proven = data.draw(st.lists(st.sampled_from(everything), min_size=1, max_size=3))
    expected = {one for one in everything if any(steps(space, one, other) <= max_steps for other in proven)}
    assert within(space, max_steps, *proven) == expected


def test_with_nothing_proven_or_no_limit_everything_is_within_reach() -> None:
    assert within(SPACE, 1) == set(SPACE)
    assert within(SPACE, None, next(iter(SPACE))) == set(SPACE)


def test_another_category_is_no_step_too_far() -> None:
    space = ConfigurationSpace((clock(), governor()))
    proven = Configuration({"gpu.core.max_mhz": 306, "cpu.governor": "ondemand"})
    near = within(space, 1, proven)
    assert {one["cpu.governor"] for one in near} == {"ondemand", "performance", "schedutil"}
    assert {one["gpu.core.max_mhz"] for one in near} == {306, 408}


def test_what_holds_at_one_rate_is_near_at_any() -> None:
    asked = Objective(Scenario.SERVER, objective().slos, arrival_rates_hz=(5.0, 10.0, 20.0, 40.0, 80.0))
    space = with_rates(ConfigurationSpace((clock(), batch())), asked)
    near = within(space, 1, Configuration({"gpu.core.max_mhz": 1300, "batch_size": 1, RATE: 5.0}))
    assert {one[RATE] for one in near} == set(asked.arrival_rates_hz)
    assert {one["batch_size"] for one in near} == {1, 2}


def test_a_baseline_between_the_choices_counts_as_the_nearest() -> None:
    space = ConfigurationSpace((clock(),))
    near = within(space, 1, Configuration({"gpu.core.max_mhz": 1010}))
    assert {one["gpu.core.max_mhz"] for one in near} == {918, 1020, 1122}
