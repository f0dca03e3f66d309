"""The runner's process as the daemon sees it: started, spoken to in lines with a deadline, ended."""

import collections
import logging
import os
import selectors
import subprocess
import threading
import time
from typing import IO, Deque, Mapping, Sequence

from serving_adapter.child_process import describe_end, kill_group
from serving_adapter.contract import AdapterError
from serving_adapter.runner.protocol import LONGEST_LINE_BYTES, ProtocolError

_logger = logging.getLogger(__name__)

_LAST_LINES = 5
_LONGEST_QUOTE = 300
_READ_BYTES = 1 << 20
_JOIN_S = 1.0


class RunnerLostError(AdapterError):
    """The runner's process has ended, or did not answer in time and was ended."""


class RunnerProcess:
    """A child process that speaks in lines. Nothing here waits without a bound."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts the process in a session of its own, so that Ctrl-C in the daemon's terminal does not reach it.

        Args:
            command: The program and its arguments.
            environment: The process's whole environment.

        Raises:
            AdapterError: The program cannot be started.
        """
        try:
            child = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise AdapterError(f"The interpreter '{command[0]}' cannot be started: {error}.") from error
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        self._stdin, self._stdout = child.stdin, child.stdout
        self._received = bytearray()
        self._last_lines: Deque[str] = collections.deque(maxlen=_LAST_LINES)
        os.set_blocking(self._stdin.fileno(), False)
        self._listener = threading.Thread(target=self._listen, args=(child.stderr,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def send(self, line: bytes, deadline_s: float) -> None:
        """Writes a line.

        Args:
            line: The line, with its end.
            deadline_s: Instant on the monotonic clock at which to give up.

        Raises:
            RunnerLostError: The process has ended, or does not read; then it was ended.
        """
        fd = self._stdin.fileno()
        rest = memoryview(line)
        while rest:
            self._wait_for(fd, selectors.EVENT_WRITE, deadline_s)
            try:
                rest = rest[os.write(fd, rest) :]
            except BrokenPipeError as error:
                raise self._lost() from error

    def receive(self, deadline_s: float) -> bytes:
        """Reads a line.

        Args:
            deadline_s: Instant on the monotonic clock at which to give up.

        Returns:
            The line, without its end.

        Raises:
            RunnerLostError: The process has ended, or does not write; then it was ended.
            ProtocolError: The line is too long.
        """
        fd = self._stdout.fileno()
        searched = 0
        while True:
            end = self._received.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._received[:end])
                del self._received[: end + 1]
                return line
            searched = len(self._received)
            if searched > LONGEST_LINE_BYTES:
                raise ProtocolError(f"a line of more than {LONGEST_LINE_BYTES} bytes")
            self._wait_for(fd, selectors.EVENT_READ, deadline_s)
            data = os.read(fd, _READ_BYTES)
            if not data:
                raise self._lost()
            self._received += data

    def end_input(self) -> None:
        """Closes the process's input, which asks it to end."""
        self._stdin.close()

    def wait(self, timeout_s: float) -> bool:
        """Tells whether the process ends within so many seconds."""
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Ends the process, and those that it has started in its group. Safe from any thread, and twice."""
        kill_group(self._child)

    def release(self) -> None:
        """Closes the pipes of a process that has ended."""
        self._listener.join(_JOIN_S)
        for stream in (self._stdin, self._stdout):
            stream.close()

    def _wait_for(self, fd: int, event: int, deadline_s: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(fd, event)
            if not selector.select(max(0.0, deadline_s - time.monotonic())):
                self.kill()
                raise RunnerLostError("The workload's runner did not answer in time and was ended.")

    def _lost(self) -> RunnerLostError:
        self.kill()
        how = "has closed its output"
        if self.wait(_JOIN_S):
            how = describe_end(self._child.returncode)
        self._listener.join(_JOIN_S)
        last_lines = " | ".join(self._last_lines).rstrip(".")
        return RunnerLostError(
            f"The workload's runner (process {self.pid}) {how}; its last lines: {last_lines or 'none'}."
        )

    def _listen(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in iter(lambda: stderr.readline(_READ_BYTES), b""):
                text = line.decode(errors="replace").rstrip()
                _logger.debug("runner %d: %s", self.pid, text)
                self._last_lines.append(text[:_LONGEST_QUOTE])
