"""A real MLServer that serves a small dense network, in a folder and on ports of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving.environments import MLSERVER
from tests.serving.ports import free_ports

MODEL = "dense-network"
INPUT, OUTPUT = "features", "scores"
READY_S = 60.0
_MODELS = Path(__file__).parent / "models"


@dataclass(frozen=True)
class Network:
    """What the model costs: an item takes ``2 * layers * width ** 2`` floating-point operations.

    Attributes:
        width: Width of each layer.
        layers: Their number.
    """

    width: int = 256
    layers: int = 4


_NETWORK = Network()
_AS_IT_IS = -1


class MLServer:
    """The server. It keeps its ports over a restart, and serves with one thread."""

    def __init__(self, folder: Path, network: Network, parallel_workers: int, told_width: int | None) -> None:
        self._folder = folder
        self._http_port, self._grpc_port, self._metrics_port = free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        _write_repository(folder / "repository", network, told_width)
        (folder / "settings.json").write_text(
            json.dumps(
                {
                    "host": "127.0.0.1",
                    "http_port": self._http_port,
                    "grpc_port": self._grpc_port,
                    "metrics_port": self._metrics_port,
                    "metrics_dir": str(folder / "metrics"),
                    "environments_dir": str(folder / "environments"),
                    "model_repository_root": str(folder / "repository"),
                    "parallel_workers": parallel_workers,
                    "debug": False,
                }
            )
        )

    @property
    def http_url(self) -> str:
        """Where it speaks HTTP."""
        return f"http://127.0.0.1:{self._http_port}"

    @property
    def grpc_url(self) -> str:
        """Where it speaks gRPC."""
        return f"grpc://127.0.0.1:{self._grpc_port}"

    @property
    def metrics_url(self) -> str:
        """Where its metrics are."""
        return f"http://127.0.0.1:{self._metrics_port}/metrics"

    @property
    def pid(self) -> int:
        """The process that listens."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until the model answers, over HTTP and gRPC."""
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(MLSERVER.program("mlserver")), "start", str(self._folder)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **threads, "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
        deadline_s = time.monotonic() + READY_S
        while not (_is_ready(self.http_url) and _listens(self._grpc_port) and _listens(self._metrics_port)):
            assert self._process.poll() is None, f"MLServer ended: {self._log_end()}"
            assert time.monotonic() < deadline_s, f"MLServer is not ready: {self._log_end()}"
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it and its workers at once, whatever they are doing."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def restart(self) -> None:
        """Ends it, if it runs, and starts it on the same ports."""
        self.kill()
        self.start()

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _log_end(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


@contextmanager
def mlserver(
    folder: Path, network: Network = _NETWORK, parallel_workers: int = 0, told_width: int | None = _AS_IT_IS
) -> Iterator[MLServer]:
    """Serves a dense network, and ends the server whatever happens.

    Args:
        folder: Where settings, model and log go; empty.
        network: What a request costs.
        parallel_workers: Processes that compute; 0 for the one that listens.
        told_width: The width that the metadata tell of; None for metadata without tensors.
    """
    if MLSERVER.obstacle:
        pytest.skip(MLSERVER.obstacle)
    server = MLServer(folder, network, parallel_workers, network.width if told_width == _AS_IT_IS else told_width)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _write_repository(folder: Path, network: Network, told_width: int | None) -> None:
    folder.mkdir(parents=True)
    shutil.copy(_MODELS / "dense_network.py", folder)
    tensor = {"datatype": "FP32", "shape": [-1, told_width]}
    told = {"inputs": [{"name": INPUT, **tensor}], "outputs": [{"name": OUTPUT, **tensor}]}
    (folder / "model-settings.json").write_text(
        json.dumps(
            {
                "name": MODEL,
                "implementation": "dense_network.DenseNetwork",
                **(told if told_width is not None else {}),
                "parameters": {"version": "1", "extra": {"width": network.width, "layers": network.layers}},
            }
        )
    )


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/v2/models/{MODEL}/ready", timeout=5.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1.0)
        return client.connect_ex(("127.0.0.1", port)) == 0
