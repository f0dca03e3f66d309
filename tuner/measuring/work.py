"""What was worked on, and when: so that requests can be counted between any two instants."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from serving_adapter.contract import Slice


@dataclass(frozen=True)
class _Stretch:
    """Items that were worked on evenly over some time: a batch, or the traffic of a slice."""

    start_s: float
    end_s: float
    items: float

    def items_until(self, time_s: float) -> float:
        """Returns how many of them had been worked on at an instant before the end."""
        if time_s <= self.start_s:
            return 0.0
        return self.items * (time_s - self.start_s) / (self.end_s - self.start_s)


class WorkDone:
    """Batches, several at a time if the server takes them so. One that an instant cuts counts in part.

    Attributes:
        known_until_s: Until when all is known: what is under way has not said yet how long it takes. Infinity if
            nothing is.
    """

    def __init__(self) -> None:
        """Nothing was done yet."""
        self.known_until_s = -math.inf
        self._stretches: list[_Stretch] = []
        self._ends_s: list[float] = []
        self._items: list[float] = [0.0]
        self._longest_s = 0.0

    def add(self, piece: Slice) -> None:
        """Adds what was completed in a slice of load; what failed was no work done."""
        self.known_until_s = math.inf if piece.under_way_since_s is None else piece.under_way_since_s
        for stretch in _stretches_of(piece):
            self._stretches.append(stretch)
            self._ends_s.append(stretch.end_s)
            self._items.append(self._items[-1] + stretch.items)
            self._longest_s = max(self._longest_s, stretch.end_s - stretch.start_s)

    @property
    def begin_s(self) -> float:
        """When the first work was begun; minus infinity if nothing was done."""
        return min((stretch.start_s for stretch in self._stretches), default=-math.inf)

    def items_between(self, start_s: float, end_s: float) -> float:
        """Returns how many items were worked on between two instants."""
        return self._items_until(end_s) - self._items_until(start_s)

    def _items_until(self, time_s: float) -> float:
        ended = bisect_right(self._ends_s, time_s)
        # Whatever is under way at the instant ends within the longest time that any batch took.
        last = bisect_right(self._ends_s, time_s + self._longest_s)
        return self._items[ended] + sum(stretch.items_until(time_s) for stretch in self._stretches[ended:last])


def _stretches_of(piece: Slice) -> list[_Stretch]:
    if piece.traffic is not None:
        return [_Stretch(piece.start_s, piece.end_s, piece.traffic.requests)]
    return [
        _Stretch(completion.start_s, completion.finish_s, len(completion.arrivals_s))
        for completion in piece.completions
        if not completion.failure
    ]


def busy_s(stretches: Iterable[tuple[float, float]]) -> float:
    """Returns how long at least one of several stretches of time lasted.

    Args:
        stretches: Begin and end of each.
    """
    total_s, until_s = 0.0, -math.inf
    for begin_s, end_s in sorted(stretches):
        if end_s > until_s:
            total_s += end_s - max(begin_s, until_s)
            until_s = end_s
    return total_s
