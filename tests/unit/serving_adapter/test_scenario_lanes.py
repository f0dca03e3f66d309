"""Load in threads, against an adapter whose batches a test lets go one by one."""

import itertools
import threading
import time

import pytest

from serving_adapter.contract import AdapterError, Completion, Load, RequestFailedError, Slice, Tokens
from serving_adapter.scenario import LoadGenerator, failures, poisson_offsets_s
from serving_adapter.scenario import lanes as lanes_module
from tests.unit.serving_adapter.scenario_adapters import (
    PATIENCE_S,
    AnsweringAdapter,
    BareAdapter,
    GatedAdapter,
    flowing,
)

SHORT_S = 0.01
OFTEN_HZ = 10_000.0


def run_until(generator: LoadGenerator, completions: int) -> list[Slice]:
    """Runs slices until so many batches have come to their end."""
    slices = [generator.run(SHORT_S)]
    deadline_s = time.monotonic() + PATIENCE_S
    while sum(len(stretch.completions) for stretch in slices) < completions:
        assert time.monotonic() < deadline_s, "the batches did not come to their end"
        slices.append(generator.run(SHORT_S))
    return slices


def batches_of(slices: list[Slice]) -> list[Completion]:
    return [batch for stretch in slices for batch in stretch.completions]


@pytest.mark.parametrize("load", [Load("offline", 2), Load("server", 1, OFTEN_HZ)])
def test_as_many_batches_are_under_way_as_the_adapter_takes(load: Load) -> None:
    adapter = GatedAdapter(4)
    with flowing(adapter, load) as generator:
        generator.run(SHORT_S)
        calls = adapter.next_calls(4)
        generator.run(SHORT_S)
        assert adapter.is_quiet
        assert len({call.thread for call in calls}) == 4
        calls[2].answer()
        adapter.next_call()
        assert adapter.is_quiet


@pytest.mark.parametrize("load", [Load("single-stream", 1), Load("multi-stream", 3)])
def test_a_stream_has_one_query_outstanding(load: Load) -> None:
    adapter = GatedAdapter(4)
    with flowing(adapter, load) as generator:
        generator.run(SHORT_S)
        call = adapter.next_call()
        generator.run(SHORT_S)
        assert adapter.is_quiet
        assert call.items == load.batch_size
        call.answer()
        adapter.next_call()


def test_load_flows_on_between_slices_and_no_completion_is_lost() -> None:
    adapter = GatedAdapter(2)
    with flowing(adapter, Load("offline", 1)) as generator:
        first = generator.run(SHORT_S)
        one, other = adapter.next_calls(2)
        assert (first.completions, first.under_way_since_s is None) == ((), False)
        for _ in range(10):  # nobody runs a slice meanwhile
            one.answer()
            one = adapter.next_call()
        slices = run_until(generator, 10)
        assert slices[0].start_s == first.end_s
        assert len(batches_of(slices)) == 10
        assert slices[-1].under_way_since_s is not None
        assert slices[-1].under_way_since_s < batches_of(slices)[1].start_s, "the other batch began before it"
        other.answer()


def test_slices_follow_each_other_and_completions_are_within_them_in_order() -> None:
    adapter = AnsweringAdapter(3, lambda _: time.sleep(0.0001))
    with flowing(adapter, Load("offline", 1)) as generator:
        slices = run_until(generator, 100)
    for before, after in itertools.pairwise(slices):
        assert before.end_s == after.start_s
    for stretch in slices:
        finishes_s = [batch.finish_s for batch in stretch.completions]
        assert finishes_s == sorted(finishes_s)
        assert all(stretch.start_s <= finish_s <= stretch.end_s for finish_s in finishes_s)
    for batch in batches_of(slices):
        assert batch.arrivals_s[0] <= batch.start_s <= batch.finish_s - 0.0001


def test_every_arrival_of_the_schedule_is_completed_once() -> None:
    load = Load("server", 4, 5000.0, seed=11, batch_wait_s=0.001)
    with flowing(BareAdapter(3), load) as generator:
        slices = run_until(generator, 100)
    arrivals_s = [arrival_s for batch in batches_of(slices) for arrival_s in batch.arrivals_s]
    scheduled_s = [slices[0].start_s + offset_s for offset_s in itertools.islice(poisson_offsets_s(5000.0, 11), 10_000)]
    due_s = {instant_s for instant_s in scheduled_s if instant_s <= max(arrivals_s)}
    assert len(arrivals_s) == len(set(arrivals_s))
    assert set(arrivals_s) <= due_s
    assert len(due_s) - len(arrivals_s) <= 3 * load.batch_size, "only what is under way at the end may be missing"
    assert all(batch.arrivals_s[-1] <= batch.start_s for batch in batches_of(slices))


def test_items_wait_in_the_queue_while_no_lane_is_free_and_the_wait_is_latency() -> None:
    adapter = GatedAdapter(2)
    with flowing(adapter, Load("server", 1, OFTEN_HZ)) as generator:
        begin = generator.run(SHORT_S)
        one, _ = adapter.next_calls(2)
        generator.run(5 * SHORT_S)
        one.answer()
        third = adapter.next_call()
        third.answer()
        delayed = batches_of(run_until(generator, 2))[1]
        offsets_s = list(itertools.islice(poisson_offsets_s(OFTEN_HZ, 0), 3))
        assert delayed.arrivals_s == (begin.start_s + offsets_s[2],)
        assert delayed.start_s - delayed.arrivals_s[0] > 4 * SHORT_S


def test_one_lane_goes_on_sending_while_nobody_runs_a_slice() -> None:
    adapter = GatedAdapter(1)
    adapter.is_thread_bound = False
    with flowing(adapter, Load("server", 1, OFTEN_HZ)) as generator:
        first = generator.run(SHORT_S)
        for _ in range(5):
            adapter.next_call().answer()
        (second,) = run_until(generator, 5)[:1]
        assert second.start_s == first.end_s


def test_items_that_wait_make_full_batches() -> None:
    adapter = GatedAdapter(2)
    with flowing(adapter, Load("server", 8, OFTEN_HZ, batch_wait_s=0.0)) as generator:
        generator.run(SHORT_S)
        calls = adapter.next_calls(2)
        generator.run(5 * SHORT_S)
        for call in calls:
            call.answer()
        assert [call.items for call in adapter.next_calls(2)] == [8, 8]


def test_the_lane_that_became_free_last_is_used_first() -> None:
    """At a low rate two lanes take turns (one works, one waits), however many there are."""
    used: list[threading.Thread] = []
    with flowing(
        AnsweringAdapter(16, lambda _: used.append(threading.current_thread())), Load("server", 1, 200.0)
    ) as generator:
        run_until(generator, 40)
        assert sum(thread.name.startswith("lane") for thread in threading.enumerate()) == 16
    assert len(set(used)) < 16


def test_a_request_that_fails_is_a_completion_and_load_flows_on() -> None:
    adapter = GatedAdapter(2)
    with flowing(adapter, Load("offline", 1)) as generator:
        generator.run(SHORT_S)
        adapter.next_call().answer(RequestFailedError("The server is busy."))
        batches = batches_of(run_until(generator, 1))
        assert [batch.failure for batch in batches] == ["The server is busy."]
        adapter.next_call().answer(Tokens(1.5, 7))
        assert batches_of(run_until(generator, 1))[0].tokens == Tokens(1.5, 7)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AdapterError("The model is gone."), "The model is gone."),
        (ValueError("a bug"), "a bug"),
        (SystemExit("enough"), "enough"),
    ],
)
def test_an_error_that_nothing_can_follow_ends_the_load_and_is_raised(error: BaseException, expected: str) -> None:
    adapter = GatedAdapter(3)
    with flowing(adapter, Load("offline", 1)) as generator:
        generator.run(SHORT_S)
        calls = adapter.next_calls(3)
        calls[0].answer(error)
        calls[0].thread.join(PATIENCE_S)
        for _ in range(2):
            with pytest.raises(type(error), match=expected):
                generator.run(PATIENCE_S)
        calls[1].answer()
        calls[1].thread.join(PATIENCE_S)
        assert adapter.is_quiet, "nothing is sent any more"
        calls[2].answer()


def test_an_error_in_the_middle_of_a_slice_ends_it_at_once() -> None:
    def fail(_: int) -> None:
        raise AdapterError("The model is gone.")

    started_s = time.monotonic()
    one_soon = Load("server", 1, 5.0)
    with flowing(AnsweringAdapter(2, fail), one_soon) as generator, pytest.raises(AdapterError, match="model is gone"):
        generator.run(PATIENCE_S)
    assert time.monotonic() - started_s < PATIENCE_S / 2


def test_a_server_that_fails_everything_ends_the_load_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_FUTILE_S", 0.2)
    attempts = itertools.count()

    def fail(_: int) -> None:
        next(attempts)
        raise RequestFailedError("Nobody listens on port 8000.")

    reason = r"batches of the workload 'bare' failed.*Nobody listens on port 8000\."
    with flowing(AnsweringAdapter(8, fail), Load("offline", 1)) as generator, pytest.raises(AdapterError, match=reason):
        generator.run(PATIENCE_S)
    assert next(attempts) < 8 * 20


def test_stopping_waits_for_what_is_under_way() -> None:
    adapter = GatedAdapter(2)
    with flowing(adapter, Load("offline", 1)) as generator:
        generator.run(SHORT_S)
        calls = adapter.next_calls(2)
        stopping = threading.Thread(target=generator.stop)
        stopping.start()
        stopping.join(10 * SHORT_S)
        assert stopping.is_alive()
        for call in calls:
            call.answer()
        stopping.join(PATIENCE_S)
        assert not stopping.is_alive()
        assert adapter.is_quiet
        with pytest.raises(AdapterError, match="was ended"):
            generator.run(SHORT_S)


def test_stopping_gives_up_on_a_batch_that_hangs_and_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "_STOP_TIMEOUT_S", 0.05)
    adapter = GatedAdapter(3)
    with flowing(adapter, Load("offline", 1)) as generator:
        generator.run(SHORT_S)
        calls = adapter.next_calls(3)
        calls[0].answer()
        adapter.next_call().answer(AdapterError("The connection was closed."))
        with pytest.raises(AdapterError, match=r"2 batches of the workload 'bare' are still under way 0\.05 s after"):
            generator.stop()
        for call in calls[1:]:
            call.answer()
            call.thread.join(PATIENCE_S)
        generator.stop()


@pytest.mark.parametrize("scenario", ["offline", "server"])
def test_stopping_what_never_ran_or_has_stopped_is_harmless(scenario: str) -> None:
    with flowing(BareAdapter(4), Load(scenario, 1, 1.0)) as generator:
        generator.stop()
        generator.stop()
        with pytest.raises(AdapterError, match="was ended"):
            generator.run(SHORT_S)


def test_stopping_does_not_wait_for_the_next_arrival() -> None:
    started_s = time.monotonic()
    with flowing(BareAdapter(4), Load("server", 1, 1e-6)) as generator:
        assert generator.run(SHORT_S).completions == ()
    assert time.monotonic() - started_s < PATIENCE_S


def test_a_machine_that_starts_no_more_threads_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    started = itertools.count()

    class Scarce(threading.Thread):
        def start(self) -> None:
            if next(started) == 5:
                raise RuntimeError("can't start new thread")
            super().start()

    monkeypatch.setattr(threading, "Thread", Scarce)
    reason = r"needs 64 threads.*no more than 5: lower its concurrency\."
    with flowing(BareAdapter(64), Load("offline", 1)) as generator, pytest.raises(AdapterError, match=reason):
        generator.run(SHORT_S)
