"""A connection to a server whose every wait ends at a deadline."""

import contextlib
import errno
import os
import select
import socket
import ssl
import struct
import time
from typing import Optional

from serving_adapter.web.address import Address

_READ_BYTES = 1 << 16
_TOLERANCE_S = 0.02
_LEAVE_NOTHING = struct.pack("ii", 1, 0)


class MalformedAnswerError(Exception):
    """What came is no answer of HTTP. The message is what follows after "its answer"."""


class NoAnswerError(ConnectionError):
    """The server closed the connection before the first byte of an answer."""


class Connection:
    """A socket that is read through a buffer. Use from one thread at a time, except for :meth:`abort`.

    Everything here raises ``socket.timeout`` at the deadline, and other errors of the kind ``OSError`` as the socket
    does.

    Attributes:
        deadline_s: Instant on the monotonic clock at which to give up.
        is_reusable: Whether an answer was read to its end, and the server keeps the connection.
        kept_since_s: Since when it has been idle.
    """

    def __init__(self, address: Address, deadline_s: float, encryption: Optional[ssl.SSLContext]) -> None:
        """Connects.

        Args:
            address: The server.
            deadline_s: Instant on the monotonic clock at which to give up.
            encryption: How to check the server and to encrypt; None for plain TCP.
        """
        self.deadline_s = deadline_s
        self.is_reusable = False
        self.kept_since_s = 0.0
        self._buffer = bytearray()
        self._has_answered = False
        self._longest_wait_s = 0.0
        self._watch: Optional[select.poll] = None
        self._socket = _connected_socket(address, deadline_s)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._encrypt_or_watch(encryption, address.host)
        except BaseException:
            self._socket.close()
            raise

    @property
    def has_answered(self) -> bool:
        """Whether anything has come since the last request was sent."""
        return self._has_answered

    @property
    def has_surplus(self) -> bool:
        """Whether more has come than was read."""
        return bool(self._buffer)

    def is_stale(self) -> bool:
        """Tells whether the server has closed the connection, or sent what nobody asked for, since it was last used.

        Over TLS this cannot be seen without reading: there, a closed connection is noticed when it is used.
        """
        return self._watch is not None and bool(self._watch.poll(0))

    def send(self, request: bytes) -> None:
        """Sends a whole request."""
        self.is_reusable = self._has_answered = False
        self._limit_waits()
        self._socket.sendall(request)

    def read_line(self, longest: int) -> bytes:
        """Reads a line of at most so many bytes, and returns it without its end.

        Raises:
            NoAnswerError: The server closed the connection before the first byte.
            MalformedAnswerError: The line is longer, or the server closed the connection within it.
        """
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                return line[:-1] if line.endswith(b"\r") else line
            searched = len(self._buffer)
            if searched > longest:
                raise MalformedAnswerError(f"holds a line of more than {longest} bytes where a short one belongs")
            if not self._fill():
                raise MalformedAnswerError("ended too early") if self._has_answered else NoAnswerError

    def read_some(self, most: int) -> bytes:
        """Reads what there is, at least one byte and at most so many; nothing at the end of the connection."""
        if not self._buffer and not self._fill():
            return b""
        data = bytes(self._buffer[:most])
        del self._buffer[:most]
        return data

    def abort(self) -> None:
        """Ends whatever waits on this connection; safe from any thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def _encrypt_or_watch(self, encryption: Optional[ssl.SSLContext], host: str) -> None:
        self._limit_waits()
        if encryption is None:
            self._watch = select.poll()
            self._watch.register(self._socket, select.POLLIN)
        else:
            self._socket = encryption.wrap_socket(self._socket, server_hostname=host)

    def _limit_waits(self) -> None:
        """Lets no wait pass the deadline, or hardly: telling the socket costs a call of the system."""
        remaining_s = _remaining_s(self.deadline_s)
        if abs(remaining_s - self._longest_wait_s) > _TOLERANCE_S:
            self._socket.settimeout(remaining_s)
            self._longest_wait_s = remaining_s

    def _fill(self) -> bool:
        self._limit_waits()
        data = self._socket.recv(_READ_BYTES)
        self._buffer += data
        self._has_answered = self._has_answered or bool(data)
        return bool(data)


def _connected_socket(address: Address, deadline_s: float) -> socket.socket:
    """Tries every address of the host, all of them before the deadline."""
    failure: OSError = OSError("the host has no address")
    for family, kind, protocol, _, socket_address in socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM
    ):
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.settimeout(_remaining_s(deadline_s))
            connecting.connect(socket_address)
            # To a port that nobody listens on, TCP may connect a socket with itself: it would hold the server's port.
            if connecting.getsockname() == connecting.getpeername():
                connecting.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LEAVE_NOTHING)
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        except OSError as error:
            connecting.close()
            failure = error
        else:
            return connecting
    raise failure


def _remaining_s(deadline_s: float) -> float:
    remaining_s = deadline_s - time.monotonic()
    if remaining_s <= 0:
        raise socket.timeout("the deadline has passed")
    return remaining_s
