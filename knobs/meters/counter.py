"""Counters of the hardware that start again from zero once they are full."""

from __future__ import annotations


class WrappingCounter:
    """Turns the readings of a counter that wraps into a count that only grows.

    A counter that wrapped twice between two readings cannot be told from one that wrapped once:
    read it at least once per wrap.
    """

    def __init__(self, range_: float) -> None:
        """Starts counting.

        Args:
            range_: The count at which the counter starts again from zero.
        """
        if range_ <= 0:
            raise ValueError(f"A counter's range must be positive, not {range_}.")
        self._range = range_
        self._last: float | None = None
        self._total = 0.0

    def total(self, raw: float) -> float:
        """Takes a reading; returns the count since the counter stood at zero before the first one.

        Whole numbers are counted exactly, however large.

        Args:
            raw: What the counter says now.
        """
        if self._last is None:
            self._total = raw
        else:
            self._total += (raw - self._last) % self._range
        self._last = raw
        return self._total
