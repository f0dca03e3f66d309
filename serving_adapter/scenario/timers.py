"""How punctually a thread wakes up."""

from contextlib import contextmanager
from typing import Any, Iterator

_SET_TIMER_SLACK = 29
_GET_TIMER_SLACK = 30
"""<linux/prctl.h>"""
_SHARP_NS = 1


def _find_prctl() -> Any:
    try:
        import ctypes

        function = ctypes.CDLL(None).prctl
    except (AttributeError, ImportError, OSError):
        return lambda *_: -1
    function.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    return function


_prctl = _find_prctl()


@contextmanager
def sharp_timers() -> Iterator[None]:
    """Lets this thread wake up as punctually as the kernel can, for as long as the context lasts.

    The kernel may let a thread sleep longer than asked, 50 us unless told otherwise, so that wake-ups coincide
    (prctl(2), PR_SET_TIMERSLACK). Where there is no such call, nothing happens.
    """
    before_ns = _prctl(_GET_TIMER_SLACK, 0, 0, 0, 0)
    _prctl(_SET_TIMER_SLACK, _SHARP_NS, 0, 0, 0)
    try:
        yield
    finally:
        if before_ns > 0:
            _prctl(_SET_TIMER_SLACK, before_ns, 0, 0, 0)
