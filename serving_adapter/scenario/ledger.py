"""What is under way, and what became of the rest: written by many threads, read slice by slice."""

import itertools
import threading
from typing import Callable, Dict, List, Optional, Tuple

from serving_adapter.contract import AdapterError, Completion, Slice, Tokens

_MOST_UNREAD = 500_000
"""Completions that are kept for the next slice. To send so many takes a line of 40 MB."""


class Ledger:
    """Books batches at the instants at which they begin and end, and cuts slices that leave out none.

    Instants are taken while the ledger is locked: so completions are in order, each is within its slice, and what was
    begun and has not ended is under way at the end of the slice, without exception.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Nothing has begun yet.

        Args:
            now_s: The device's clock.
        """
        self._now_s = now_s
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._cut_s = 0.0
        self._completions: List[Completion] = []
        self._under_way: Dict[int, float] = {}

    def open(self) -> float:
        """Returns the instant at which the first slice begins: now."""
        self._cut_s = self._now_s()
        return self._cut_s

    def begin(self) -> int:
        """Books the start of a batch, and returns its number."""
        with self._lock:
            number = next(self._numbers)
            self._under_way[number] = self._now_s()
            return number

    def end(self, number: int, arrivals_s: Tuple[float, ...], failure: str, tokens: Optional[Tokens]) -> Completion:
        """Books the end of a batch, and returns what became of it.

        Args:
            number: What :meth:`begin` returned for it.
            arrivals_s: Scheduled arrival of each of its items.
            failure: Why it failed; empty if it did not.
            tokens: What a language model answered.

        Raises:
            AdapterError: There is no room: nobody has cut a slice for too long.
        """
        with self._lock:
            start_s = self._under_way.pop(number)
            if len(self._completions) >= _MOST_UNREAD:
                raise AdapterError(
                    f"{_MOST_UNREAD} batches were completed and nobody asked for them: run shorter slices."
                )
            completion = Completion(arrivals_s, start_s, self._now_s(), failure, tokens)
            self._completions.append(completion)
            return completion

    def cut(self) -> Slice:
        """Returns the slice from the last cut until now."""
        with self._lock:
            start_s, self._cut_s = self._cut_s, self._now_s()
            completions, self._completions = self._completions, []
            # Starts are booked in their order, and a dictionary keeps it.
            under_way_since_s = next(iter(self._under_way.values()), None)
        return Slice(start_s, self._cut_s, tuple(completions), under_way_since_s=under_way_since_s)
