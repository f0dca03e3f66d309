"""The bytes of a request of HTTP/1.1, and what may be in them."""

import re
from typing import Mapping

from serving_adapter.contract import AdapterError

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_OURS = frozenset(("host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect"))


def request_bytes(method: str, target: str, header_lines: bytes, body: bytes) -> bytes:
    """Returns a whole request, so that it leaves as one piece.

    Args:
        method: ``GET``, ``POST``.
        target: Path and query.
        header_lines: Every header but the length, each with its end.
        body: The body.

    Raises:
        AdapterError: The method is none.
    """
    if not _TOKEN.fullmatch(method):
        raise AdapterError(f"The method {method!r} is none of HTTP: use GET or POST.")
    head = f"{method} {target} HTTP/1.1\r\n".encode("ascii") + header_lines
    if body or method not in ("GET", "HEAD"):
        head += b"Content-Length: %d\r\n" % len(body)
    return head + b"\r\n" + body


def checked_header_lines(headers: Mapping[str, str]) -> bytes:
    """Returns headers as they are sent.

    Raises:
        AdapterError: A name or a value is none, or the header is one that frames the message. The value is not shown:
            it may be a secret.
    """
    for name, value in headers.items():
        if not (_TOKEN.fullmatch(name) and _VALUE.fullmatch(value)):
            raise AdapterError(f"The header {name!r} cannot be sent: its name or its value holds what no header can.")
        if name.lower() in _OURS:
            raise AdapterError(f"The header '{name}' is set for every request already: leave it out.")
    return header_lines(headers)


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Returns headers of our own as they are sent."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
