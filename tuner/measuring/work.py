"""What was worked on, and when: so that requests can be counted between any two instants."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from serving_adapter.contract import Completion, Slice


@dataclass(frozen=True)
class _Batch:
    """A batch while it was worked on, and the items of all batches before it."""

    begin_s: float
    end_s: float
    items: int
    items_before: int

    def items_until(self, time_s: float) -> float:
        """Returns the items worked on until an instant: a batch that the instant cuts counts in part."""
        if time_s >= self.end_s:
            return float(self.items_before + self.items)
        if time_s <= self.begin_s:
            return float(self.items_before)
        return self.items_before + self.items * (time_s - self.begin_s) / (self.end_s - self.begin_s)


class WorkDone:
    """Batches, one after another."""

    def __init__(self) -> None:
        """Nothing was done yet."""
        self._batches: list[_Batch] = []
        self._ends_s: list[float] = []

    def add(self, piece: Slice) -> None:
        """Adds what was completed in a slice of load."""
        for completion in piece.completions:
            self._append(completion)

    def _append(self, completion: Completion) -> None:
        """Adds a batch: it is worked on from when all of it has arrived and the batch before is done."""
        last = self._batches[-1] if self._batches else None
        free_s = completion.arrivals_s[0] if last is None else last.end_s
        begin_s = min(max(free_s, *completion.arrivals_s), completion.finish_s)
        items_before = 0 if last is None else last.items_before + last.items
        self._batches.append(_Batch(begin_s, completion.finish_s, len(completion.arrivals_s), items_before))
        self._ends_s.append(completion.finish_s)

    @property
    def begin_s(self) -> float:
        """When the first batch was begun; minus infinity if nothing was done."""
        return self._batches[0].begin_s if self._batches else -math.inf

    def items_between(self, start_s: float, end_s: float) -> float:
        """Returns how many items were worked on between two instants."""
        return self._items_until(end_s) - self._items_until(start_s)

    def _items_until(self, time_s: float) -> float:
        if not self._batches:
            return 0.0
        index = min(bisect_right(self._ends_s, time_s), len(self._batches) - 1)
        return self._batches[index].items_until(time_s)
