"""A server that is asked: whole answers, or lines as they come."""

import contextlib
import math
import socket
import time
from types import MappingProxyType
from typing import Generator, Iterator, Mapping, NamedTuple, Tuple

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.web.address import parse_address
from serving_adapter.web.connection import Connection, MalformedAnswerError, NoAnswerError
from serving_adapter.web.message import Head, read_body
from serving_adapter.web.pool import ConnectionPool
from serving_adapter.web.request import checked_header_lines, header_lines, request_bytes
from serving_adapter.words import describe, quote

LONGEST_ANSWER_BYTES = 1 << 26
LONGEST_LINE_BYTES = 1 << 20

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Answer(NamedTuple):
    """What a server answered.

    Attributes:
        status: The status code.
        headers: The headers, by name in lower case.
        body: The whole body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Endpoint:
    """A server. Requests may be sent from several threads at once; each has a connection to itself, which is kept.

    No proxy is used and no redirection followed: what they add is not the server's.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = 60.0,
        headers: Mapping[str, str] = _NO_HEADERS,
        longest_answer_bytes: int = LONGEST_ANSWER_BYTES,
    ) -> None:
        """Checks what it is given; connects with the first request.

        Args:
            url: ``http://host:8000/path?query``; the paths of requests are put after its path.
            timeout_s: Longest time for a whole request, from connecting to the last byte of the answer.
            headers: Sent with every request.
            longest_answer_bytes: A longer answer is cut off, and the request has failed.

        Raises:
            AdapterError: The URL, the time or a header is none.
        """
        if not (timeout_s > 0 and math.isfinite(timeout_s)):
            raise AdapterError(f"A request cannot be given {timeout_s} s: use a time above zero.")
        self._address = parse_address(url)
        self._timeout_s = timeout_s
        self._longest_answer_bytes = longest_answer_bytes
        own_headers = {"Host": self._address.authority, "Accept-Encoding": "identity"}
        self._header_lines = header_lines(own_headers) + checked_header_lines(headers)
        self._pool = ConnectionPool(self._address)

    @property
    def host(self) -> str:
        """The server's name or IP address."""
        return self._address.host

    @property
    def port(self) -> int:
        """The server's TCP port."""
        return self._address.port

    @property
    def origin(self) -> str:
        """The server as it is shown: scheme, host and port."""
        return self._address.origin

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
        """Sends a request and returns the whole answer, whatever its status.

        Args:
            method: ``GET``, ``POST``.
            path: Path below that of the URL, ``/v2/models``; empty for the URL itself.
            body: The request's body.
            headers: Headers of this request.

        Raises:
            RequestFailedError: The server cannot be reached, does not answer in time, or answers garbage.
            AdapterError: The method, the path or a header is none, or the endpoint is closed.
        """
        with self._exchange(method, path, body, headers) as (head, pieces):
            return Answer(head.status, head.headers, b"".join(pieces))

    def stream(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS
    ) -> Generator[bytes, None, None]:
        r"""Sends a request and yields the lines of the answer as they come, without their ends (``\n``, ``\r\n``).

        Closing the generator gives the rest of the answer up, and lets the server stop its work.

        Args:
            method: ``GET``, ``POST``.
            path: Path below that of the URL, ``/v2/models``; empty for the URL itself.
            body: The request's body.
            headers: Headers of this request.

        Raises:
            RequestFailedError: As in :meth:`request`, or the server answers with a status of 400 or more, or sends a
                line of more than :data:`LONGEST_LINE_BYTES`.
            AdapterError: As in :meth:`request`.
        """
        with self._exchange(method, path, body, headers) as (head, pieces):
            if head.status >= 400:
                raise self.refusal(method, path, Answer(head.status, head.headers, b"".join(pieces)))
            yield from _lines(pieces)

    def refusal(self, method: str, path: str, answer: Answer) -> RequestFailedError:
        """Returns the error that says what the server answered, in its own words."""
        return RequestFailedError(
            f"The server {self.origin} answered {method} {self._address.target(path)} "
            f"with status {answer.status}: {quote(answer.body)}."
        )

    def close(self) -> None:
        """Closes every connection; requests under way fail, and later ones are refused."""
        self._pool.close()

    @contextlib.contextmanager
    def _exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Iterator[Tuple[Head, Iterator[bytes]]]:
        """Sends a request; gives the head of the answer and its body, piece by piece; takes the connection back."""
        target = self._address.target(path)
        request = request_bytes(method, target, self._header_lines + checked_header_lines(headers), body)
        try:
            connection, head = self._pool.ask(method, request, time.monotonic() + self._timeout_s)
            try:
                yield head, self._bounded(connection, head)
            finally:
                self._pool.release(connection)
        except (OSError, MalformedAnswerError) as error:
            raise RequestFailedError(
                f"The server {self.origin} was asked {method} {target}, and its answer {self._fault(error)}."
            ) from error

    def _fault(self, error: Exception) -> str:
        """Says what became of an answer that did not come, or not as it should have."""
        if isinstance(error, MalformedAnswerError):
            return str(error)
        if isinstance(error, socket.timeout):
            return f"was not complete within {self._timeout_s:g} s"
        if isinstance(error, NoAnswerError):
            return "did not come: the server closed the connection instead"
        return f"did not come ({describe(error)})"

    def _bounded(self, connection: Connection, head: Head) -> Iterator[bytes]:
        """Yields the body of an answer as long as it is not too long."""
        rest = self._longest_answer_bytes
        if (head.length or 0) <= rest:
            for piece in read_body(connection, head):
                rest -= len(piece)
                if rest < 0:
                    break
                yield piece
            else:
                return
        raise MalformedAnswerError(f"is longer than {self._longest_answer_bytes} bytes")


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Joins pieces and cuts them at the ends of lines."""
    pending = bytearray()
    for piece in pieces:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = bytes(pending + end)
            pending.clear()
            yield line[:-1] if line.endswith(b"\r") else line
        pending += rest
        if len(pending) > LONGEST_LINE_BYTES:
            raise MalformedAnswerError(f"has a line of more than {LONGEST_LINE_BYTES} bytes")
    if pending:
        yield bytes(pending)
