"""The connections to one server: as many as there are requests at once, kept from one request to the next."""

import socket
import ssl
import threading
import time
from typing import List, Optional, Set, Tuple

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.web.address import Address
from serving_adapter.web.connection import Connection
from serving_adapter.web.message import Head, read_head
from serving_adapter.words import describe

_SHORTEST_KEEPING_S = 1.0
"""No server in use closes a connection that it keeps after less (gunicorn: 2 s, uvicorn: 5 s, nginx: 75 s)."""


class ConnectionPool:
    """Lends connections to threads; the one that was used last is lent first."""

    def __init__(self, address: Address) -> None:
        """Connects to nothing yet."""
        self._address = address
        self._encryption = ssl.create_default_context() if address.is_encrypted else None
        self._idle: List[Connection] = []
        self._connections: Set[Connection] = set()
        self._is_closed = False
        self._lock = threading.Lock()

    def ask(self, method: str, request: bytes, deadline_s: float) -> Tuple[Connection, Head]:
        """Sends a request and reads the head of its answer.

        A server may close a connection that was idle for long at the very moment at which it is used again. A request
        that met this is sent once more, on a new connection (RFC 9112, section 9.3.1). A server that hangs up on a
        request under load has failed it.

        Args:
            method: The request's method.
            request: The whole request.
            deadline_s: Instant on the monotonic clock at which the whole exchange has failed.

        Returns:
            The connection, to be given back with :meth:`release`, and the head.

        Raises:
            RequestFailedError: The server cannot be reached.
            AdapterError: The pool is closed.
            MalformedAnswerError: The answer is none.
            OSError: The connection broke, or the deadline passed.
        """
        if self._is_closed:
            raise self._closed()
        connection = self._take_idle()
        if connection is not None:
            was_idle = time.monotonic() - connection.kept_since_s >= _SHORTEST_KEEPING_S
            try:
                return self._ask_on(connection, method, request, deadline_s)
            except socket.timeout:
                raise
            except OSError:
                if connection.has_answered or not was_idle:
                    raise
        return self._ask_on(self._connect(deadline_s), method, request, deadline_s)

    def release(self, connection: Connection) -> None:
        """Takes a connection back: keeps it if its answer was read to the end and it can be used again."""
        with self._lock:
            if connection.is_reusable and not connection.has_surplus and not self._is_closed:
                connection.kept_since_s = time.monotonic()
                self._idle.append(connection)
                return
            self._connections.discard(connection)
        connection.close()

    def close(self) -> None:
        """Closes every connection; requests under way fail, and later ones are refused."""
        with self._lock:
            self._is_closed = True
            for connection in self._connections:
                connection.abort()
            idle, self._idle = self._idle, []
        for connection in idle:
            self.release(connection)

    def _ask_on(
        self, connection: Connection, method: str, request: bytes, deadline_s: float
    ) -> Tuple[Connection, Head]:
        try:
            connection.deadline_s = deadline_s
            connection.send(request)
            return connection, read_head(connection, method)
        except BaseException:
            self.release(connection)
            raise

    def _take_idle(self) -> Optional[Connection]:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            connection.is_reusable = False
            if not connection.is_stale():
                return connection
            self.release(connection)

    def _connect(self, deadline_s: float) -> Connection:
        try:
            connection = Connection(self._address, deadline_s, self._encryption)
        except socket.timeout:
            raise
        except (OSError, UnicodeError) as error:
            raise RequestFailedError(
                f"The server {self._address.origin} cannot be reached ({describe(error)}): is it running?"
            ) from error
        with self._lock:
            if not self._is_closed:
                self._connections.add(connection)
                return connection
        connection.close()
        raise self._closed()

    def _closed(self) -> AdapterError:
        return AdapterError(f"The connection to the server {self._address.origin} was closed.")
