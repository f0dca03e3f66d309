"""Clients of the emulated driver, for tests: pynvml in this process, and scripts in others."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pynvml

from tests.emulated.nvml.machine import EmulatedDriver, emulated_driver, found_in_this_process
from tests.emulated.nvml.profile import GpuProfile

PATIENCE_S = 20.0


@contextmanager
def connected(
    machine: str | Sequence[GpuProfile] = "a100", persistence: bool = False, branch: int | None = None
) -> Iterator[tuple[EmulatedDriver, Any]]:
    """Gives a driver and pynvml's handle of its first GPU, in this process."""
    with emulated_driver(machine, persistence=persistence, branch=branch) as driver, initialised(driver.socket_path):
        yield driver, pynvml.nvmlDeviceGetHandleByIndex(0)


@contextmanager
def initialised(socket_path: Path) -> Iterator[None]:
    """Lets pynvml in this process meet a driver that runs in another."""
    with found_in_this_process(socket_path):
        pynvml.nvmlInit()
        try:
            yield
        finally:
            pynvml.nvmlShutdown()


def shut_down() -> None:
    """Lets go of the library in this process, however often it was opened."""
    with contextlib.suppress(pynvml.NVMLError):
        while True:
            pynvml.nvmlShutdown()


_PREAMBLE = """
import json, os, signal, sys, time
import pynvml
def answer(value): print(json.dumps(value), flush=True)
def refusal(function, *arguments):
    try: function(*arguments)
    except pynvml.NVMLError as error: return type(error).__name__
    return None
"""


class Client:
    """A process that runs a script: each ``answer(value)`` in it is one :meth:`next` here."""

    def __init__(self, driver: EmulatedDriver, script: str, **environment: str) -> None:
        """Starts it."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PREAMBLE + script],
            env={**os.environ, **driver.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._watchdog = threading.Timer(PATIENCE_S, self._end)
        self._watchdog.start()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def next(self) -> Any:
        """Returns what it answers next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the client ended, or was ended after some time, without an answer"
        return json.loads(line)

    def go_on(self) -> None:
        """Lets a script that waits in ``input()`` go on."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """Kills it and its children, if they still run."""
        self._watchdog.cancel()
        self._end()
        self._process.communicate()

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits until something is so.

    Raises:
        AssertionError: It took too long.
    """
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, "it did not come about in time"
        time.sleep(0.01)


def refusal(function: Any, *arguments: Any) -> str | None:
    """Returns the class of the error that a call is refused with."""
    try:
        function(*arguments)
    except pynvml.NVMLError as error:
        return type(error).__name__
    return None


def raw(name: str) -> Any:
    """Returns a function of the library without the binding around it."""
    return pynvml._nvmlGetFunctionPointer(name)
