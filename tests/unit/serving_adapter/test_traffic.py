"""Counts of real traffic: what lies between two looks."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, Histogram, Traffic

BOUNDS_S = (0.1, 0.5, math.inf)
increments = st.lists(st.integers(0, 1000), min_size=3, max_size=3)


def histogram(in_each_bucket, sum_s=1.0):
    low, middle, high = in_each_bucket
    return Histogram(BOUNDS_S, (float(low), float(low + middle), float(low + middle + high)), sum_s)


@given(increments, increments)
def test_what_lies_between_two_looks_is_their_difference(earlier, more):
    both = [before + after for before, after in zip(earlier, more, strict=True)]
    first = Traffic(sum(earlier), 1.0, {"latency": histogram(earlier, 1.0)}, 10.0, 2.0)
    second = Traffic(sum(both), 4.0, {"latency": histogram(both, 3.0)}, 25.0, 2.5)
    assert second.since(first) == Traffic(sum(more), 3.0, {"latency": histogram(more, 2.0)}, 15.0, 0.5)


def test_a_histogram_that_appears_had_nothing_in_it_before():
    first, second = Traffic(0.0), Traffic(3.0, 0.0, {"ttft": histogram((1, 2, 0))})
    assert second.since(first).histograms == {"ttft": histogram((1, 2, 0))}


def test_what_a_server_does_not_count_is_not_made_up():
    assert Traffic(3.0, output_tokens=7.0).since(Traffic(1.0)).output_tokens is None


@pytest.mark.parametrize(
    "second",
    [
        Traffic(1.0),
        Traffic(9.0, histograms={"latency": histogram((0, 0, 0))}),
        Traffic(9.0, histograms={"latency": Histogram((1.0, math.inf), (9.0, 9.0), 9.0)}),
    ],
    ids=["fewer requests", "a bucket that shrank", "other buckets"],
)
def test_counts_that_go_back_are_a_server_that_was_started_again(second):
    first = Traffic(2.0, histograms={"latency": histogram((1, 1, 0))})
    with pytest.raises(AdapterError, match="started again"):
        second.since(first)


@pytest.mark.parametrize(
    ("bounds_s", "counts"),
    [
        ((0.1, 0.5), (1.0, 2.0)),
        ((0.5, 0.1, math.inf), (1.0, 2.0, 3.0)),
        ((0.1, math.inf), (2.0, 1.0)),
        ((0.1, math.inf), (-1.0, 1.0)),
        ((0.1, math.inf), (1.0, math.nan)),
        ((), ()),
    ],
)
def test_what_is_no_histogram_is_refused(bounds_s, counts):
    with pytest.raises(AdapterError, match="histogram"):
        Histogram(bounds_s, counts, 1.0)
