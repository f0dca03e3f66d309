"""A clock for devices whose time costs none."""

from __future__ import annotations


class SimulatedTime:
    """A clock that stands still until somebody sleeps.

    Attributes:
        now_s: What it shows.
    """

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        """Returns seconds."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Lets time go on."""
        self.now_s += seconds
