"""Server-sent events, as the HTML Living Standard reads them (section 9.2, "Server-sent events").

Three things differ from it, because the servers do. An event at the end of the stream counts even if no blank line
follows it (llama.cpp ends so). A field ``error`` is an event of that type (llama.cpp until late in 2025). A field that
the standard does not know is refused: what comes then is something else, a page of HTML or one JSON object.
"""

import itertools
from typing import Iterable, Iterator, List, NamedTuple, Tuple

from serving_adapter.words import quote

LONGEST_EVENT_BYTES = 256 * 1024
"""A chunk of an answer holds a few tokens: what is longer is none."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_COMMENT = ""
_FIELDS = (_COMMENT, "data", "event", "id", "retry", "error")


class BadStreamError(Exception):
    """What a server streams is no answer. The message completes 'The server ...'."""


class Event(NamedTuple):
    """One event.

    Attributes:
        type: ``message``, unless the server named another.
        data: Its data; several lines of it are joined.
    """

    type: str
    data: str


def events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Yields the events of a stream, each as soon as its last line is there.

    Args:
        lines: The lines of the stream, each with or without what ends it.

    Raises:
        BadStreamError: A line is none of an event stream, or an event is too long.
    """
    fields: List[Tuple[str, str]] = []
    length_bytes = 0
    for line in itertools.chain(_bare(lines), (b"",)):
        length_bytes += len(line)
        if length_bytes > LONGEST_EVENT_BYTES:
            raise BadStreamError(f"sent an event of more than {LONGEST_EVENT_BYTES} bytes")
        if line:
            fields.append(_field(line))
        else:
            yield from _dispatched(fields)
            fields, length_bytes = [], 0


def quoted(text: str) -> str:
    """Returns what a server said, fit for a sentence."""
    return f"'{quote(text.encode(errors='replace'))}'"


def _bare(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yields lines without their ends: CR, LF or both; a byte order mark before the first does not count."""
    for number, line in enumerate(lines):
        if number == 0 and line.startswith(_BYTE_ORDER_MARK):
            line = line[len(_BYTE_ORDER_MARK) :]
        yield from line.rstrip(b"\n").rstrip(b"\r").split(b"\r")


def _field(line: bytes) -> Tuple[str, str]:
    name, _, value = line.decode(errors="replace").partition(":")
    if name not in _FIELDS:
        raise BadStreamError(f"answered with something else than a stream of events: {quoted(name + ':' + value)}")
    return name, value[1:] if value.startswith(" ") else value


def _dispatched(fields: List[Tuple[str, str]]) -> Iterator[Event]:
    """Yields the event that a blank line ends, if there is one."""
    types = ["error" if name == "error" else value for name, value in fields if name in ("event", "error")]
    data = [value for name, value in fields if name in ("data", "error")]
    if data:
        yield Event(types[-1] if types else "message", "\n".join(data))
