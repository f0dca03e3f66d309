"""What axes show, and on which scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report.axes import LOGARITHMIC_RATIO, Unit, axis_over, logarithmic_ticks, unit_for

_JOULES = Unit(1.0, "J")
_positive = st.floats(min_value=1e-6, max_value=1e6)


def test_an_axis_is_linear_up_to_the_ratio_and_logarithmic_beyond() -> None:
    assert not axis_over([1.0, LOGARITHMIC_RATIO], [], _JOULES).logarithmic
    assert axis_over([1.0, LOGARITHMIC_RATIO * 1.01], [], _JOULES).logarithmic


def test_a_logarithmic_axis_says_so_and_a_linear_one_does_not() -> None:
    assert axis_over([7.7, 129.0], [], _JOULES).scale_remark == ", logarithmic"
    assert axis_over([4.4, 5.0], [], _JOULES).scale_remark == ""


def test_zero_has_no_logarithm() -> None:
    axis = axis_over([0.0, 100.0], [], _JOULES)
    assert not axis.logarithmic
    assert axis.low == 0.0


@given(st.lists(_positive, min_size=1, max_size=8), st.lists(_positive, max_size=8))
def test_what_is_of_interest_is_shown_and_fills_a_third_of_the_axis_at_least(
    interest: list[float], others: list[float]
) -> None:
    axis = axis_over(interest, others, _JOULES)
    shares = [axis.share(value) for value in interest]
    assert all(map(axis.holds, interest))
    assert min(interest) == max(interest) or max(shares) - min(shares) > 1 / 3


def test_an_outlier_is_left_out_and_a_neighbour_is_shown() -> None:
    axis = axis_over([4.43, 5.0], [5.05, 24.0], _JOULES)
    assert axis.holds(5.05)
    assert not axis.holds(24.0)


def test_numbers_that_are_all_the_same_have_an_axis() -> None:
    axis = axis_over([3.0, 3.0], [], _JOULES)
    assert axis.low < 3.0 < axis.high


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (7.2, 150.0, (10, 20, 50, 100)),
        (6.0, 900.0, (10, 20, 50, 100, 200, 500)),
        (22.0, 240.0, (30, 50, 70, 100, 200)),
        (0.8, 2e5, (1, 10, 100, 1000, 10_000, 100_000)),
    ],
)
def test_logarithmic_ticks_are_round(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert logarithmic_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(("smallest", "symbol"), [(7.7, "J"), (0.11, "mJ"), (4e-5, "µJ"), (3e-9, "nJ")])
def test_a_unit_leaves_no_number_below_one(smallest: float, symbol: str) -> None:
    assert unit_for([smallest, smallest * 50], "J").symbol == symbol
