"""Latencies of requests, one by one and out of a server's buckets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import Completion, Histogram, Tokens
from tuner.measuring.latencies import BucketedLatencies, SeenLatencies, above, latencies_of, percentile, summarise
from tuner.objective import LatencyMetric

BOUNDS_S = (0.01, 0.02, 0.05, 0.1, math.inf)
latencies_s = st.lists(st.floats(0.0, 0.3), min_size=1, max_size=60)


def buckets(values_s):
    counts = tuple(float(sum(value <= bound for value in values_s)) for bound in BOUNDS_S)
    return Histogram(BOUNDS_S, counts, sum(values_s))


@given(st.lists(st.floats(0, 1e3), min_size=1), st.floats(1, 99))
def test_a_percentile_is_a_value_that_was_seen_and_covers_its_share(values, percent):
    values.sort()
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-9


def test_the_three_latencies_of_an_answer_in_tokens():
    answer = Completion((1.0,), 1.5, 4.0, tokens=Tokens(first_s=2.0, count=5))
    assert latencies_of(answer, LatencyMetric.LATENCY) == [3.0]
    assert latencies_of(answer, LatencyMetric.TTFT) == [1.0]
    assert latencies_of(answer, LatencyMetric.TPOT) == [0.5]


def test_an_answer_of_one_token_has_no_time_per_further_token():
    answer = Completion((1.0,), 1.0, 4.0, tokens=Tokens(first_s=2.0, count=1))
    assert latencies_of(answer, LatencyMetric.TPOT) == []


def test_an_answer_without_tokens_has_only_its_latency():
    answer = Completion((1.0, 2.0), 2.0, 4.0)
    assert latencies_of(answer, LatencyMetric.LATENCY) == [3.0, 2.0]
    assert latencies_of(answer, LatencyMetric.TTFT) == []


@given(latencies_s, st.floats(1, 99))
def test_a_percentile_out_of_buckets_lies_in_the_bucket_of_the_true_one(values_s, percent):
    counted = BucketedLatencies()
    counted.add(buckets(values_s))
    true_s = percentile(sorted(values_s), percent)
    high = next(bound for bound in BOUNDS_S if true_s <= bound)
    low = max((bound for bound in (0.0, *BOUNDS_S) if bound < high), default=0.0)
    assert low - 1e-12 <= counted.at(percent) <= (low if math.isinf(high) else high) + 1e-12


@given(st.lists(latencies_s, min_size=1, max_size=4))
def test_buckets_of_several_stretches_add_up(stretches):
    counted, together = BucketedLatencies(), BucketedLatencies()
    for values_s in stretches:
        counted.add(buckets(values_s))
    together.add(buckets([value for values_s in stretches for value in values_s]))
    assert summarise(counted).p90_s == pytest.approx(summarise(together).p90_s)
    assert counted.mean_s() == pytest.approx(together.mean_s())


@given(latencies_s, st.floats(0.001, 0.4))
def test_what_surely_and_what_perhaps_exceeds_a_bound_enclose_what_does(values_s, bound_s):
    surely, perhaps = above(buckets(values_s), bound_s)
    assert surely <= sum(value > bound_s for value in values_s) <= perhaps


@given(latencies_s, st.sampled_from(BOUNDS_S[:-1]))
def test_at_the_edge_of_a_bucket_nothing_is_in_doubt(values_s, bound_s):
    assert above(buckets(values_s), bound_s) == (sum(value > bound_s for value in values_s),) * 2


def test_no_latency_is_none():
    assert not SeenLatencies()
    assert not BucketedLatencies()
    empty = BucketedLatencies()
    empty.add(buckets([]))
    assert not empty
