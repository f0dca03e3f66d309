"""What became of requests, generated and real."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import Completion, Histogram, Slice, Tokens, Traffic
from tuner.measuring.tally import RequestTally, TrafficTally, late_requests
from tuner.objective import LatencyMetric, Slo
from tuner.trial import Verdict

P90 = Slo.parse("p90 <= 50 ms")
TTFT = Slo.parse("p90 ttft <= 100 ms")


def quick(number, start_s=0.0):
    return tuple(Completion((start_s + k,), start_s + k, start_s + k + 0.01) for k in range(number))


def failed(number):
    return tuple(Completion((float(k),), float(k), k + 0.01, "no answer") for k in range(number))


def traffic(bounds_s, counts, failures=0.0, **others):
    histogram = Histogram((*bounds_s, math.inf), counts, 1.0)
    return Slice(0.0, 10.0, (), Traffic(counts[-1], failures, {"latency": histogram}, **others))


def test_a_request_that_failed_is_late_and_no_request():
    tally = RequestTally((P90,))
    tally.add(Slice(0.0, 60.0, failed(60)))
    assert (tally.requests, tally.failed, tally.late_queries) == (0, 60, 60)
    assert tally.verdict is Verdict.INFEASIBLE
    assert tally.last_failure == "no answer"
    assert not tally.latencies(LatencyMetric.LATENCY)


def test_the_verdict_is_that_of_all_slos():
    tally = RequestTally((P90, TTFT))
    slow_start = tuple(Completion((float(k),), float(k), k + 0.04, tokens=Tokens(k + 0.2, 3)) for k in range(100))
    tally.add(Slice(0.0, 100.0, slow_start))
    assert tally.late_queries == 0
    assert tally.verdict is Verdict.INFEASIBLE


def test_an_slo_on_tokens_judges_nothing_where_there_are_none():
    tally = RequestTally((TTFT,))
    tally.add(Slice(0.0, 100.0, quick(100)))
    assert tally.verdict is Verdict.UNDECIDED
    assert tally.tokens() is None


def test_tokens_are_counted_with_their_latencies():
    tally = RequestTally((TTFT,))
    tally.add(Slice(0.0, 2.0, (Completion((0.0,), 0.0, 1.0, tokens=Tokens(0.2, 9)),)))
    tokens = tally.tokens()
    assert (tokens.tokens, tokens.throughput_hz) == (9, 4.5)
    assert tokens.ttft.p50_s == pytest.approx(0.2)
    assert tokens.tpot.p50_s == pytest.approx(0.1)


@given(waited_s=st.lists(st.floats(0.0, 0.1), min_size=1, max_size=8))
def test_a_batch_is_as_late_as_its_request_that_waited_longest(waited_s):
    """The others may be in time: requests of a batch are judged together."""
    finish_s, service_s = 1.0, 0.01
    arrivals_s = tuple(finish_s - service_s - waited for waited in waited_s)
    piece = Slice(0.0, finish_s, (Completion(arrivals_s, finish_s - service_s, finish_s),))
    tally = RequestTally((P90,))
    tally.add(piece)
    is_late = any(finish_s - arrival_s > P90.bound_s for arrival_s in arrivals_s)
    assert tally.late_queries == is_late
    assert late_requests(piece, (P90,)) == is_late * len(arrivals_s)


def test_batches_of_which_one_request_each_waits_too_long_break_the_slo():
    tally = RequestTally((P90,))
    for number in range(60):
        tally.add(Slice(number, number + 1.0, (Completion((number, number + 0.95), number + 0.95, number + 1.0),)))
    assert tally.verdict is Verdict.INFEASIBLE


def test_the_idle_share_counts_overlapping_batches_once():
    tally = RequestTally((P90,))
    tally.add(Slice(10.0, 14.0, (Completion((9.0,), 9.0, 11.0), Completion((10.5,), 10.5, 12.0))))
    assert tally.idle_share() == pytest.approx(0.5)


def test_the_buckets_of_a_server_decide_where_they_can():
    feasible, infeasible, torn = (TrafficTally((P90,)) for _ in range(3))
    feasible.add(traffic((0.02, 0.05), (0.0, 200.0, 200.0)))
    infeasible.add(traffic((0.05, 0.1), (50.0, 100.0, 100.0)))
    torn.add(traffic((0.04, 0.06), (50.0, 100.0, 100.0)))
    assert feasible.verdict is Verdict.FEASIBLE
    assert infeasible.verdict is Verdict.INFEASIBLE
    assert torn.verdict is Verdict.UNDECIDED


def test_failures_of_real_traffic_are_late():
    tally = TrafficTally((P90,))
    tally.add(traffic((0.05,), (50.0, 50.0), failures=50.0))
    assert (tally.requests, tally.failed, tally.late_queries) == (50, 50, 50)
    assert tally.verdict is Verdict.INFEASIBLE


@pytest.mark.parametrize(("busy_s", "idle"), [(None, None), (4.0, 0.6), (25.0, 0.0)])
def test_the_idle_share_of_a_server_is_what_it_says(busy_s, idle):
    tally = TrafficTally((P90,))
    tally.add(traffic((0.05,), (50.0, 50.0), busy_s=busy_s))
    assert tally.idle_share() == (None if idle is None else pytest.approx(idle))


def test_late_requests_are_those_that_broke_any_slo_or_failed():
    both = Completion((0.0, 0.0), 0.0, 0.2, tokens=Tokens(0.15, 3))
    piece = Slice(0.0, 1.0, (*quick(3), *failed(2), both))
    assert late_requests(piece, (P90, TTFT)) == 2 + 2
    assert late_requests(traffic((0.04, 0.06), (50.0, 90.0, 100.0), failures=3.0), (P90,)) == 10 + 3
