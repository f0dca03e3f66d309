"""What was worked on, and when: so that requests can be counted between any two instants."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from serving_adapter.contract import Completion, Slice


class WorkDone:
    """Batches, several at a time if the server takes them so. One that an instant cuts counts in part."""

    def __init__(self) -> None:
        """Nothing was done yet."""
        self._batches: list[Completion] = []
        self._ends_s: list[float] = []
        self._items: list[int] = [0]
        self._longest_s = 0.0

    def add(self, piece: Slice) -> None:
        """Adds what was completed in a slice of load; what failed was no work done."""
        done = [completion for completion in piece.completions if not completion.failure]
        self._batches += done
        self._ends_s += [completion.finish_s for completion in done]
        self._items += list(accumulate((len(each.arrivals_s) for each in done), initial=self._items[-1]))[1:]
        self._longest_s = max([self._longest_s, *(each.finish_s - each.start_s for each in done)])

    @property
    def begin_s(self) -> float:
        """When the first batch was begun; minus infinity if nothing was done."""
        return min((each.start_s for each in self._batches), default=-math.inf)

    def items_between(self, start_s: float, end_s: float) -> float:
        """Returns how many items were worked on between two instants."""
        return self._items_until(end_s) - self._items_until(start_s)

    def _items_until(self, time_s: float) -> float:
        ended = bisect_right(self._ends_s, time_s)
        # Whatever is under way at the instant ends within the longest time that any batch took.
        last = bisect_right(self._ends_s, time_s + self._longest_s)
        return self._items[ended] + sum(_worked_on(each, time_s) for each in self._batches[ended:last])


def _worked_on(batch: Completion, time_s: float) -> float:
    """Returns how many of its items had been worked on at an instant before its end."""
    if time_s <= batch.start_s:
        return 0.0
    return len(batch.arrivals_s) * (time_s - batch.start_s) / (batch.finish_s - batch.start_s)


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
