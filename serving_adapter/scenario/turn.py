"""Taking turns: one thread at a time waits for what comes next."""

import threading
from typing import List


class Turn:
    """A context in which one thread is at a time; the next to enter is the one that came last.

    Threads that wait for work in turn, and carry it out themselves, start it without the delay of waking somebody else
    for it ("Leader/Followers", Schmidt et al., Pattern-Oriented Software Architecture 2, 2000). That the last to
    come is the first to go on keeps as few threads as possible in use, and with them as few connections: one that
    were used once a minute would be closed by its server in between.
    """

    def __init__(self) -> None:
        """Nobody is within."""
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: List[threading.Lock] = []

    def __enter__(self) -> None:
        """Waits for one's turn."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        called.acquire()

    def __exit__(self, *_: object) -> None:
        """Calls the thread that came last, or leaves the turn to whoever comes."""
        with self._lock:
            if self._waiting:
                self._waiting.pop().release()
            else:
                self._is_taken = False
