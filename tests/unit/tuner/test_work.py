"""Requests counted between any two instants."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import Completion, Slice
from tuner.measuring.work import WorkDone, busy_s


def done(*completions: Completion) -> WorkDone:
    work = WorkDone()
    work.add(Slice(0.0, 100.0, completions))
    return work


def test_a_batch_that_an_instant_cuts_counts_in_part():
    work = done(Completion((0.0,) * 4, 0.0, 1.0), Completion((1.0,) * 4, 1.0, 3.0))
    assert work.items_between(0.0, 3.0) == 8
    assert work.items_between(0.5, 2.0) == 2 + 2
    assert work.items_between(2.0, 9.0) == 2


def test_waiting_is_not_work():
    """The second query arrived with the first and waited; nothing was worked on between 2 and 5."""
    work = done(Completion((0.0,), 0.0, 1.0), Completion((0.0,), 1.0, 2.0), Completion((5.0,), 5.0, 6.0))
    assert work.items_between(1.0, 2.0) == 1
    assert work.items_between(2.0, 5.0) == 0
    assert work.items_between(5.0, 5.5) == 0.5


def test_batches_that_are_under_way_at_once_each_count():
    work = done(Completion((0.0,), 0.0, 2.0), Completion((0.0,) * 3, 1.0, 4.0))
    assert work.items_between(0.0, 1.0) == 0.5
    assert work.items_between(1.0, 2.0) == 0.5 + 1
    assert work.items_between(0.0, 4.0) == 4


def test_what_failed_was_no_work():
    work = done(Completion((0.0,), 0.0, 1.0, failure="no answer"), Completion((1.0,), 1.0, 2.0))
    assert work.items_between(0.0, 2.0) == 1


@given(
    batches=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3), st.integers(1, 9)), max_size=20),
    cut=st.floats(-1, 15),
)
def test_overlapping_batches_are_counted_as_one_by_one(batches, cut):
    """The quick way of counting agrees with looking at every batch."""
    completions = sorted(
        (Completion((start_s,) * items, start_s, start_s + length_s) for start_s, length_s, items in batches),
        key=lambda completion: completion.finish_s,
    )

    def share(batch):
        if cut >= batch.finish_s:
            return 1.0
        if cut <= batch.start_s:
            return 0.0
        return max(0.0, cut - batch.start_s) / (batch.finish_s - batch.start_s)

    expected = sum(share(batch) * len(batch.arrivals_s) for batch in completions)
    assert done(*completions).items_between(-2.0, cut) == pytest.approx(expected)


def test_busy_time_counts_once_what_overlaps():
    assert busy_s([]) == 0.0
    assert busy_s([(2.0, 3.0), (0.0, 1.0), (0.5, 1.5), (0.6, 0.7)]) == 2.5


def test_nothing_done_is_nothing_counted():
    assert WorkDone().items_between(0.0, 1.0) == 0.0


@given(
    batches=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2), st.integers(1, 9)), max_size=20),
    cuts=st.lists(st.floats(-1, 100), min_size=1, max_size=8),
)
def test_pieces_add_up_to_the_whole(batches, cuts):
    work, now_s, total = WorkDone(), 0.0, 0
    for pause_s, length_s, items in batches:
        begin_s, now_s, total = now_s + pause_s, now_s + pause_s + length_s, total + items
        work.add(Slice(begin_s, now_s, (Completion((begin_s,) * items, begin_s, now_s),)))
    edges = sorted([-2.0, *cuts, 200.0])
    pieces = [work.items_between(start_s, end_s) for start_s, end_s in pairwise(edges)]
    assert all(piece >= -1e-9 for piece in pieces)
    assert sum(pieces) == pytest.approx(total)
