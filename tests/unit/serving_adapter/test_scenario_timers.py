"""Timer slack, on this kernel."""

import ctypes
import sys
import threading
from pathlib import Path

import pytest

from serving_adapter.scenario import timers
from serving_adapter.scenario.timers import sharp_timers

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="timer slack is Linux's")


def slack_ns() -> int:
    return int(ctypes.CDLL(None).prctl(timers._GET_TIMER_SLACK, 0, 0, 0, 0))


@linux_only
def test_slack_is_one_nanosecond_within_and_what_it_was_afterwards() -> None:
    before_ns = slack_ns()
    with pytest.raises(ValueError, match="within"), sharp_timers():
        assert slack_ns() == 1
        raise ValueError("within")
    assert slack_ns() == before_ns > 1


@linux_only
def test_other_threads_keep_their_slack() -> None:
    before_ns, seen_ns = slack_ns(), []
    is_sharp, is_seen = threading.Event(), threading.Event()

    def sharpen() -> None:
        with sharp_timers():
            is_sharp.set()
            is_seen.wait(30)

    thread = threading.Thread(target=sharpen)
    thread.start()
    is_sharp.wait(30)
    seen_ns.append(slack_ns())
    is_seen.set()
    thread.join()
    assert seen_ns == [before_ns]


@linux_only
def test_the_numbers_are_those_of_the_kernels_header() -> None:
    header = Path("/usr/include/linux/prctl.h")
    if not header.exists():
        pytest.skip("there are no kernel headers here")
    words = header.read_text().split()
    assert words[words.index("PR_SET_TIMERSLACK") + 1] == str(timers._SET_TIMER_SLACK)
    assert words[words.index("PR_GET_TIMERSLACK") + 1] == str(timers._GET_TIMER_SLACK)


def test_where_there_is_no_such_call_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise OSError("no such library")

    before_ns = slack_ns() if sys.platform == "linux" else 0
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(ctypes, "CDLL", refuse)
        elsewhere.setattr(timers, "_prctl", timers._find_prctl())
        with sharp_timers():
            elsewhere.undo()
            assert not before_ns or slack_ns() == before_ns
    assert not before_ns or slack_ns() == before_ns
