"""The clock that logic is given, so that a test can give it another."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Durations come from ``monotonic_s``; ``utc_now`` is for the record, ``local_now`` for the operator's hours."""

    def monotonic_s(self) -> float:
        """Returns seconds that only ever grow."""

    def utc_now(self) -> str:
        """Returns the wall-clock time, ISO 8601 in UTC."""

    def local_now(self) -> datetime:
        """Returns what the clock on this machine's wall shows, with its distance from UTC."""


class SystemClock:
    """The clock of this machine."""

    def monotonic_s(self) -> float:
        """Returns seconds that only ever grow."""
        return time.monotonic()

    def utc_now(self) -> str:
        """Returns the wall-clock time, ISO 8601 in UTC."""
        return datetime.now(UTC).isoformat(timespec="seconds")

    def local_now(self) -> datetime:
        """Returns what the clock on this machine's wall shows, with its distance from UTC."""
        return to_local(datetime.now(UTC))


def to_local(instant: datetime) -> datetime:
    """Returns an instant as the clock on this machine's wall shows it, in summer and in winter.

    Args:
        instant: With its time zone.
    """
    return instant.astimezone()
