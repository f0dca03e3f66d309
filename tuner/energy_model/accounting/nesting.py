"""Which event runs within which: on a thread, events nest, and the innermost one is what runs.

Everything is done for all events at once, since a trace may hold millions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tuner.energy_model.accounting.timeline import NONE, Integers, Truths

_LARGEST_KEY = 1 << 62


@dataclass(frozen=True, eq=False)
class Nesting:
    """Who is within whom.

    Attributes:
        parent: The innermost event around each event, or NONE; shape (events,).
        depth: How many events are around it.
        side_by_side: Events of one lane that overlap others without being within them. They count as if they had a
            lane of their own.
    """

    parent: Integers
    depth: Integers
    side_by_side: int

    def levels(self) -> Iterator[Integers]:
        """Yields the events of each depth, outermost first."""
        order, ends = by_group(self.depth, int(self.depth.max(initial=NONE)) + 1)
        for begin, end in pairwise((0, *ends.tolist())):
            yield order[begin:end]


def by_group(group: Integers, groups: int) -> tuple[Integers, Integers]:
    """Returns positions sorted by group, in order within each, and where each group ends.

    Numbers of 16 bits are sorted in linear time.
    """
    narrow = group.astype(np.int16) if groups <= np.iinfo(np.int16).max else group
    return np.argsort(narrow, kind="stable"), np.cumsum(np.bincount(group, minlength=groups))


def nest(lane: Integers, start_ns: Integers, end_ns: Integers) -> Nesting:
    """Finds the parent of each event.

    An event without duration is within what runs at its instant, and nothing is within it.

    Args:
        lane: The lane of each event, shape (events,).
        start_ns: When it begins.
        end_ns: When it has ended, no earlier than it begins.
    """
    lanes = int(lane.max(initial=NONE)) + 1
    nesting, misfits = _nest(lane, start_ns, end_ns)
    if not misfits.any():
        return nesting
    lane, moved = _with_side_lanes(lane, start_ns, end_ns, np.unique(lane[misfits]), lanes)
    nesting, _ = _nest(lane, start_ns, end_ns)
    return Nesting(nesting.parent, nesting.depth, moved)


def _nest(lane: Integers, start_ns: Integers, end_ns: Integers) -> tuple[Nesting, Truths]:
    """Returns who is within whom, and which events end later than what they begin in: of each lane the first at least.

    Lanes are laid one after the other on a single axis of time, so that one sort serves all.
    """
    begin, end = _on_one_axis(lane, start_ns, end_ns)
    lasting, _ = by_group(lane, int(lane.max(initial=NONE)) + 1)
    lasting = lasting[end[lasting] > begin[lasting]]
    order = lasting[_order(begin[lasting], end[lasting])]
    starts, stops = begin[order], np.sort(end[order])
    depth = np.empty(len(lane), dtype=np.int64)
    rank = np.empty(len(lane), dtype=np.int64)
    rank[order] = np.arange(len(order))
    depth[order] = rank[order] - np.searchsorted(stops, starts, side="right")
    instants = np.flatnonzero(end == begin)
    rank[instants] = np.searchsorted(starts, begin[instants], side="right")
    depth[instants] = rank[instants] - np.searchsorted(stops, begin[instants], side="right")
    parent = _parents(depth, rank, order, instants)
    inside = parent != NONE
    misfits = np.zeros(len(lane), dtype=np.bool_)
    misfits[inside] = end[inside] > end[parent[inside]]
    return Nesting(parent, depth, 0), misfits


def _on_one_axis(lane: Integers, start_ns: Integers, end_ns: Integers) -> tuple[Integers, Integers]:
    if not len(lane):
        return start_ns, end_ns
    first_ns = int(start_ns.min())
    span_ns = int(end_ns.max()) - first_ns + 1
    if span_ns * (int(lane.max()) + 1) > _LARGEST_KEY:
        raise OverflowError("a trace of so many lanes and years has no place on one axis of nanoseconds")
    shift = lane * span_ns - first_ns
    return start_ns + shift, end_ns + shift


def _order(begin: Integers, end: Integers) -> Integers:
    """Outer events before the inner ones that begin at the same instant."""
    is_sorted = len(begin) == 0 or bool(
        np.all((begin[1:] > begin[:-1]) | ((begin[1:] == begin[:-1]) & (end[1:] <= end[:-1])))
    )
    return np.arange(len(begin)) if is_sorted else np.lexsort((-end, begin))


def _parents(depth: Integers, rank: Integers, order: Integers, instants: Integers) -> Integers:
    """The parent is the last event that began before, one level further out."""
    parent = np.full(len(depth), NONE, dtype=np.int64)
    if not len(order):
        return parent
    levels = int(depth.max()) + 1
    lasting = _levels(order, depth, levels)
    for outer, *inners in zip(lasting, lasting[1:], _levels(instants, depth, levels)[1:], strict=False):
        ranks = rank[outer]
        for inner in inners:
            parent[inner] = outer[np.searchsorted(ranks, rank[inner]) - 1]
    return parent


def _levels(events: Integers, depth: Integers, levels: int) -> list[Integers]:
    positions, ends = by_group(depth[events], levels)
    return np.split(events[positions], ends[:-1])


def _with_side_lanes(
    lane: Integers, start_ns: Integers, end_ns: Integers, tangled: Integers, lanes: int
) -> tuple[Integers, int]:
    """Returns lanes in which all events nest, and how many events had to be moved.

    Only lanes with events that overlap without nesting are gone through, one event after the other.
    """
    lane = lane.copy()
    moved = 0
    for number in tangled.tolist():
        events = np.flatnonzero(lane == number)
        events = events[np.lexsort((-end_ns[events], start_ns[events]))]
        places = _places(start_ns[events].tolist(), end_ns[events].tolist())
        aside = np.array(places) > 0
        lane[events[aside]] = lanes - 1 + np.array(places)[aside]
        lanes += max(places)
        moved += int(aside.sum())
    return lane, moved


def _places(starts: list[int], ends: list[int]) -> list[int]:
    """Puts each event into the first of several lanes in which it is within the innermost event that still runs."""
    stacks: list[list[int]] = [[]]
    places: list[int] = []
    for start, end in zip(starts, ends, strict=True):
        places.append(_place(stacks, start, end))
    return places


def _place(stacks: list[list[int]], start: int, end: int) -> int:
    """Returns the first stack in which an event has room, a new one if there is none, and puts the event on it."""
    for stack in stacks:
        while stack and stack[-1] <= start:
            stack.pop()
    number = next((place for place, stack in enumerate(stacks) if not stack or end <= stack[-1]), len(stacks))
    if number == len(stacks):
        stacks.append([])
    if end > start:
        stacks[number].append(end)
    return number
