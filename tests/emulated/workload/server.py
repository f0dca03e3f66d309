"""Lets other processes run batches on an emulated device: one line a batch over a Unix socket."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from knobs.contract import KnobError

SOCKET_VARIABLE = "WATTUNE_EMULATED_WORK"
"""Where the model finds the server's socket."""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        for line in self.rfile:
            self.wfile.write(json.dumps(self.server.work(int(line))).encode() + b"\n")


class Worker(Protocol):
    """What works on batches: a device, or what wraps one."""

    def infer(self, profile_name: str, items: int) -> float:
        """Works on one batch; returns how long it took, in seconds."""


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, devices: Sequence[Worker], profile: str) -> None:
        super().__init__(str(path), _Handler)
        self._devices = devices
        self._profile = profile

    def work(self, items: int) -> dict[str, object]:
        """Runs a batch on all devices at once, as tensor-parallel models do; the slowest decides."""
        errors: list[str] = []

        def run(device: Worker) -> None:
            try:
                device.infer(self._profile, items)
            except KnobError as error:
                errors.append(str(error))

        threads = [threading.Thread(target=run, args=(device,)) for device in self._devices[1:]]
        for thread in threads:
            thread.start()
        run(self._devices[0])
        for thread in threads:
            thread.join()
        return {"error": errors[0]} if errors else {}


@contextmanager
def work_server(path: Path, devices: Sequence[Worker], profile: str) -> Iterator[None]:
    """Serves until the block ends.

    Args:
        path: The socket.
        devices: The devices that work together.
        profile: Which of their workloads they run.
    """
    with _Server(path, devices, profile) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class WorkClient:
    """Runs batches, one after the other."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._answers = self._socket.makefile("rb")

    def run(self, items: int) -> None:
        """Runs a batch; returns when it is done.

        Raises:
            RuntimeError: The device failed, as a CUDA error would be raised.
        """
        self._socket.sendall(f"{items}\n".encode())
        answer = json.loads(self._answers.readline() or '{"error": "the device is gone"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
