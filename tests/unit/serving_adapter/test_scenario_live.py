"""Real traffic: slices of a server's own counts, on a scripted clock."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, Histogram, Load, RequestFailedError, Traffic
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.scenario_adapters import BareAdapter, CountingServer

LIVE = Load("live", 1)


def counted(requests: float, failures: float = 0.0) -> Traffic:
    latency = Histogram((0.1, math.inf), (requests / 2, requests), requests * 0.1)
    return Traffic(requests, failures, {"latency": latency})


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=10), st.floats(0.01, 100.0))
def test_slices_count_everything_once(requests_by_slice: list[int], duration_s: float) -> None:
    totals = [7.0]
    for requests in requests_by_slice:
        totals.append(totals[-1] + requests)
    adapter = CountingServer([counted(total) for total in totals])
    generator = load_generator(adapter, LIVE)
    slices = [generator.run(duration_s) for _ in requests_by_slice]
    traffic = [stretch.traffic for stretch in slices]
    assert [each.requests for each in traffic if each is not None] == requests_by_slice
    assert [each.histograms["latency"].count for each in traffic if each is not None] == requests_by_slice
    assert all(stretch.completions == () for stretch in slices)
    for before, after in itertools.pairwise(slices):
        assert before.end_s == after.start_s
    assert all(stretch.end_s - stretch.start_s >= duration_s - 1e-9 for stretch in slices)


def test_counts_belong_to_the_middle_between_question_and_answer() -> None:
    adapter = CountingServer([counted(1), counted(2)])
    stretch = load_generator(adapter, LIVE).run(1.0)
    first_s, second_s = adapter.looked_s
    assert (stretch.start_s, stretch.end_s) == pytest.approx((first_s + 0.001, second_s + 0.001))


def test_a_look_that_fails_is_repeated() -> None:
    busy = RequestFailedError("The server did not answer in time.")
    adapter = CountingServer([busy, counted(10), busy, busy, counted(25), counted(26)])
    generator = load_generator(adapter, LIVE)
    slices = [generator.run(1.0), generator.run(1.0)]
    assert [stretch.traffic and stretch.traffic.requests for stretch in slices] == [15, 1]
    assert slices[0].end_s == slices[1].start_s


def test_looks_that_keep_failing_end_the_slice_within_a_bound_and_lose_no_count() -> None:
    gone = RequestFailedError("Nobody listens on port 8002.")
    adapter = CountingServer([counted(10), *[gone] * 4, counted(30)])
    generator = load_generator(adapter, LIVE)
    begin_s = adapter.now_s()
    with pytest.raises(AdapterError, match="Nobody listens on port 8002"):
        generator.run(1.0)
    assert adapter.now_s() - begin_s < 1.0 + 2.0
    stretch = generator.run(1.0)
    assert stretch.traffic == counted(30).since(counted(10))
    assert stretch.start_s == pytest.approx(begin_s + 0.001)


def test_a_restart_is_told_once_and_counting_starts_afresh() -> None:
    adapter = CountingServer([counted(100), counted(3), counted(8)])
    generator = load_generator(adapter, LIVE)
    with pytest.raises(AdapterError, match="started again"):
        generator.run(1.0)
    assert generator.run(1.0).traffic == counted(8).since(counted(3))


def test_what_an_adapter_knows_to_be_final_is_not_asked_again() -> None:
    adapter = CountingServer([AdapterError("The server shows no count of requests."), counted(1)])
    with pytest.raises(AdapterError, match="no count of requests"):
        load_generator(adapter, LIVE).run(1.0)
    assert len(adapter.looked_s) == 1


def test_an_adapter_without_metrics_says_so() -> None:
    with pytest.raises(AdapterError, match="'bare' cannot be measured under the scenario 'live'"):
        load_generator(BareAdapter(), LIVE).run(1.0)
