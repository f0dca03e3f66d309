"""The keeper as a process: its socket, its signals, and what it does when it starts and stops."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from knobs.contract import KnobError, RefusedError, RestoreReport, Value
from knobs.durable import prepare_directory
from knobs.inventory import Inventory
from knobs.journal import Journal
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.keeper.lease import Lease
from knobs.keeper.notify import notify
from knobs.keeper.protocol import LineChannel, error_message
from knobs.keeper.session import Custody, Peer, Session
from knobs.keeper.single import only_keeper

_LOGGER = logging.getLogger(__name__)

_TICK_S = 0.1
_FIRST_RETRY_S = 3.0
_LONGEST_RETRY_S = 300.0
_MOST_CONNECTIONS = 64


def serve(
    inventory: Inventory,
    *,
    socket_path: Path,
    runtime_dir: Path,
    state_dir: Path,
    on_stop: Literal["restore", "keep"],
    bounds: Mapping[str, tuple[Value, ...]],
    allowed_uids: frozenset[int],
    lease_timeout_s: float = 3.0,
    parent_fd: int | None = None,
    ready: Callable[[], None] | None = None,
) -> int:
    """Keeps the hardware until SIGTERM, SIGINT or the parent's end; returns the exit status.

    Args:
        inventory: The knobs and meters.
        socket_path: Where clients connect.
        runtime_dir: The folder of the journal.
        state_dir: The folder of the confirmed values.
        on_stop: Whether a deliberate stop takes confirmed values back as well.
        bounds: The values that the operator allows, by knob id.
        allowed_uids: The users who may connect.
        lease_timeout_s: How long the holder of the lease may be silent.
        parent_fd: The read end of a pipe whose other end only the parent holds: at its end, the keeper stops.
        ready: Called once clients can connect.

    Raises:
        KnobError: Another keeper runs, or a folder or the socket cannot be used.
    """
    with ExitStack() as cleanup:
        prepare_directory(runtime_dir)
        cleanup.enter_context(only_keeper(runtime_dir))
        keeper = Keeper(inventory, Journal(runtime_dir), Desired(state_dir), bounds)
        custody = Custody(keeper, Lease(lease_timeout_s))
        stop = cleanup.enter_context(_StopRequest(ignore_interrupt=parent_fd is not None))
        _log_report("at start", keeper.start())
        listener = cleanup.enter_context(_Listener(socket_path, custody, allowed_uids))
        notify("READY=1")
        if ready is not None:
            ready()
        _watch(listener, custody, stop.descriptor, parent_fd)
        notify("STOPPING=1")
        report = custody.stop(restore_confirmed=on_stop == "restore")
        _log_report("at stop", report)
        return 1 if report.failed else 0


def _watch(listener: _Listener, custody: Custody, stop_fd: int, parent_fd: int | None) -> None:
    """Accepts clients, watches the lease and retries what is owed, until asked to stop."""
    retries = _Retries(custody)
    with selectors.DefaultSelector() as selector:
        selector.register(listener.socket, selectors.EVENT_READ)
        endings = {stop_fd} if parent_fd is None else {stop_fd, parent_fd}
        for descriptor in endings:
            selector.register(descriptor, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(_TICK_S):
                if key.fd in endings:
                    return
                listener.accept()
            custody.end_lease_if_expired()
            retries.run_if_due()


class _Retries:
    """Tries again, ever less often, what could not be put back."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._pause_s = _FIRST_RETRY_S
        self._due_s = time.monotonic() + self._pause_s

    def run_if_due(self) -> None:
        """Tries again if it is time to."""
        if time.monotonic() < self._due_s:
            return
        with self._custody.lock:
            owes = self._custody.keeper.owes
            if owes:
                _log_report("in a further attempt", self._custody.keeper.retry_owed())
        self._pause_s = min(2 * self._pause_s, _LONGEST_RETRY_S) if owes else _FIRST_RETRY_S
        self._due_s = time.monotonic() + self._pause_s


def _log_report(when: str, report: RestoreReport) -> None:
    """Failures and notes are logged where they happen."""
    if report.restored:
        _LOGGER.info("Put back %s: %s.", when, ", ".join(report.restored))
    if report.pending:
        _LOGGER.warning("Still hidden by a cap %s: %s.", when, ", ".join(report.pending))


class _StopRequest:
    """SIGTERM and SIGINT as a readable descriptor, where the keeper owns the main thread."""

    def __init__(self, *, ignore_interrupt: bool) -> None:
        """Prepares.

        Args:
            ignore_interrupt: Whether SIGINT is left to the parent, who gets the terminal's as well.
        """
        self.descriptor, self._write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._ignore_interrupt = ignore_interrupt

    def __enter__(self) -> _StopRequest:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._request)
            signal.signal(signal.SIGINT, signal.SIG_IGN if self._ignore_interrupt else self._request)
        return self

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(self._write_end)
        os.close(self.descriptor)

    def _request(self, *_: object) -> None:
        os.write(self._write_end, b"x")


class _Listener:
    """The keeper's socket: accepts the users that may connect, one thread each."""

    def __init__(self, path: Path, custody: Custody, allowed_uids: frozenset[int]) -> None:
        """Prepares; see :func:`serve`."""
        self._path = path
        self._custody = custody
        self._allowed_uids = allowed_uids
        self._channels: set[LineChannel] = set()
        self._lock = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)

    def __enter__(self) -> _Listener:
        earlier_umask = os.umask(0o117)
        try:
            if self._path.is_socket():
                self._path.unlink()  # left by a keeper that was killed: the lock says that none runs
            self.socket.bind(str(self._path))
            self.socket.listen()
        except OSError as error:
            raise KnobError(
                f"Cannot listen at {self._path}: {error.strerror or error}; choose a short path in a folder of yours."
            ) from error
        finally:
            os.umask(earlier_umask)
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self._path.unlink(missing_ok=True)
        with self._lock:
            for channel in self._channels:
                channel.close()

    def accept(self) -> None:
        """Takes one connection, and serves it in a thread of its own if its user may connect."""
        try:
            connection, _ = self.socket.accept()
        except OSError as error:
            _LOGGER.info("A client left before it was accepted: %s", error)
            return
        connection.setblocking(True)
        peer = peer_of(connection)
        channel = LineChannel(connection)
        with self._lock:
            refusal = self._refusal(peer.uid)
            if refusal is None:
                self._channels.add(channel)
        if refusal is None:
            threading.Thread(target=self._serve, args=(channel, peer), daemon=True).start()
        else:
            _refuse(channel, refusal)

    def _refusal(self, uid: int) -> RefusedError | None:
        if uid not in self._allowed_uids:
            return RefusedError(f"User id {uid} may not use the keeper: add it to the keeper's allowed users.")
        if len(self._channels) >= _MOST_CONNECTIONS:
            return RefusedError("Too many clients are connected to the keeper: close some first.")
        return None

    def _serve(self, channel: LineChannel, peer: Peer) -> None:
        try:
            Session(self._custody, channel, peer).serve()
        finally:
            with self._lock:
                self._channels.discard(channel)


def _refuse(channel: LineChannel, refusal: RefusedError) -> None:
    try:
        channel.send(error_message(refusal))
    except OSError as error:
        _LOGGER.info("A refused client left early: %s", error)
    channel.close()


def peer_of(connection: socket.socket) -> Peer:
    """Returns the process that connected, as the kernel recorded it (unix(7), SO_PEERCRED)."""
    layout = struct.Struct("3i")
    pid, uid, _ = layout.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, layout.size))
    return Peer(uid=int(uid), pid=int(pid) or None)
