"""The events of a Chrome trace, one after the other, whatever the size of the file.

The format is the "Trace Event Format" of Chrome's tracing: an array of events, or an object whose ``traceEvents`` is
one. The file is read in pieces of a few megabytes, each cut where one event ends and the next one begins.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from tuner.errors import BadInputError

_PIECE_BYTES = 4 << 20
_LONGEST_EVENT_BYTES = 64 << 20
_MOST_CUTS = 50
_FIRST_BYTES_OF_GZIP = b"\x1f\x8b"
_EVENTS = re.compile(rb'"traceEvents"\s*:\s*\[')
_BASE_TIME = re.compile(rb'"baseTimeNanoseconds"\s*:\s*(\d+)')
_END = re.compile(rb"(?<=[}\[])\s*\]\s*(?=[,}]|$)")


class EventArguments(msgspec.Struct):
    """What Kineto says about an event besides the format's own fields; each may be missing, or be anything."""

    device: Any = None
    stream: Any = None
    correlation: Any = None
    external_id: Any = msgspec.field(default=None, name="External id")
    sequence_number: Any = msgspec.field(default=None, name="Sequence number")
    forward_thread: Any = msgspec.field(default=None, name="Fwd thread id")
    shapes: Any = msgspec.field(default=None, name="Input Dims")
    name: Any = None


class Event(msgspec.Struct):
    """One event. ``ts`` and ``dur`` are in microseconds."""

    ph: str = ""
    name: str = ""
    cat: str = ""
    ts: float | None = None
    dur: float | None = None
    pid: Any = None
    tid: Any = None
    id: Any = None
    args: EventArguments | None = None


_decode = msgspec.json.Decoder(list[Event]).decode


class TraceFile:
    """A trace in a file, plain or compressed with gzip.

    Attributes:
        path: The file.
        base_time_ns: What Kineto takes for zero, on the clock of Unix; 0 if the file does not say. It is known for
            certain once all events have been read.
    """

    def __init__(self, path: Path) -> None:
        """Keeps the path; reads nothing yet."""
        self.path = path
        self.base_time_ns = 0

    def events(self) -> Iterator[Event]:
        """Yields the events in the order of the file.

        Raises:
            BadInputError: The file cannot be read, is no trace, or ends too early.
        """
        try:
            with self._open() as file:
                yield from self._events(file)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadInputError(
                f"{self.path} ends too early, or is damaged ({error}): write or copy it again."
            ) from error
        except OSError as error:
            raise BadInputError(f"{self.path} cannot be read: {error.strerror}.") from error

    def _open(self) -> BinaryIO:
        with self.path.open("rb") as file:
            is_compressed = file.read(2) == _FIRST_BYTES_OF_GZIP
        return cast(BinaryIO, gzip.open(self.path, "rb")) if is_compressed else self.path.open("rb")

    def _events(self, file: BinaryIO) -> Iterator[Event]:
        buffer, is_array = self._head(file)
        while piece := file.read(_PIECE_BYTES):
            buffer += piece
            found, buffer, has_ended = self._complete(buffer)
            yield from found
            if has_ended:
                self._note_base_time(buffer + file.read(_PIECE_BYTES))
                return
        has_ended, found = False, [Event()]
        while found and not has_ended:
            found, buffer, has_ended = self._complete(buffer)
            yield from found
        if not has_ended:
            yield from self._last(buffer, is_array)

    def _head(self, file: BinaryIO) -> tuple[bytes, bool]:
        """Returns what follows the bracket before the first event, and whether the file is nothing but the array."""
        head = b""
        while len(head) < _LONGEST_EVENT_BYTES and (piece := file.read(_PIECE_BYTES)):
            head += piece
            if head.lstrip().startswith(b"["):
                return head.lstrip()[1:], True
            if match := _EVENTS.search(head):
                self._note_base_time(head[: match.start()])
                return head[match.end() :], False
        raise BadInputError(
            f"{self.path} is no trace in Chrome's format, which has an array 'traceEvents': write it with the "
            "profiler's export_chrome_trace."
        )

    def _note_base_time(self, text: bytes) -> None:
        if match := _BASE_TIME.search(text):
            self.base_time_ns = int(match[1])

    def _complete(self, buffer: bytes) -> tuple[list[Event], bytes, bool]:
        """Returns the events that are complete, what is left, and whether the array has ended."""
        for cut in _cuts(buffer):
            with suppress(msgspec.DecodeError):
                return self._decoded(buffer[: buffer.rindex(b",", 0, cut)]), buffer[cut:], False
        for end in _END.finditer(b"[" + buffer):
            with suppress(msgspec.DecodeError):
                return self._decoded(buffer[: end.start() - 1]), buffer[end.end() - 1 :], True
        if len(buffer) > _LONGEST_EVENT_BYTES:
            raise BadInputError(f"{self.path} holds something that is no event: {_begin_of(buffer)}.")
        return [], buffer, False

    def _last(self, buffer: bytes, is_array: bool) -> Iterator[Event]:
        """Yields the events of an array without a closing bracket, which the format allows where it is the whole."""
        if is_array:
            with suppress(msgspec.DecodeError):
                yield from self._decoded(buffer.rstrip().removesuffix(b","))
                return
        raise BadInputError(
            f"{self.path} ends in the middle of an event ({_begin_of(buffer)}): it was cut short; record or copy it "
            "again."
        )

    def _decoded(self, text: bytes) -> list[Event]:
        try:
            return _decode(b"[" + text + b"]")
        except msgspec.ValidationError as error:
            raise BadInputError(f"{self.path} holds an event that is none: {error}.") from error


def _cuts(buffer: bytes) -> Iterator[int]:
    """Yields where an event may begin that follows another one, the last such place first."""
    place = len(buffer)
    for _ in range(_MOST_CUTS):
        while (place := buffer.rfind(b"{", 0, place)) > 0:
            before = buffer[max(0, place - 100) : place].rstrip()
            if before.endswith(b",") and before[:-1].rstrip().endswith(b"}"):
                break
        if place <= 0:
            return
        yield place


def _begin_of(buffer: bytes) -> str:
    return " ".join(buffer[:60].decode(errors="replace").split()) or "nothing is left"
