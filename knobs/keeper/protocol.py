"""What travels over the keeper's socket: one JSON object a line, a request and then its reply.

A request names a call and gives its arguments; it never carries code, commands or paths::

    {"version": 1, "call": "apply", "arguments": {"values": {"gpu.core.max_mhz": 918}}}
    {"version": 1, "result": {"gpu.core.max_mhz": 918}}
    {"version": 1, "error": {"kind": "refused", "message": "…"}}
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import Any

from knobs.contract import DeviceError, KnobError, RefusedError

VERSION = 1
MAX_LINE_BYTES = 1 << 20

_KINDS: dict[str, type[KnobError]] = {"refused": RefusedError, "device": DeviceError, "failed": KnobError}
_RECEIVE_BYTES = 65536


class ProtocolError(RefusedError):
    """What arrived is not a line of this protocol."""


@dataclass(frozen=True)
class Request:
    """One call.

    Attributes:
        call: Its name.
        arguments: Its arguments by name.
    """

    call: str
    arguments: dict[str, Any] = field(default_factory=dict)


class LineChannel:
    """Lines over a connected stream socket."""

    def __init__(self, connection: socket.socket) -> None:
        """Takes over a connected socket."""
        self._socket = connection
        self._received = bytearray()

    def send(self, message: dict[str, Any]) -> None:
        """Sends one line.

        Raises:
            OSError: The other side is gone.
        """
        self._socket.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def receive(self) -> dict[str, Any] | None:
        """Waits for one line; None once the other side has closed.

        Raises:
            ProtocolError: The line is too long, not JSON, or of another version.
            OSError: The other side is gone, or silent for too long where the socket has a timeout.
        """
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > MAX_LINE_BYTES:
                raise ProtocolError(f"A line of more than {MAX_LINE_BYTES} bytes is too long.")
            part = self._socket.recv(_RECEIVE_BYTES)
            if not part:
                return None
            self._received += part
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return _parse(line)

    def close(self) -> None:
        """Closes the socket, also under a thread that waits for a line."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._socket.close()
            return
        self._socket.close()


def request_message(request: Request) -> dict[str, Any]:
    """Returns a request as it travels."""
    return {"version": VERSION, "call": request.call, "arguments": request.arguments}


def result_message(result: Any) -> dict[str, Any]:
    """Returns a result as it travels."""
    return {"version": VERSION, "result": result}


def error_message(error: KnobError) -> dict[str, Any]:
    """Returns an error as it travels."""
    kind = next(name for name, kind in _KINDS.items() if isinstance(error, kind))
    return {"version": VERSION, "error": {"kind": kind, "message": str(error)}}


def parse_request(message: dict[str, Any]) -> Request:
    """Reads a request.

    Raises:
        ProtocolError: It is none.
    """
    call, arguments = message.get("call"), message.get("arguments", {})
    if not isinstance(call, str) or not isinstance(arguments, dict):
        raise ProtocolError("A request needs a call and its arguments.")
    return Request(call, arguments)


def parse_reply(message: dict[str, Any]) -> Any:
    """Returns the result in a reply.

    Raises:
        KnobError: The error in the reply, of the kind that the keeper raised.
    """
    error = message.get("error")
    if error is None:
        return message.get("result")
    raise _KINDS.get(error.get("kind"), KnobError)(error.get("message", "The keeper gave no reason."))


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("A line is not JSON.") from error
    if not isinstance(message, dict) or message.get("version") != VERSION:
        raise ProtocolError(f"The keeper speaks protocol version {VERSION}: install the same Wattune on both sides.")
    return message
