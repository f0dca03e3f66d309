"""A small HTTP server that answers as the plugs' documentation says, or as broken ones do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def gen2_status(power_w: float) -> str:
    """Switch.GetStatus of Shelly's Gen2+ device API."""
    return json.dumps(
        {
            "id": 0,
            "source": "WS_in",
            "output": True,
            "apower": power_w,
            "voltage": 230.3,
            "freq": 50.0,
            "current": 0.667,
            "aenergy": {"total": 267.813, "by_minute": [1773.6, 1772.9, 1770.1], "minute_ts": 1675718520},
            "temperature": {"tC": 43.3, "tF": 109.9},
        }
    )


def gen1_meter(power_w: float, *, is_valid: bool = True) -> str:
    """/meter/0 of Shelly's Gen1 device API."""
    return json.dumps(
        {
            "power": power_w,
            "overpower": 0.0,
            "is_valid": is_valid,
            "timestamp": 1606215925,
            "counters": [48.663, 48.776, 46.173],
            "total": 394,
        }
    )


def tasmota_status_8(power_w: float) -> str:
    """Status 8 of Tasmota with an energy sensor."""
    energy = {
        "TotalStartTime": "2020-10-21T22:15:00",
        "Total": 3.705,
        "Yesterday": 0.028,
        "Today": 0.026,
        "Power": power_w,
        "ApparentPower": 5,
        "ReactivePower": 0,
        "Factor": 1.0,
        "Voltage": 233,
        "Current": 0.021,
    }
    return json.dumps({"StatusSNS": {"Time": "2022-01-11T21:57:38", "ENERGY": energy}})


def documents(by_path: dict[str, Callable[[], str]]) -> Answer:
    """Answers known paths with their document, others with 404."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        document = by_path.get(request.path)
        reply(request, 200 if document else 404, document() if document else "Not Found")

    return answer


def reply(request: BaseHTTPRequestHandler, status: int, body: str, headers: dict[str, str] | None = None) -> None:
    request.send_response(status)
    for name, value in {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body.encode())


def dripping(request: BaseHTTPRequestHandler) -> None:
    """One byte at a time, each well within any timeout of its own."""
    request.send_response(200)
    request.end_headers()
    for byte in gen2_status(50.0).encode():
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(0.05)


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b" " * 65536)


def hanging_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def hanging_up_in_the_middle(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "500")
    request.end_headers()
    request.wfile.write(b'{"apower":')


@contextmanager
def served(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """Yields the host and port of a server, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            try:
                answer(self)
            except OSError:
                self.close_connection = True

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
