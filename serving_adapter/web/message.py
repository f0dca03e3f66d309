"""The two halves of an answer of HTTP/1.1, head and body, as RFC 9112 frames them; strict and bounded."""

import re
from typing import Dict, Iterator, NamedTuple, Optional

from serving_adapter.web.connection import Connection, MalformedAnswerError

_LONGEST_LINE_BYTES = 1 << 14
_MOST_HEADERS = 128
_MOST_INTERIM_ANSWERS = 8
_PIECE_BYTES = 1 << 20

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r]*?)[ \t]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_LENGTH = re.compile(r"[0-9]{1,15}")


class Head(NamedTuple):
    """The head of an answer.

    Attributes:
        status: The status code.
        headers: The headers, by name in lower case; repeated ones are joined by a comma.
        length: Bytes of the body, if the head says so.
        is_chunked: Whether the body comes in chunks. If it does neither, it ends with the connection.
        keeps_open: Whether the server keeps the connection after the answer.
    """

    status: int
    headers: Dict[str, str]
    length: Optional[int]
    is_chunked: bool
    keeps_open: bool


def read_head(connection: Connection, method: str) -> Head:
    """Reads the head of the answer to a request; answers in between (``100 Continue``) are passed over.

    Args:
        connection: The request was sent on it.
        method: The request's method: the answer to ``HEAD`` has no body, whatever it says.

    Raises:
        MalformedAnswerError: What came is no head.
        OSError: As the connection says.
    """
    for _ in range(_MOST_INTERIM_ANSWERS):
        line = connection.read_line(_LONGEST_LINE_BYTES)
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise MalformedAnswerError("does not begin like one of HTTP/1.1")
        status = int(match[2])
        headers = _read_headers(connection)
        if status >= 200:
            return _head(status, headers, is_1_1=match[1] == b"1", has_body=method != "HEAD")
    raise MalformedAnswerError("never came, only interim ones")


def read_body(connection: Connection, head: Head) -> Iterator[bytes]:
    """Yields the body of an answer in pieces, as they come; at its end, the connection may be used again.

    Args:
        connection: The head was read from it.
        head: The answer's head.

    Raises:
        MalformedAnswerError: The body is cut off, or not framed as the head says.
        OSError: As the connection says.
    """
    if head.is_chunked:
        yield from _chunks(connection)
    elif head.length is not None:
        yield from _exactly(connection, head.length)
    else:
        yield from iter(lambda: connection.read_some(_PIECE_BYTES), b"")
    connection.is_reusable = head.keeps_open


def _read_headers(connection: Connection) -> Dict[str, str]:
    headers: Dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = connection.read_line(_LONGEST_LINE_BYTES)
        if not line:
            return headers
        match = _HEADER.fullmatch(line)
        if match is None:
            raise MalformedAnswerError("has a header that is none")
        name, value = match[1].decode("ascii").lower(), match[2].decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise MalformedAnswerError(f"has more than {_MOST_HEADERS} headers")


def _head(status: int, headers: Dict[str, str], is_1_1: bool, has_body: bool) -> Head:
    coding = headers.get("transfer-encoding", "").lower()
    if coding not in ("", "chunked"):
        raise MalformedAnswerError("comes in a transfer coding that nobody asked for")
    has_body = has_body and status not in (204, 304)
    is_chunked = has_body and bool(coding)
    length = _length(headers, has_body, is_chunked)
    wishes = {wish.strip() for wish in headers.get("connection", "").lower().split(",")}
    is_framed = is_chunked or length is not None
    keeps_open = is_framed and "close" not in wishes and (is_1_1 or "keep-alive" in wishes)
    return Head(status, headers, length, is_chunked, keeps_open)


def _length(headers: Dict[str, str], has_body: bool, is_chunked: bool) -> Optional[int]:
    if not has_body:
        return 0
    if is_chunked or "content-length" not in headers:
        return None
    lengths = {length.strip() for length in headers["content-length"].split(",")}
    length = lengths.pop()
    if lengths or not _LENGTH.fullmatch(length):
        raise MalformedAnswerError("has a Content-Length that is none")
    return int(length)


def _chunks(connection: Connection) -> Iterator[bytes]:
    while True:
        match = _CHUNK_SIZE.fullmatch(connection.read_line(_LONGEST_LINE_BYTES))
        if match is None:
            raise MalformedAnswerError("has a chunk without a size")
        size = int(match[1], 16)
        if size == 0:
            _read_headers(connection)
            return
        yield from _exactly(connection, size)
        if connection.read_line(_LONGEST_LINE_BYTES):
            raise MalformedAnswerError("has a chunk that is longer than it says")


def _exactly(connection: Connection, size: int) -> Iterator[bytes]:
    missing = size
    while missing:
        piece = connection.read_some(min(missing, _PIECE_BYTES))
        if not piece:
            raise MalformedAnswerError("ended too early")
        missing -= len(piece)
        yield piece
