"""How batches come into being: what every kind of arrivals has in common."""

from abc import ABC, abstractmethod
from typing import Callable, Optional, Tuple

WaitUntil = Callable[[float], bool]
"""Lets time pass until an instant; returns whether that instant was reached, and not the end of the load before."""


class Arrivals(ABC):
    """Makes batches of items that arrive. What a batch is, in full, is when its items arrived."""

    def begin(self, start_s: float) -> None:  # noqa: B027 - a closed loop keeps no schedule
        """Starts the schedule, or puts off all that is left of it.

        Args:
            start_s: Instant on the device's clock to which the schedule refers.
        """

    @abstractmethod
    def next_batch(self, wait_until: WaitUntil) -> Optional[Tuple[float, ...]]:
        """Waits until a batch is due. Callable from several threads at once.

        Args:
            wait_until: Lets the device's clock run.

        Returns:
            The scheduled arrival of every item of the batch; None if waiting was in vain.
        """
