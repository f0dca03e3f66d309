"""One client's connection: requests in, calls on the keeper, replies out."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from knobs.contract import KnobError, RefusedError, RestoreReport, Value
from knobs.keeper.keeper import Keeper
from knobs.keeper.lease import Lease
from knobs.keeper.protocol import (
    LineChannel,
    ProtocolError,
    Request,
    error_message,
    parse_request,
    result_message,
)
from knobs.keeper.records import MalformedRecordError, from_json, to_json

_LOGGER = logging.getLogger(__name__)


class Custody:
    """The keeper and its lease, with the lock that every write needs."""

    def __init__(self, keeper: Keeper, lease: Lease) -> None:
        """Shares keeper and lease between connections."""
        self.keeper = keeper
        self.lease = lease
        self.lock = threading.RLock()
        self._stopped = False

    def end_lease_of(self, holder: object) -> None:
        """Takes trial values back if this one holds the lease."""
        with self.lock:
            if self.lease.held_by(holder):
                self.end_lease("its connection closed")

    def end_lease_if_expired(self) -> None:
        """Takes trial values back if the holder has been silent for too long."""
        with self.lock:
            if self.lease.expired:
                self.end_lease(f"its heartbeat stopped for {self.lease.timeout_s:g} s")

    def end_lease(self, reason: str) -> RestoreReport:
        """Takes trial values back and the lease from whoever holds it."""
        with self.lock:
            self.lease.release()
            report = self.keeper.take_back()
            _LOGGER.info("The lease ended (%s); put back: %s.", reason, ", ".join(report.restored) or "nothing")
            return report

    def stop(self, *, restore_confirmed: bool) -> RestoreReport:
        """Takes trial values back, and confirmed ones if wanted; nothing can be set afterwards."""
        with self.lock:
            self._stopped = True
            self.lease.release()
            return self.keeper.take_back_all() if restore_confirmed else self.keeper.take_back()

    def require_running(self) -> None:
        """Makes sure that something may still be set.

        Raises:
            RefusedError: The keeper is about to exit.
        """
        if self._stopped:
            raise RefusedError("The keeper is stopping: start it again first.")


@dataclass(frozen=True)
class Peer:
    """The process on the other end of a connection, when it connected.

    Attributes:
        uid: Its user id.
        pid: Its process id; None if it is in a container whose processes cannot be seen from here.
    """

    uid: int
    pid: int | None


class Session:
    """Serves one connection until it closes."""

    def __init__(self, custody: Custody, channel: LineChannel, peer: Peer) -> None:
        """Prepares a session.

        Args:
            custody: The keeper and its lease.
            channel: The connection.
            peer: The client, as the kernel states it.
        """
        self._custody = custody
        self._keeper = custody.keeper
        self._channel = channel
        self._peer = peer
        self._calls: dict[str, Callable[[dict[str, Any]], Any]] = {
            "inventory": self._inventory,
            "attach": self._attach,
            "acquire_lease": self._acquire_lease,
            "heartbeat": lambda _: {"leased": custody.lease.held_by(self)},
            "apply": self._apply,
            "read": lambda arguments: self._keeper.read(_argument(arguments, "knob_ids", tuple[str, ...])),
            "sample": lambda arguments: self._keeper.sample(_argument(arguments, "meter_ids", tuple[str, ...])),
            "observe": lambda _: self._keeper.observe(),
            "release_lease": self._release_lease,
            "confirm": self._confirm,
            "restore": self._restore,
            "state": self._state,
        }

    def serve(self) -> None:
        """Answers requests until the client closes; then ends its lease."""
        try:
            while (message := self._channel.receive()) is not None:
                self._channel.send(self._answer(message))
        except ProtocolError as error:
            _LOGGER.warning("User %d sent something else than a request: %s", self._peer.uid, error)
        except OSError as error:
            _LOGGER.info("A connection of user %d broke: %s", self._peer.uid, error)
        finally:
            self._custody.end_lease_of(self)
            self._channel.close()

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        with self._custody.lease.answering(self):
            try:
                request = parse_request(message)
                return result_message(to_json(self._call(request)))
            except KnobError as error:
                return error_message(error)

    def _call(self, request: Request) -> Any:
        call = self._calls.get(request.call)
        if call is None:
            raise RefusedError(f"The keeper knows no call {request.call[:40]!r}.")
        return call(request.arguments)

    def _inventory(self, _: dict[str, Any]) -> Any:
        with self._custody.lock:
            return self._keeper.inventory()

    def _state(self, _: dict[str, Any]) -> Any:
        with self._custody.lock:
            return replace(self._keeper.state(), leased=self._custody.lease.held)

    def _attach(self, arguments: dict[str, Any]) -> Any:
        pid = _argument(arguments, "pid", int)
        privileged = self._peer.uid in (0, os.geteuid())
        with self._custody.lock:
            self._custody.require_running()
            allowed_uids = None if privileged else frozenset({self._peer.uid})
            return self._keeper.attach(pid, allowed_uids, self._peer.pid)

    def _acquire_lease(self, _: dict[str, Any]) -> Any:
        with self._custody.lock:
            self._custody.require_running()
            self._custody.lease.acquire(self)
            return {"timeout_s": self._custody.lease.timeout_s}

    def _apply(self, arguments: dict[str, Any]) -> Any:
        values = _argument(arguments, "values", dict[str, Value])
        with self._custody.lock:
            self._custody.require_running()
            self._custody.lease.require(self)
            return self._keeper.apply(values)

    def _release_lease(self, _: dict[str, Any]) -> Any:
        with self._custody.lock:
            self._custody.lease.require(self)
            return self._custody.end_lease("it was released")

    def _confirm(self, _: dict[str, Any]) -> Any:
        with self._custody.lock:
            self._custody.require_running()
            self._custody.lease.require(self)
            return self._keeper.confirm()

    def _restore(self, arguments: dict[str, Any]) -> Any:
        """Whoever is authorised may take values back, also from under a study, whose lease ends by it.

        The holder itself keeps its lease: a study goes back to its baseline in this way.
        """
        withdraw = _argument(arguments, "confirmed", bool)
        with self._custody.lock:
            if not self._custody.lease.held_by(self):
                self._custody.lease.release()
            return self._keeper.withdraw() if withdraw else self._keeper.take_back()


def _argument(arguments: dict[str, Any], name: str, kind: Any) -> Any:
    try:
        return from_json(kind, arguments.get(name))
    except MalformedRecordError as error:
        raise RefusedError(f"The argument {name} is wrong: {error}") from error
