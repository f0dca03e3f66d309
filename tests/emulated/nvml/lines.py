"""A server of lines on a Unix socket: one thread for each connection, and every connection ends with the server."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Session(Protocol):
    """One connection, as whoever answers it sees it."""

    def reply(self, line: str) -> str:
        """Returns the answer to a line."""

    def close(self) -> None:
        """Is called once when the other side is gone, whatever the reason."""


class LineServer:
    """Listens on a path until it is closed."""

    def __init__(self, path: Path, session: Callable[[int], Session]) -> None:
        """Starts to listen.

        Args:
            path: Where the socket is made; every user may connect.
            session: Makes a session for a process id that connects.
        """
        self._session = session
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(64)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stops listening and ends every connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            session = self._session(_peer_pid(connection))
            threading.Thread(target=self._serve, args=(connection, session), daemon=True).start()

    def _serve(self, connection: socket.socket, session: Session) -> None:
        try:
            with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
                for line in lines:
                    connection.sendall(session.reply(line.decode().rstrip("\n")).encode() + b"\n")
        finally:
            with self._lock:
                self._connections.discard(connection)
            session.close()


def _peer_pid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _, _ = struct.unpack("3i", credentials)
    return int(pid)
