"""The daemon's side of the search worker. Imports neither torch nor numpy: they live in the worker."""

from __future__ import annotations

import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

import psutil

from tuner import serialization
from tuner.errors import ProcessLostError, WattuneError
from tuner.parameter_effect import ParameterEffect
from tuner.search import protocol
from tuner.search.contract import Proposal, SearchTask, Stop
from tuner.search.protocol import Greeting, Reply, Request
from tuner.search.registry import check_method
from tuner.trial import Trial

_logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 120.0
"""How long one answer may take, the worker's start included, before the worker counts as lost."""

_GRACE_S = 5.0


class SearchLostError(ProcessLostError):
    """The search worker has died, or does not answer."""


class SearchError(WattuneError):
    """The search worker lives, and could not answer. The message is its own sentence."""


class SearchClient:
    """Asks a worker process for proposals; starts it, and starts it again if it died.

    Not safe for concurrent use: one study has one client.
    """

    def __init__(
        self,
        method: str = "wattune",
        interpreter: str = sys.executable,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        """Starts nothing.

        Args:
            method: The proposer's name.
            interpreter: The Python that has torch.
            answer_timeout_s: How long one answer may take.

        Raises:
            BadInputError: There is no such method.
        """
        check_method(method)
        self._method = method
        self._task: SearchTask | None = None
        self._interpreter = interpreter
        self._answer_timeout_s = answer_timeout_s
        self._process: _WorkerProcess | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._process.pid if self._process is not None else None

    def cpu_s(self) -> float:
        """Returns the CPU time that the worker has used; zero while there is none."""
        if self.pid is None:
            return 0.0
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return times.user + times.system

    def start(self) -> None:
        """Starts the worker and returns at once: it loads its libraries meanwhile, which takes seconds.

        Raises:
            SearchLostError: The interpreter cannot be started.
        """
        if self._process is None:
            self._process = _WorkerProcess(self._interpreter)

    def begin(self, task: SearchTask) -> None:
        """Hands over what is to be searched, and returns when the worker is ready and silent.

        Whatever is measured from then on is not disturbed by a worker that still loads its libraries.

        Raises:
            SearchLostError: The worker died twice, or was not ready in time.
            SearchError: The worker cannot search this.
        """
        self._task = task
        try:
            self._make_ready()
        except _WorkerDiedError as error:
            _logger.warning("%s It is started again.", error)
            self._make_ready()

    def propose(self, trials: Sequence[Trial]) -> Proposal | Stop:
        """Returns the next configuration, or says that searching on does not pay.

        A worker that has died is replaced once; it needs nothing but the trials.

        Raises:
            SearchLostError: The worker died twice, or did not answer in time.
            SearchError: The worker could not make a proposal of these trials.
        """
        reply = self._ask(Request("propose", trials=tuple(trials)))
        outcome = reply.proposal or reply.stop
        if outcome is None:
            raise SearchError("The search worker answered with neither a proposal nor a stop.")
        return outcome

    def effects(self, trials: Sequence[Trial]) -> tuple[ParameterEffect, ...]:
        """Returns what each parameter does, as far as these trials tell; nothing if the method has no model.

        Raises:
            SearchLostError: The worker died twice, or did not answer in time.
            SearchError: The worker could not tell.
        """
        return self._ask(Request("effects", trials=tuple(trials))).effects

    def close(self) -> None:
        """Ends the worker."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _abandon(self) -> None:
        if self._process is not None:
            self._process.kill()
            self.close()

    def _ask(self, request: Request) -> Reply:
        """Asks the worker; one that has died is replaced once."""
        try:
            return self._ask_once(request)
        except _WorkerDiedError as error:
            _logger.warning("%s It is started again.", error)
        return self._ask_once(request)

    def _ask_once(self, request: Request) -> Reply:
        """Asks the worker, which is made ready first; a worker that fails to answer is ended."""
        process = self._make_ready()
        try:
            reply = process.call(request, time.monotonic() + self._answer_timeout_s)
        except SearchLostError:
            self._abandon()
            raise
        if reply.error:
            raise SearchError(reply.error)
        return reply

    def _make_ready(self) -> _WorkerProcess:
        """Returns a worker that has the task; one that does not get ready is ended."""
        assert self._task is not None, "a search begins before it proposes"
        self.start()
        assert self._process is not None
        if not self._process.is_ready:
            deadline = time.monotonic() + self._answer_timeout_s
            try:
                reply = self._process.make_ready(Request("start", self._method, self._task), deadline)
            except SearchLostError:
                self._abandon()
                raise
            if reply.error:
                raise SearchError(reply.error)
        return self._process


class _WorkerDiedError(SearchLostError):
    """The worker's pipe has ended: a new worker may do."""


class _WorkerProcess:
    """One worker process and its pipes."""

    def __init__(self, interpreter: str) -> None:
        try:
            self._process = subprocess.Popen(
                [interpreter, "-m", protocol.MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            raise SearchLostError(
                f"The search worker cannot be started with {interpreter}: {error.strerror}."
            ) from error
        self.is_ready = False
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self._process.stdout,), name="search-worker", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def make_ready(self, start_request: Request, deadline: float) -> Reply:
        """Waits for the greeting and hands over the task."""
        greeting = serialization.decode(self._next_line(deadline), Greeting)
        _logger.info("The search worker is ready: %s.", greeting.versions)
        reply = self.call(start_request, deadline)
        self.is_ready = not reply.error
        return reply

    def call(self, request: Request, deadline: float) -> Reply:
        """Sends a request and returns its reply."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(serialization.encode(request) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._died() from error
        return serialization.decode(self._next_line(deadline), Reply)

    def kill(self) -> None:
        """Ends the worker without waiting for it to notice."""
        self._process.kill()

    def end(self) -> None:
        """Closes the pipes, upon which the worker exits, and makes sure that it did."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            _logger.debug("The search worker had gone before its pipe was closed.")
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                self._lines.put(line)
        self._lines.put(None)

    def _next_line(self, deadline: float) -> bytes:
        try:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.0))
        except queue.Empty:
            raise SearchLostError("The search worker does not answer: it was ended.") from None
        if line is None:
            raise self._died()
        return line

    def _died(self) -> _WorkerDiedError:
        """Makes sure that a worker whose pipe has ended is gone, and says how it ended."""
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return _WorkerDiedError(f"The search worker has died with status {status}.")
