"""A program that speaks in lines: started, written to and read with deadlines, ended with all that it has started."""

import collections
import contextlib
import ctypes
import os
import select
import signal
import subprocess
import threading
import time
from typing import IO, Callable, Deque, Iterator, Mapping, NoReturn, Optional, Sequence

from serving_adapter.child_process import describe_end, kill_group
from serving_adapter.words import describe, quote

_LAST_LINES = 5
_LONGEST_WORDS_BYTES = 1 << 10
_READ_BYTES = 1 << 16
_END_WITHIN_S = 2.0
_LOOK_EVERY_S = 0.01
_LOOK_ONLY = os.WEXITED + os.WNOHANG + os.WNOWAIT
_PR_SET_PDEATHSIG = 1


class ProgramEndedError(Exception):
    """The program has ended, or cannot be started or spoken to. The message is the end of a sentence about it."""


class LateError(Exception):
    """The program did not read or write in time."""


class LineProcess:
    """A child process, in a process group of its own. Use from one thread at a time, except for :meth:`end`.

    It is killed with the thread that has started it, so that it is never left over. That is the runner's main thread.
    """

    def __init__(
        self, command: Sequence[str], folder: Optional[str], environment: Mapping[str, str], longest_line_bytes: int
    ) -> None:
        """Starts the program.

        Args:
            command: The program and its arguments; no shell reads them.
            folder: Where it runs; None for our own working directory.
            environment: Its whole environment.
            longest_line_bytes: A program that writes a longer line is ended.

        Raises:
            ProgramEndedError: It cannot be started.
        """
        try:
            child = subprocess.Popen(
                list(command),
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise ProgramEndedError(f"cannot be started ({describe(error)})") from error
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        self._stdin, self._stdout = child.stdin, child.stdout
        self._longest_line_bytes = longest_line_bytes
        self._unsent = b""
        self._received = bytearray()
        self._ending = ""
        self._lock = threading.Lock()
        self._last_lines: Deque[bytes] = collections.deque(maxlen=_LAST_LINES)
        os.set_blocking(self._stdin.fileno(), False)
        self._readable, self._either = select.poll(), select.poll()
        self._readable.register(self._stdout, select.POLLIN)
        self._either.register(self._stdout, select.POLLIN)
        self._either.register(self._stdin, select.POLLOUT)
        self._listener = threading.Thread(target=self._listen, args=(child.stderr,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def send(self, line: bytes, deadline_s: float) -> None:
        """Writes a line; what the program writes meanwhile is kept, so that neither waits for the other.

        Args:
            line: The line, with its end; nothing to go on with one that came too late.
            deadline_s: Instant on the monotonic clock at which to give up.

        Raises:
            LateError: The program did not read all of it; the next call goes on with the rest.
            ProgramEndedError: It has ended, or has closed its input.
        """
        with self._spoken_to():
            self._unsent += line
            while self._unsent:
                ready = self._wait(self._either, deadline_s)
                if self._stdout.fileno() in ready:
                    self._read()
                if self._stdin.fileno() in ready:
                    self._write()

    def receive(self, deadline_s: float) -> bytes:
        """Reads a line and returns it without its end.

        Args:
            deadline_s: Instant on the monotonic clock at which to give up.

        Raises:
            LateError: The program does not write.
            ProgramEndedError: It has ended, has closed its output, or wrote too long a line and was ended.
        """
        with self._spoken_to():
            searched = 0
            while True:
                end = self._received.find(b"\n", searched)
                if end >= 0:
                    line = bytes(self._received[:end])
                    del self._received[: end + 1]
                    return line[:-1] if line.endswith(b"\r") else line
                searched = len(self._received)
                self._wait(self._readable, deadline_s)
                self._read()

    def take_unasked(self, wait_s: float = 0.0) -> bytes:
        """Takes what the program writes though nobody waits for it.

        Args:
            wait_s: For how long to listen.

        Raises:
            ProgramEndedError: It has ended, or has closed its output.
        """
        with self._spoken_to():
            if not self._received and self._readable.poll(wait_s * 1000):
                self._read()
            while len(self._received) < self._longest_line_bytes and self._readable.poll(0):
                self._read()
            taken = bytes(self._received)
            self._received.clear()
            return taken

    def end(self) -> None:
        """Ends the program with all that it has started, from any thread.

        Closing its input asks it to end by itself. If it is spoken to just now, there is no time for that.
        """
        if not self._lock.acquire(blocking=False):
            kill_group(self._child)
            self._lock.acquire()
        try:
            self._ending = self._ending or "was ended"
            self._stdin.close()
            self._has_ended_within(_END_WITHIN_S)
            kill_group(self._child)
            self._child.wait()
            self._listener.join(_END_WITHIN_S)
            self._stdout.close()
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _spoken_to(self) -> Iterator[None]:
        with self._lock:
            if self._ending:
                raise ProgramEndedError(self._ending)
            yield

    def _wait(self, poll: "select.poll", deadline_s: float) -> Sequence[int]:
        """Returns the descriptors that are ready, one of which at least is."""
        ready = poll.poll(max(0.0, deadline_s - time.monotonic()) * 1000)
        if not ready:
            raise LateError
        return [descriptor for descriptor, _ in ready]

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._stdin.fileno(), self._unsent) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._lost("has closed its input")

    def _read(self) -> None:
        if len(self._received) > self._longest_line_bytes:
            self._lost(f"wrote more than {self._longest_line_bytes} bytes where a line belongs")
        data = os.read(self._stdout.fileno(), _READ_BYTES)
        if not data:
            self._lost("has closed its output")
        self._received += data

    def _lost(self, how: str) -> NoReturn:
        """Ends what can no longer be spoken to, and says why: how it ended by itself, if it did."""
        has_ended = self._has_ended_within(_END_WITHIN_S)
        kill_group(self._child)
        status = self._child.wait()
        if has_ended:
            how = describe_end(status)
        self._listener.join(_END_WITHIN_S)
        last_words = " | ".join(map(quote, self._last_lines)) or "none"
        self._ending = f"{how} (its last words: {last_words})"
        raise ProgramEndedError(self._ending)

    def _has_ended_within(self, seconds: float) -> bool:
        """Tells whether the program ends by itself, without collecting its exit status: its group stays ours."""
        deadline_s = time.monotonic() + seconds
        while self._child.returncode is None and not _is_waitable(self._child.pid):
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(_LOOK_EVERY_S)
        return True

    def _listen(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in iter(lambda: stderr.readline(_READ_BYTES), b""):
                if line.strip():
                    self._last_lines.append(line[:_LONGEST_WORDS_BYTES])


def _is_waitable(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, _LOOK_ONLY) is not None
    except ChildProcessError:
        return True


def _die_with_parent() -> Callable[[], object]:
    """Returns what a child calls before it becomes the program (prctl(2): PR_SET_PDEATHSIG)."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
