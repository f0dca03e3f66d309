"""Makes sure that a keeper answers: a unit of its own, or a child of the daemon with the daemon's own rights."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from knobs.contract import KnobError
from knobs.keeper.client import KeeperClient
from tuner.errors import ProcessLostError

_log = logging.getLogger(__name__)

_ANSWER_S = 20.0
"""How long a keeper may take to start, its restore included."""
_POLL_S = 0.05
_STOP_S = 15.0
_MOST_FAILURES = 5
_SHORT_LIFE_S = 5.0
"""A keeper that ends earlier than this has not started."""
_FIRST_PAUSE_S = 0.2

CommandFor = Callable[[int], Sequence[str]]
"""The keeper's command line, given the descriptor that closes when the daemon dies."""


class KeeperSupervisor:
    """Gives out connections to the keeper, and starts it again when it dies. Safe to use from several threads."""

    def __init__(self, socket_path: Path, command_for: CommandFor | None) -> None:
        """Keeps how to reach the keeper.

        Args:
            socket_path: The keeper's socket.
            command_for: How to start it as a child; None if it is a unit of its own.
        """
        self._socket_path = socket_path
        self._command_for = command_for
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._given_up = threading.Event()
        self._lifeline: int | None = None
        self._watcher: threading.Thread | None = None

    def connect(self) -> KeeperClient:
        """Returns a new connection; starts a keeper if none answers, and waits for one that is just starting.

        Raises:
            ProcessLostError: No keeper answers.
        """
        deadline_s = time.monotonic() + _ANSWER_S
        self._given_up.clear()
        while True:
            try:
                return KeeperClient(self._socket_path)
            except KnobError as error:
                if self._stopping.is_set() or self._given_up.is_set() or time.monotonic() > deadline_s:
                    raise ProcessLostError(
                        f"No keeper answers at {self._socket_path}: see its log, or start wattune-keeper.service."
                    ) from error
            self._keep_alive()
            self._stopping.wait(_POLL_S)

    def stop(self) -> None:
        """Ends a keeper that is our child: it takes back what is to be taken back, and goes."""
        self._stopping.set()
        with self._lock:
            watcher = self._watcher
        self._cut_lifeline()
        if watcher is not None:
            watcher.join(_STOP_S)
            if watcher.is_alive():
                _log.error("The keeper did not end within %g s: run 'wattune restore'.", _STOP_S)

    def _keep_alive(self) -> None:
        with self._lock:
            watched = self._watcher is not None and self._watcher.is_alive()
            if self._command_for is None or watched or self._given_up.is_set() or self._stopping.is_set():
                return
            self._watcher = threading.Thread(target=self._watch, args=(self._command_for,), name="keeper-watcher")
            self._watcher.start()

    def _watch(self, command_for: CommandFor) -> None:
        """Starts the keeper whenever there is none; its start restores what its journal holds."""
        failures = 0
        while not self._stopping.is_set():
            started_s = time.monotonic()
            status = self._spawn(command_for).wait()
            self._cut_lifeline()
            if self._stopping.is_set():
                return
            failures = failures + 1 if time.monotonic() - started_s < _SHORT_LIFE_S else 0
            if failures == _MOST_FAILURES:
                _log.error("The keeper cannot be started: it ended with status %d.", status)
                self._given_up.set()
                return
            _log.warning("The keeper has ended with status %d and is started again.", status)
            # The first failures are expected where the keeper of a daemon that was killed is still cleaning up.
            self._stopping.wait(_FIRST_PAUSE_S * 2**failures if failures else 0.0)

    def _spawn(self, command_for: CommandFor) -> subprocess.Popen[bytes]:
        keeper_end, own_end = os.pipe()
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        try:
            # A session of its own: Ctrl-C in the daemon's terminal must not end the keeper before the daemon.
            child = subprocess.Popen(
                command_for(keeper_end),
                pass_fds=(keeper_end,),
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(keeper_end)
        self._lifeline = own_end
        if self._stopping.is_set():
            self._cut_lifeline()
        return child

    def _cut_lifeline(self) -> None:
        with self._lock:
            lifeline, self._lifeline = self._lifeline, None
        if lifeline is not None:
            with contextlib.suppress(OSError):
                os.close(lifeline)
