"""The hands of a test on the guest's hardware: what ``silicon/silicon.h`` describes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("/sys/kernel/debug/silicon")
COOL_MILLI_C, HOT_MILLI_C = 45_000, 95_000


class Silicon:
    """Breaks, heats, unplugs and exchanges parts of the hardware, and makes them whole again."""

    def set(self, part: str, knob: str, value: object) -> None:
        """Writes one of a part's own files."""
        (FOLDER / part / knob).write_text(str(value))

    def get(self, part: str, knob: str) -> str:
        """Reads one of a part's own files."""
        return (FOLDER / part / knob).read_text().strip()

    @contextmanager
    def failing(self, part: str, number: int) -> Iterator[None]:
        """Lets a part answer every access with an errno meanwhile."""
        self.set(part, "error", number)
        try:
            yield
        finally:
            self.set(part, "error", 0)

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """Unplugs a part meanwhile."""
        self.set(part, "plugged", 0)
        try:
            yield
        finally:
            self.set(part, "plugged", 1)

    @contextmanager
    def board(self, name: str) -> Iterator[None]:
        """Exchanges the CPUs' clocks for those of another board meanwhile."""
        former = self.get("cpufreq", "board")
        self._exchange(name)
        try:
            yield
        finally:
            self._exchange(former)

    def _exchange(self, board: str) -> None:
        with self.without("cpufreq"):
            self.set("cpufreq", "board", board)

    @contextmanager
    def hot(self, zone: str) -> Iterator[None]:
        """Lets a thermal zone be too hot meanwhile, so that the kernel caps what it cools."""
        self.set("thermal", zone, HOT_MILLI_C)
        try:
            yield
        finally:
            self.set("thermal", zone, COOL_MILLI_C)


def until(condition: Callable[[], bool], limit_s: float = 5.0) -> None:
    """Waits for what the kernel does a little later."""
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.01)
