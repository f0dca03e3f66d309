"""One writer at a time: who has the device set now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tuner.errors import BusyError

_BRIEF_S = 30.0
"""How long to wait for somebody who is about to let go."""


class DeviceSet:
    """The devices that are tuned together. Safe to use from several threads."""

    def __init__(self) -> None:
        """Nobody has it."""
        self._changed = threading.Condition()
        self._occupant = ""
        self._is_brief = False

    def claim(self, occupant: str) -> None:
        """Takes the device set.

        Args:
            occupant: Who takes it and what another can do about it, as a clause: ``study X runs: cancel it first``.

        Raises:
            BusyError: Somebody else has it; the message says who.
        """
        self._claim(occupant, is_brief=False)

    @contextmanager
    def borrow(self, occupant: str) -> Iterator[None]:
        """Takes the device set for a moment; others wait for that moment rather than being refused.

        Raises:
            BusyError: Somebody else has it; the message says who.
        """
        self._claim(occupant, is_brief=True)
        try:
            yield
        finally:
            self.release()

    def _claim(self, occupant: str, *, is_brief: bool) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not (self._occupant and self._is_brief), _BRIEF_S)
            if self._occupant:
                raise BusyError(f"The device is in use: {self._occupant}.")
            self._occupant, self._is_brief = occupant, is_brief

    def rename(self, occupant: str) -> None:
        """Lets the one who has it say more precisely who that is."""
        with self._changed:
            self._occupant = occupant

    def release(self) -> None:
        """Lets it go."""
        with self._changed:
            self._occupant = ""
            self._changed.notify_all()
