"""Waiting for a device that has no answer just now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from knobs.contract import NoValueError

_Answer = TypeVar("_Answer")


def patiently(action: Callable[[], _Answer], tries: int, pause_s: float, sleep: Callable[[float], None]) -> _Answer:
    """Returns what an action returns, and tries it again while the device is busy or in reset.

    Args:
        action: What is tried.
        tries: How often.
        pause_s: How long to wait in between.
        sleep: Waits for some seconds.

    Raises:
        NoValueError: The device is still busy at the last try.
    """
    for _ in range(tries - 1):
        try:
            return action()
        except NoValueError:
            sleep(pause_s)
    return action()
