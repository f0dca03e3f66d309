"""The clock that logic is given, so that a test can give it another."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Durations come from ``monotonic_s``; ``utc_now`` is for the record only."""

    def monotonic_s(self) -> float:
        """Returns seconds that only ever grow."""

    def utc_now(self) -> str:
        """Returns the wall-clock time, ISO 8601 in UTC."""


class SystemClock:
    """The clock of this machine."""

    def monotonic_s(self) -> float:
        """Returns seconds that only ever grow."""
        return time.monotonic()

    def utc_now(self) -> str:
        """Returns the wall-clock time, ISO 8601 in UTC."""
        return datetime.now(UTC).isoformat(timespec="seconds")
