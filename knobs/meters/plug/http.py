"""One bounded question over HTTP to a small device that is not trusted."""

from __future__ import annotations

import http.client
import json
import math
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from knobs.contract import DeviceError, NoValueError

TIMEOUT_S = 0.5
_MOST_BYTES = 16384


def ask(host: str, port: int, path: str, timeout_s: float = TIMEOUT_S) -> Mapping[str, Any]:
    """Returns the JSON object that a device answers with.

    The whole answer must be there in time, not only its next byte; it may not be long; and nobody is sent elsewhere.

    Args:
        host: The device.
        port: Its TCP port.
        path: What is asked for.
        timeout_s: How long that may take.

    Raises:
        NoValueError: There is no answer in time, or the connection breaks.
        DeviceError: The answer is not one that is expected of such a device.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.connect()
        with _hanging_up_after(timeout_s, connection.sock):
            connection.request("GET", path, headers={"Accept": "application/json", "Connection": "close"})
            status, body = _answer(connection.getresponse())
    except (OSError, http.client.HTTPException) as error:
        what = str(error) or type(error).__name__
        raise NoValueError(
            f"The meter at {host}:{port} does not answer ({what}); see that it is on the network."
        ) from error
    finally:
        connection.close()
    return _object(status, body, f"{host}:{port}")


def number(answer: Mapping[str, Any], *path: str) -> float:
    """Returns a number out of an answer.

    Args:
        answer: The answer.
        path: The names that lead to it.

    Raises:
        DeviceError: There is none, or no finite one.
    """
    value: Any = answer
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DeviceError(f"The meter shows no number as {'.'.join(path)}: give the address of one that meters power.")
    return float(value)


@contextmanager
def _hanging_up_after(timeout_s: float, connected: socket.socket) -> Iterator[None]:
    """Breaks the connection off once time is up, so that whoever waits for a byte of it wakes up."""
    over = threading.Event()

    def hang_up() -> None:
        over.set()
        try:
            connected.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    deadline = threading.Timer(timeout_s, hang_up)
    deadline.daemon = True
    deadline.start()
    try:
        yield
    finally:
        deadline.cancel()
    if over.is_set():
        raise TimeoutError(f"not within {timeout_s:g} s")


def _answer(response: http.client.HTTPResponse) -> tuple[int, bytes]:
    body = response.read(_MOST_BYTES + 1)
    if response.length and len(body) <= _MOST_BYTES:
        raise http.client.IncompleteRead(body, response.length)
    return response.status, body


def _object(status: int, body: bytes, place: str) -> Mapping[str, Any]:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise DeviceError(f"The meter at {place} asks for a password: let it show its power to this machine without.")
    if status != HTTPStatus.OK:
        raise DeviceError(f"The meter at {place} answers with HTTP status {status}: check its kind and its address.")
    if len(body) > _MOST_BYTES:
        raise DeviceError(f"The meter at {place} answers with more than {_MOST_BYTES} bytes: check its address.")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DeviceError(f"The meter at {place} does not answer with JSON: check its kind and its address.") from error
    if not isinstance(answer, dict):
        raise DeviceError(f"The meter at {place} does not answer with a JSON object: check its kind and its address.")
    return answer
