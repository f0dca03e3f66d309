"""A real HTTP server on loopback that answers as badly as a test wants.

with FaultyServer() as server:
    server.answers(reply(b"[1]"), hang_up(), drip(b"slowly", gap_s=0.1))   # the last one is repeated
    ...                                                                    # ask server.url
    assert server.requests[0].body == b"{}"
    server.stop()                                                          # as if it was killed
    server.start()                                                         # again, on the same port
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_PIECE = bytes(1 << 16)


@dataclass(frozen=True)
class Request:
    """What a client sent.

    Attributes:
        method: ``POST``.
        target: Path and query.
        headers: By name in lower case.
        body: The body.
        connection: Which connection it came on, counted from 0.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


class HangUpError(Exception):
    """The server closes this connection."""


class Exchange:
    """One request that waits for its answer."""

    def __init__(self, request: Request, client: socket.socket, ending: threading.Event) -> None:
        self.request = request
        self._client = client
        self._ending = ending

    def send(self, data: bytes) -> None:
        self._client.sendall(data)

    def head(self, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.send("\r\n".join(lines).encode("latin-1"))

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def wait(self, seconds: float) -> None:
        """Lets time pass; hangs up at once when the server is stopped."""
        if self._ending.wait(seconds):
            raise HangUpError


Behaviour = Callable[[Exchange], None]
"""Answers one request. The connection is kept unless it raises HangUpError."""


def reply(
    body: bytes = b"{}", status: int = 200, headers: Mapping[str, str] = _NO_HEADERS, delay_s: float = 0.0
) -> Behaviour:
    """A whole answer, after a delay."""

    def answer(exchange: Exchange) -> None:
        exchange.wait(delay_s)
        exchange.head(status, {"Content-Length": str(len(body)), **headers})
        exchange.send(body)

    return answer


def garbage(data: bytes = b"SSH-2.0-OpenSSH_9.7\r\n") -> Behaviour:
    """Bytes as they are, and the end of the connection."""

    def answer(exchange: Exchange) -> None:
        exchange.send(data)
        raise HangUpError

    return answer


def hang_up(after_s: float = 0.0) -> Behaviour:
    """The end of the connection instead of an answer."""

    def answer(exchange: Exchange) -> None:
        exchange.wait(after_s)
        raise HangUpError

    return answer


def silence() -> Behaviour:
    """No answer until the server is stopped."""

    def answer(exchange: Exchange) -> None:
        exchange.wait(600.0)

    return answer


def cut_off(body: bytes, after: int) -> Behaviour:
    """An answer that ends after so many bytes of its body."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(len(body))})
        exchange.send(body[:after])
        raise HangUpError

    return answer


def drip(body: bytes, gap_s: float) -> Behaviour:
    """An answer that comes byte by byte."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(len(body))})
        for byte in body:
            exchange.wait(gap_s)
            exchange.send(bytes([byte]))

    return answer


def huge(size: int, announced: bool = True) -> Behaviour:
    """An answer of so many bytes, whose length is announced or not."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(size)} if announced else {"Connection": "close"})
        for start in range(0, size, len(_PIECE)):
            exchange.send(_PIECE[: size - start])
        raise HangUpError

    return answer


def chunked(chunks: Iterable[bytes], gap_s: float = 0.0, cut: bool = False, status: int = 200) -> Behaviour:
    """An answer in chunks, with a gap before each; cut off before its end, or not."""
    pieces = list(chunks)

    def answer(exchange: Exchange) -> None:
        exchange.head(status, {"Transfer-Encoding": "chunked", "Content-Type": "text/event-stream"})
        for piece in pieces:
            exchange.wait(gap_s)
            exchange.chunk(piece)
        if cut:
            raise HangUpError
        exchange.send(b"0\r\n\r\n")

    return answer


def events(data: Iterable[bytes], gap_s: float = 0.0, cut: bool = False) -> Behaviour:
    """Server-sent events, one a chunk."""
    return chunked([b"data: " + line + b"\n\n" for line in data], gap_s, cut)


class FaultyServer:
    """The server. It is started by ``with`` and stopped at its end."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._behaviours: deque[Behaviour] = deque([reply()])
        self._port = 0
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        self._ending = threading.Event()
        self._listener: _Listener | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def is_up(self) -> bool:
        return self._listener is not None

    def answers(self, *behaviours: Behaviour) -> None:
        """Says how the next requests are answered, one by one; the last behaviour is repeated."""
        with self._lock:
            self._behaviours = deque(behaviours)

    def start(self) -> None:
        """Listens, after :meth:`stop` on the same port as before."""
        self._ending = threading.Event()
        self._listener = _Listener(("127.0.0.1", self._port), self._serve)
        self._port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Goes away as a server that was killed: nothing listens any more, every connection ends."""
        if self._listener is None:
            return
        self._ending.set()
        self._listener.shutdown()
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        self._listener.server_close()
        self._listener = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._clients.add(client)
            number, self.connections = self.connections, self.connections + 1
        try:
            with contextlib.suppress(OSError, HangUpError), client.makefile("rb") as stream:
                while not self._ending.is_set():
                    exchange = Exchange(_read_request(stream.readline, stream.read, number), client, self._ending)
                    self._next_behaviour(exchange.request)(exchange)
        finally:
            with self._lock:
                self._clients.discard(client)

    def _next_behaviour(self, request: Request) -> Behaviour:
        with self._lock:
            self.requests.append(request)
            return self._behaviours.popleft() if len(self._behaviours) > 1 else self._behaviours[0]


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket], None]) -> None:
        super().__init__(address, socketserver.BaseRequestHandler)
        self._serve = serve

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._serve(request)


def _read_request(read_line: Callable[[], bytes], read: Callable[[int], bytes], connection: int) -> Request:
    words = read_line().decode("latin-1").split()
    if len(words) != 3:
        raise HangUpError
    headers = {}
    while (line := read_line().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = read(int(headers.get("content-length", "0")))
    return Request(words[0], words[1], headers, body, connection)
