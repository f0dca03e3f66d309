"""Closed loops in the caller's thread, on a scripted clock."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, Load, RequestFailedError
from serving_adapter.scenario import load_generator
from tests.unit.serving_adapter.scripted_adapter import ScriptedAdapter, run_slices


class FailingFrom(ScriptedAdapter):
    """Every batch fails from one on, until another; failing takes no time."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__([0.01])
        self._failing = range(first, last)
        self.attempts_s: list[float] = []

    def infer(self, items: int) -> None:
        self.attempts_s.append(self.now_s())
        if len(self.attempts_s) - 1 in self._failing:
            raise RequestFailedError("The server is busy.")
        super().infer(items)


@given(
    st.lists(st.floats(0.001, 2.0), min_size=1, max_size=20),
    st.floats(0.0, 1e6),
    st.lists(st.floats(0.01, 5.0), min_size=1, max_size=6),
    st.floats(0.0, 3.0),
    st.integers(1, 8),
    st.sampled_from(["multi-stream", "offline"]),
)
def test_batches_start_when_the_previous_one_is_complete(
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
        assert stretch.under_way_since_s is None
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


def test_what_nothing_can_follow_ends_the_slice_with_its_error() -> None:
    with pytest.raises(AdapterError, match="this batch fails"):
        load_generator(ScriptedAdapter([0.1], fails_at=3), Load("offline", 2)).run(1.0)


def test_a_batch_that_fails_is_a_completion_with_its_reason() -> None:
    stretch = load_generator(FailingFrom(1, 3), Load("offline", 2)).run(0.03)
    assert [batch.failure for batch in stretch.completions][:4] == ["", *["The server is busy."] * 2, ""]
    assert all(len(batch.arrivals_s) == 2 for batch in stretch.completions)


def test_pauses_after_failures_grow_up_to_a_bound_and_end_with_a_success() -> None:
    adapter = FailingFrom(1, 13)
    stretch = load_generator(adapter, Load("offline", 1)).run(1.5)
    pauses_s = [
        after.start_s - before.finish_s for before, after in itertools.pairwise(stretch.completions) if before.failure
    ]
    assert pauses_s == pytest.approx([0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, *[0.25] * 4])
    after_recovery = [batch for batch in stretch.completions if not batch.failure][1:]
    assert len(after_recovery) > 1
    assert [batch.start_s for batch in after_recovery[1:]] == [batch.finish_s for batch in after_recovery[:-1]]


def test_items_arrive_after_the_pause_which_is_ours_and_not_the_servers() -> None:
    stretch = load_generator(FailingFrom(0, 5), Load("offline", 1)).run(0.2)
    assert all(batch.start_s == batch.arrivals_s[0] for batch in stretch.completions)


def test_a_server_that_fails_everything_cannot_make_us_spin() -> None:
    adapter = FailingFrom(1, 10**9)
    load_generator(adapter, Load("offline", 1)).run(60.0)
    assert len(adapter.attempts_s) < 60 * 4 + 20
