"""The keeper, seen from another process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from knobs.contract import (
    Conditions,
    InventoryRecord,
    KeeperState,
    KnobError,
    Reading,
    RestoreReport,
    Value,
)
from knobs.keeper.protocol import LineChannel, ProtocolError, Request, parse_reply, request_message
from knobs.keeper.records import from_json

_HEARTBEATS_PER_TIMEOUT = 4


class KeeperLostError(KnobError):
    """The keeper has died or does not answer; trial values are taken back by whoever starts it again."""


class KeeperClient:
    """One connection to the keeper. Safe to use from several threads; calls are made one after another."""

    def __init__(self, socket_path: Path, timeout_s: float = 60.0) -> None:
        """Connects.

        Args:
            socket_path: The keeper's socket.
            timeout_s: How long an answer may take.

        Raises:
            KnobError: No keeper listens there, or this user may not connect.
        """
        self._path = socket_path
        self._lock = threading.Lock()
        self._lost: str | None = None
        self._heart: _Heart | None = None
        self._channel = LineChannel(_connect(socket_path, timeout_s))

    def __enter__(self) -> KeeperClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def inventory(self) -> InventoryRecord:
        """Returns the knobs and meters, those of an attached workload included.

        Raises:
            KeeperLostError: The keeper has died.
        """
        return from_json(InventoryRecord, self._call("inventory"))

    def attach(self, pid: int) -> InventoryRecord:
        """Makes the knobs and meters of a workload process available, and returns the inventory then.

        Raises:
            RefusedError: The process belongs to somebody else.
            DeviceError: There is no such process.
            KeeperLostError: The keeper has died.
        """
        return from_json(InventoryRecord, self._call("attach", pid=pid))

    def acquire_lease(self) -> None:
        """Becomes the one writer of trial values, until released, closed or silent for too long.

        Raises:
            RefusedError: Another client holds the lease.
            KeeperLostError: The keeper has died.
        """
        timeout_s = from_json(float, self._call("acquire_lease")["timeout_s"])
        self._stop_heart()
        self._heart = _Heart(self, timeout_s / _HEARTBEATS_PER_TIMEOUT)

    def apply(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Sets all these knobs or none, under the lease; returns the values read back.

        Raises:
            RefusedError: A value is not admissible, or the lease is not held; nothing was written.
            DeviceError: The hardware did not take it; everything was put back.
            KeeperLostError: The keeper has died.
        """
        return from_json(dict[str, Value], self._call("apply", values=dict(values)))

    def read(self, knob_ids: Sequence[str]) -> dict[str, Value]:
        """Returns the values in force.

        Raises:
            RefusedError: A knob is unknown.
            DeviceError: A device does not answer.
            KeeperLostError: The keeper has died.
        """
        return from_json(dict[str, Value], self._call("read", knob_ids=list(knob_ids)))

    def sample(self, meter_ids: Sequence[str]) -> dict[str, Reading]:
        """Returns a reading of each meter, taken now.

        Raises:
            RefusedError: A meter is unknown.
            DeviceError: A meter does not answer.
            KeeperLostError: The keeper has died.
        """
        return from_json(dict[str, Reading], self._call("sample", meter_ids=list(meter_ids)))

    def observe(self) -> Conditions:
        """Returns what the devices say about themselves now, and what has happened since the last call.

        Raises:
            KeeperLostError: The keeper has died.
        """
        return from_json(Conditions, self._call("observe"))

    def release_lease(self) -> None:
        """Takes back every trial value and lets go of the lease.

        Raises:
            RefusedError: This client does not hold the lease.
            KnobError: A value could not be taken back; the keeper goes on trying.
            KeeperLostError: The keeper has died.
        """
        self._stop_heart()
        report = from_json(RestoreReport, self._call("release_lease"))
        if report.failed:
            raise KnobError(" ".join(f"{knob_id}: {reason}" for knob_id, reason in report.failed))

    def confirm(self) -> dict[str, Value]:
        """Makes the trial values the confirmed ones; returns everything that is confirmed now.

        Raises:
            RefusedError: There are no trial values, or the lease is not held.
            KeeperLostError: The keeper has died.
        """
        return from_json(dict[str, Value], self._call("confirm"))

    def restore(self, confirmed: bool = False) -> RestoreReport:
        """Takes trial values back, also from under another client, whose lease ends by it; our own lease stays.

        Args:
            confirmed: Whether to forget the confirmed values, so that every knob returns to its original.

        Raises:
            KeeperLostError: The keeper has died.
        """
        return from_json(RestoreReport, self._call("restore", confirmed=confirmed))

    def state(self) -> KeeperState:
        """Returns what is in force because of Wattune.

        Raises:
            KeeperLostError: The keeper has died.
        """
        return from_json(KeeperState, self._call("state"))

    def heartbeat(self) -> bool:
        """Shows the keeper a sign of life; tells whether the lease is still held.

        Raises:
            KeeperLostError: The keeper has died.
        """
        return bool(self._call("heartbeat")["leased"])

    def close(self) -> None:
        """Closes the connection: a lease ends by it."""
        self._stop_heart()
        self._lost = self._lost or "this client was closed"
        self._channel.close()

    def _stop_heart(self) -> None:
        if self._heart is not None:
            self._heart.stop()
            self._heart = None

    def _call(self, name: str, **arguments: Any) -> Any:
        with self._lock:
            if self._lost is not None:
                raise KeeperLostError(f"The keeper at {self._path} cannot be asked any more: {self._lost}.")
            reply = self._exchange(Request(name, arguments))
        return parse_reply(reply)

    def _exchange(self, request: Request) -> dict[str, Any]:
        """Sends a request and waits for its reply; a connection that failed once is not used again."""
        try:
            with suppress(ConnectionError):  # a keeper that refuses this user says why before it closes
                self._channel.send(request_message(request))
            reply = self._channel.receive()
        except (OSError, ProtocolError) as error:
            reply, self._lost = None, str(error) or type(error).__name__
        if reply is None:
            self._lost = self._lost or "it closed the connection"
            self._channel.close()
            raise KeeperLostError(f"The keeper at {self._path} was lost: {self._lost}; see its log and start it again.")
        return reply


class _Heart:
    """Beats in a thread until stopped, or until the keeper or the lease is lost."""

    def __init__(self, client: KeeperClient, interval_s: float) -> None:
        """Starts to beat."""
        self._client = client
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="keeper-heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops, and waits for a beat under way."""
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(self._interval_s):
            try:
                if not self._client.heartbeat():
                    return
            except KeeperLostError:
                return  # the next call of the client says so


def _connect(path: Path, timeout_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    connection.settimeout(timeout_s)
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise KnobError(
            f"No keeper answers at {path}: {error.strerror or error}; start wattune serve, or check your rights."
        ) from error
    return connection
