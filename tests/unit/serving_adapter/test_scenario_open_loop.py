"""The open loop in the caller's thread, on a scripted clock."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_adapter.contract import Completion, Load, RequestFailedError, Slice
from serving_adapter.scenario import load_generator, poisson_offsets_s
from tests.unit.serving_adapter.scripted_adapter import ScriptedAdapter, run_slices

service_times = st.lists(st.floats(0.001, 2.0), min_size=1, max_size=20)
durations = st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6)
rates = st.floats(0.5, 50.0)
seeds = st.integers(0, 2**32)
loads = st.builds(
    Load,
    scenario=st.just("server"),
    batch_size=st.integers(1, 8),
    rate_hz=rates,
    seed=seeds,
    batch_wait_s=st.one_of(st.just(0.0), st.floats(0.0, 1.0)),
)


def batches_of(slices: list[Slice]) -> list[Completion]:
    return [batch for stretch in slices for batch in stretch.completions]


def arrivals_of(slices: list[Slice]) -> list[float]:
    return [arrival_s for batch in batches_of(slices) for arrival_s in batch.arrivals_s]


def gaps_before_s(slices: list[Slice]) -> list[float]:
    """Returns for how long nobody ran a slice, up to the begin of each."""
    gaps_s = [after.start_s - before.end_s for before, after in itertools.pairwise(slices)]
    return list(itertools.accumulate(gaps_s, initial=0.0))


def schedule_s(load: Load, start_s: float, count: int) -> list[float]:
    assert load.rate_hz is not None
    return [start_s + offset_s for offset_s in itertools.islice(poisson_offsets_s(load.rate_hz, load.seed), count)]


@given(service_times, st.floats(0.0, 1e6), durations, st.floats(0.0, 3.0), loads)
@settings(deadline=None)
def test_every_arrival_is_completed_once_and_in_order_by_a_schedule_that_stands_still_between_slices(
    service_times_s: list[float], start_s: float, slice_durations_s: list[float], gap_s: float, load: Load
) -> None:
    adapter = ScriptedAdapter(service_times_s, start_s)
    slices = run_slices(adapter, load, slice_durations_s, gap_s)
    scheduled_s = iter(schedule_s(load, start_s, len(arrivals_of(slices)) + 1))
    for stretch, stood_still_s in zip(slices, gaps_before_s(slices), strict=True):
        arrivals_s = arrivals_of([stretch])
        expected_s = [instant_s + stood_still_s for instant_s in itertools.islice(scheduled_s, len(arrivals_s))]
        assert arrivals_s == pytest.approx(expected_s, abs=1e-6)
    assert sum(items for _, items in adapter.batches) == len(arrivals_of(slices))
    # What is left out had not arrived, waits for its batch to fill, or waits behind one that ended the last slice.
    last = slices[-1]
    end_s = last.start_s + slice_durations_s[-1]
    next_s = next(scheduled_s) + gaps_before_s(slices)[-1]
    assert next_s + load.batch_wait_s >= end_s - 1e-6 or last.end_s >= end_s


@given(service_times, st.floats(0.0, 1e6), durations, st.floats(0.0, 3.0), loads)
@settings(deadline=None)
def test_latency_covers_waiting_and_service(
    service_times_s: list[float], start_s: float, slice_durations_s: list[float], gap_s: float, load: Load
) -> None:
    adapter = ScriptedAdapter(service_times_s, start_s)
    slices = run_slices(adapter, load, slice_durations_s, gap_s)
    batches = batches_of(slices)
    for batch, service_s in zip(batches, itertools.cycle(service_times_s)):
        assert 1 <= len(batch.arrivals_s) <= load.batch_size
        assert batch.arrivals_s[-1] <= batch.start_s
        assert batch.finish_s - batch.start_s == pytest.approx(service_s, abs=1e-9)
    for stretch, duration_s in zip(slices, slice_durations_s, strict=True):
        assert stretch.end_s >= stretch.start_s + duration_s
        assert all(stretch.start_s <= batch.finish_s <= stretch.end_s for batch in stretch.completions)


@given(service_times, loads)
@settings(deadline=None)
def test_a_batch_goes_as_soon_as_it_is_full_or_its_first_item_has_waited_enough(
    service_times_s: list[float], load: Load
) -> None:
    batches = batches_of(run_slices(ScriptedAdapter(service_times_s), load, [30.0], 0.0))
    arrivals_s = iter(schedule_s(load, 0.0, 2000))
    free_s = 0.0
    for batch in batches:
        first_s, *others_s = batch.arrivals_s
        expired_s = first_s + load.batch_wait_s
        full_s = batch.arrivals_s[-1] if len(batch.arrivals_s) == load.batch_size else expired_s
        assert batch.start_s == pytest.approx(max(free_s, min(expired_s, full_s)), abs=1e-9)
        assert batch.arrivals_s == (next(arrivals_s), *itertools.islice(arrivals_s, len(others_s)))
        free_s = batch.finish_s


@given(service_times, loads)
@settings(deadline=None)
def test_no_item_that_has_arrived_is_left_behind_by_a_batch_with_room(service_times_s: list[float], load: Load) -> None:
    batches = batches_of(run_slices(ScriptedAdapter(service_times_s), load, [30.0], 0.0))
    for batch, following in itertools.pairwise(batches):
        if len(batch.arrivals_s) < load.batch_size:
            assert following.arrivals_s[0] > batch.start_s


def test_the_wait_for_a_batch_to_fill_is_latency() -> None:
    load = Load("server", 4, 1.0, batch_wait_s=0.25)
    batches = batches_of(run_slices(ScriptedAdapter([1e-3]), load, [500.0], 0.0))
    alone = [batch for batch in batches if len(batch.arrivals_s) == 1]
    assert len(alone) > 100
    assert all(batch.start_s - batch.arrivals_s[0] == pytest.approx(0.25, abs=2e-3) for batch in alone)
    assert any(len(batch.arrivals_s) > 1 for batch in batches)


@given(rates, seeds, st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_the_schedule_does_not_depend_on_service_times(rate_hz: float, seed: int, batch_size: int) -> None:
    load = Load("server", batch_size, rate_hz, seed)
    fast = arrivals_of(run_slices(ScriptedAdapter([1e-6]), load, [20.0], 0.0))
    slow = arrivals_of(run_slices(ScriptedAdapter([0.7, 3.0]), load, [20.0], 0.0))
    assert slow == fast[: len(slow)]


def test_a_stall_is_charged_to_every_request_that_arrives_meanwhile() -> None:
    adapter = ScriptedAdapter([10.0] + [0.001] * 999)
    stretch = load_generator(adapter, Load("server", 1, 10.0)).run(12.0)
    latencies_s = [batch.finish_s - batch.arrivals_s[0] for batch in stretch.completions]
    assert sum(latency_s > 5.0 for latency_s in latencies_s) > 30


def test_nothing_arrives_while_nobody_serves_and_what_waited_already_waits_no_longer() -> None:
    load = Load("server", 1, 100.0)
    paused, steady = ScriptedAdapter([0.015]), ScriptedAdapter([0.015])
    generator, reference = load_generator(paused, load), load_generator(steady, load)
    slices = []
    for _ in range(20):
        slices.append(generator.run(1.0))
        paused.idle(5.0)
    assert len(arrivals_of(slices)) > 1000
    # More arrives than can be served, so that items wait at the end of each slice.
    latencies_s = [batch.finish_s - batch.arrivals_s[0] for batch in batches_of(slices)]
    wanted_s = [
        batch.finish_s - batch.arrivals_s[0]
        for batch in batches_of([reference.run(stretch.end_s - stretch.start_s) for stretch in slices])
    ]
    assert latencies_s == pytest.approx(wanted_s[: len(latencies_s)], abs=1e-6)
    assert max(latencies_s) > 5.0


def test_slices_without_a_gap_leave_the_schedule_exactly_as_it_is() -> None:
    load = Load("server", 3, 40.0, seed=2)
    slices = run_slices(ScriptedAdapter([0.02]), load, [0.1] * 50, 0.0)
    arrivals_s = arrivals_of(slices)
    assert arrivals_s == schedule_s(load, 0.0, len(arrivals_s))


def test_a_slice_without_arrivals_lasts_its_time() -> None:
    stretch = load_generator(ScriptedAdapter([1.0]), Load("server", 1, 1e-6)).run(3.0)
    assert stretch.completions == ()
    assert stretch.end_s - stretch.start_s == pytest.approx(3.0)


def test_failures_do_not_hold_back_arrivals() -> None:
    class Flapping(ScriptedAdapter):
        def infer(self, items: int) -> None:
            super().infer(items)
            if len(self.batches) % 3:
                raise RequestFailedError("The server is busy.")

    load = Load("server", 1, 50.0, 5)
    batches = batches_of(run_slices(Flapping([1e-6]), load, [20.0], 0.0))
    assert sum(batch.failure == "The server is busy." for batch in batches) == len(batches) - len(batches) // 3
    assert [batch.start_s for batch in batches] == pytest.approx(schedule_s(load, 0.0, len(batches)), abs=1e-5)
