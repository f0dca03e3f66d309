import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measuring.streams import autoregressive
from tuner.measuring.confidence.dependence import BatchLadder


def ladder_of(amounts, sizes=None):
    ladder = BatchLadder()
    for amount, size in zip(amounts, sizes or [1.0] * len(amounts), strict=True):
        ladder.add(amount, size)
    return ladder


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5, 0.8])
def test_the_inflation_of_an_autoregressive_series_is_that_of_the_formula(correlation):
    series = autoregressive(np.random.default_rng(1), 1, 40_000, correlation)[0]
    assert ladder_of(series.tolist()).inflation() == pytest.approx((1 + correlation) / (1 - correlation), rel=0.12)


def test_what_alternates_is_not_inflated():
    assert ladder_of([1.0, -1.0] * 100).inflation() == 1.0


def test_a_constant_stream_is_not_inflated():
    assert ladder_of([0.1] * 100).inflation() == 1.0


def test_independent_streams_lose_little():
    series = np.random.default_rng(2).random((300, 500)) < 0.1
    assert np.mean([ladder_of(each.astype(float).tolist()).inflation() for each in series]) < 1.1


def test_whether_amounts_follow_sizes_is_no_dependence():
    sizes = [100.0 + 50.0 * (index % 40 < 20) for index in range(400)]
    noise = np.random.default_rng(3).standard_normal(400)
    amounts = [2.0 * size + float(each) for size, each in zip(sizes, noise, strict=True)]
    assert ladder_of(amounts, sizes).inflation() < 1.3


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 10)), min_size=1, max_size=100))
def test_sums_are_those_of_all_pieces_and_squares_those_of_their_residuals(pieces):
    ladder = ladder_of([amount for amount, _ in pieces], [size for _, size in pieces])
    ratio = sum(amount for amount, _ in pieces) / sum(size for _, size in pieces)
    assert ladder.pieces == len(pieces)
    assert ladder.ratio == pytest.approx(ratio)
    assert ladder.squares() == pytest.approx(
        sum((amount - ratio * size) ** 2 for amount, size in pieces), rel=1e-6, abs=1e-6
    )
    assert ladder.inflation() >= 1.0
