"""The load generators, on a scripted clock."""

import itertools
import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, Load, Slice
from serving_adapter.scenario import load_generator, poisson_offsets_s
from tests.unit.serving_adapter.scripted_adapter import ScriptedAdapter

service_times = st.lists(st.floats(0.001, 2.0), min_size=1, max_size=20)
start_times = st.floats(0.0, 1e6)
durations = st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6)
gaps = st.floats(0.0, 3.0)
batch_sizes = st.integers(1, 8)
rates = st.floats(0.5, 50.0)
seeds = st.integers(0, 2**32)


def arrivals_of(slices: list[Slice]) -> list[float]:
    return [arrival_s for stretch in slices for batch in stretch.completions for arrival_s in batch.arrivals_s]


def run_slices(adapter: ScriptedAdapter, load: Load, slice_durations_s: list[float], gap_s: float) -> list[Slice]:
    generator = load_generator(adapter, load)
    slices = []
    for duration_s in slice_durations_s:
        slices.append(generator.run(duration_s))
        adapter.idle(gap_s)
    return slices


@given(service_times, start_times, durations, gaps, batch_sizes, st.sampled_from(["multi-stream", "offline"]))
def test_back_to_back_batches_start_when_the_previous_one_is_complete(
    service_times_s: list[float],
    start_s: float,
    slice_durations_s: list[float],
    gap_s: float,
    batch_size: int,
    scenario: str,
) -> None:
    adapter = ScriptedAdapter(service_times_s, start_s)
    slices = run_slices(adapter, Load(scenario, batch_size), slice_durations_s, gap_s)
    for stretch, duration_s in zip(slices, slice_durations_s, strict=True):
        starts_s = [batch.arrivals_s[0] for batch in stretch.completions]
        finishes_s = [batch.finish_s for batch in stretch.completions]
        assert starts_s == [stretch.start_s, *finishes_s[:-1]]
        assert stretch.end_s == finishes_s[-1] >= stretch.start_s + duration_s
        assert starts_s[-1] < stretch.start_s + duration_s
        assert all(batch.arrivals_s == (batch.arrivals_s[0],) * batch_size for batch in stretch.completions)
    batches = [batch for stretch in slices for batch in stretch.completions]
    assert adapter.batches == [(batch.arrivals_s[0], batch_size) for batch in batches]


def test_a_single_stream_sends_one_item_a_query() -> None:
    stretch = load_generator(ScriptedAdapter([0.25]), Load("single-stream", 1)).run(1.0)
    assert [(batch.arrivals_s, batch.finish_s) for batch in stretch.completions] == [
        ((0.0,), 0.25),
        ((0.25,), 0.5),
        ((0.5,), 0.75),
        ((0.75,), 1.0),
    ]


@given(service_times, start_times, durations, gaps, batch_sizes, rates, seeds)
@settings(deadline=None)
def test_server_completes_the_schedule_in_order_without_loss_or_repetition(
    service_times_s: list[float],
    start_s: float,
    slice_durations_s: list[float],
    gap_s: float,
    batch_size: int,
    rate_hz: float,
    seed: int,
) -> None:
    adapter = ScriptedAdapter(service_times_s, start_s)
    slices = run_slices(adapter, Load("server", batch_size, rate_hz, seed), slice_durations_s, gap_s)
    arrivals_s = arrivals_of(slices)
    offsets_s = itertools.islice(poisson_offsets_s(rate_hz, seed), len(arrivals_s) + 1)
    *expected_s, next_s = [start_s + offset_s for offset_s in offsets_s]
    assert arrivals_s == expected_s
    assert sum(items for _, items in adapter.batches) == len(arrivals_s)
    # What is left out had not arrived, or waits behind a batch that ended the last slice.
    last = slices[-1]
    assert next_s >= last.start_s + slice_durations_s[-1] or last.end_s >= last.start_s + slice_durations_s[-1]


@given(service_times, start_times, durations, gaps, batch_sizes, rates, seeds)
@settings(deadline=None)
def test_server_latencies_are_never_negative_and_batches_never_wait_without_need(
    service_times_s: list[float],
    start_s: float,
    slice_durations_s: list[float],
    gap_s: float,
    batch_size: int,
    rate_hz: float,
    seed: int,
) -> None:
    adapter = ScriptedAdapter(service_times_s, start_s)
    slices = run_slices(adapter, Load("server", batch_size, rate_hz, seed), slice_durations_s, gap_s)
    batches = [batch for stretch in slices for batch in stretch.completions]
    starts_s = [batch_start_s for batch_start_s, _ in adapter.batches]
    for batch, batch_start_s, following in itertools.zip_longest(batches, starts_s, batches[1:]):
        assert 1 <= len(batch.arrivals_s) <= batch_size
        assert batch.arrivals_s[-1] <= batch_start_s <= batch.finish_s
        if following is not None and len(batch.arrivals_s) < batch_size:
            assert following.arrivals_s[0] > batch_start_s, "an item that waited was left behind by a batch with room"
    for stretch, duration_s in zip(slices, slice_durations_s, strict=True):
        assert stretch.end_s >= stretch.start_s + duration_s
        assert all(stretch.start_s <= batch.finish_s <= stretch.end_s for batch in stretch.completions)


@given(rates, seeds, batch_sizes)
@settings(max_examples=20, deadline=None)
def test_the_schedule_does_not_depend_on_service_times(rate_hz: float, seed: int, batch_size: int) -> None:
    load = Load("server", batch_size, rate_hz, seed)
    fast = arrivals_of([load_generator(ScriptedAdapter([1e-6]), load).run(20.0)])
    slow = arrivals_of([load_generator(ScriptedAdapter([0.7, 3.0]), load).run(20.0)])
    assert slow == fast[: len(slow)]


def test_a_stall_is_charged_to_every_request_that_arrives_meanwhile() -> None:
    adapter = ScriptedAdapter([10.0] + [0.001] * 999)
    stretch = load_generator(adapter, Load("server", 1, 10.0)).run(12.0)
    latencies_s = [batch.finish_s - batch.arrivals_s[0] for batch in stretch.completions]
    assert sum(latency_s > 5.0 for latency_s in latencies_s) > 30


def test_arrivals_go_on_through_the_gaps_between_slices() -> None:
    adapter = ScriptedAdapter([1e-6])
    generator = load_generator(adapter, Load("server", 1, 100.0))
    first = generator.run(1.0)
    adapter.idle(5.0)
    second = generator.run(1.0)
    of_the_gap = [arrival_s for arrival_s in arrivals_of([second]) if first.end_s <= arrival_s < second.start_s]
    assert 400 < len(of_the_gap) < 600


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_gaps_between_arrivals_are_exponential_at_the_rate_asked_for(seed: int) -> None:
    count, rate_hz = 20_000, 40.0
    offsets_s = list(itertools.islice(poisson_offsets_s(rate_hz, seed), count))
    gaps_s = sorted(after - before for before, after in itertools.pairwise([0.0, *offsets_s]))
    # Five standard errors: the mean of n exponential gaps has the standard error mean / sqrt(n).
    assert statistics.fmean(gaps_s) == pytest.approx(1 / rate_hz, rel=5 / math.sqrt(count))
    # Kolmogorov-Smirnov distance to the exponential distribution; 2.3 / sqrt(n) is exceeded once in 20,000 times.
    distance = max(
        max(abs((1 - math.exp(-rate_hz * gap_s)) - edge / count) for edge in (rank, rank + 1))
        for rank, gap_s in enumerate(gaps_s)
    )
    assert distance < 2.3 / math.sqrt(count)


def test_another_seed_gives_other_arrivals() -> None:
    assert next(poisson_offsets_s(1.0, 1)) != next(poisson_offsets_s(1.0, 2))


def test_a_slice_without_arrivals_lasts_its_time() -> None:
    stretch = load_generator(ScriptedAdapter([1.0]), Load("server", 1, 1e-6)).run(3.0)
    assert stretch.completions == ()
    assert stretch.end_s - stretch.start_s == pytest.approx(3.0)


def test_a_batch_that_fails_ends_the_slice_with_its_error() -> None:
    with pytest.raises(AdapterError, match="this batch fails"):
        load_generator(ScriptedAdapter([0.1], fails_at=3), Load("offline", 2)).run(1.0)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (Load("live", 1), "no load is generated"),
        (Load("tidal", 1), "'tidal' is unknown"),
        (Load("single-stream", 4), "one item a query"),
        (Load("offline", 0), "at least one"),
        (Load("server", 1), "arrival rate above zero"),
        (Load("server", 1, 0.0), "arrival rate above zero"),
        (Load("server", 1, math.inf), "arrival rate above zero"),
        (Load("server", 1, math.nan), "arrival rate above zero"),
    ],
)
def test_a_load_that_means_nothing_is_refused_in_one_sentence(load: Load, message: str) -> None:
    with pytest.raises(AdapterError, match=message) as refusal:
        load_generator(ScriptedAdapter([1.0]), load)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.inf, math.nan])
def test_a_duration_that_means_nothing_is_refused(duration_s: float) -> None:
    with pytest.raises(AdapterError, match="above zero"):
        load_generator(ScriptedAdapter([1.0]), Load("offline", 1)).run(duration_s)
