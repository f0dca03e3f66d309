"""A keeper or a daemon of our own, on a simulated device, in scratch directories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuner.cli.sockets import CONTROL_SOCKET, KEEPER_SOCKET, listens

ROOT = Path(__file__).parents[3]
DEVICE = "virtual:agx-orin"
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Places:
    """Where one installation lives. The path is short: a Unix socket's may not exceed 107 bytes."""

    base: Path

    @property
    def config(self) -> Path:
        return self.base / "wattune.toml"

    @property
    def run(self) -> Path:
        return self.base / "run"

    @property
    def state(self) -> Path:
        return self.base / "state"

    @property
    def options(self) -> list[str]:
        return ["--config", str(self.config), "--runtime-dir", str(self.run), "--state-dir", str(self.state)]


@contextmanager
def scratch_places() -> Iterator[Places]:
    places = Places(Path(tempfile.mkdtemp(prefix="wt-")))
    try:
        for directory in (places.run, places.state):
            directory.mkdir(mode=0o700)
        places.config.write_text(f'device = "{DEVICE}"\n')
        (places.base / "workloads.d").mkdir()
        (places.base / "workloads.d" / "llm.toml").write_text(
            'name = "llm"\nadapter = "virtual"\n[objective]\nscenario = "multi-stream"\nslo = "p90 <= 8 s"\n'
        )
        yield places
    finally:
        shutil.rmtree(places.base)


def wattune(*arguments: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    environment = {name: value for name, value in os.environ.items() if name != "WATTUNE_RUNTIME_DIR"}
    return subprocess.run(
        [sys.executable, "-m", "tuner.cli.main", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@contextmanager
def running(verb: str, places: Places, python_options: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """Runs ``serve`` or ``keeper`` until the block ends."""
    log = (places.base / f"{verb}.log").open("w")
    process = subprocess.Popen(
        [sys.executable, *python_options, "-m", "tuner.cli.main", verb, *places.options],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        socket = places.run / (CONTROL_SOCKET if verb == "serve" else KEEPER_SOCKET)
        deadline_s = time.monotonic() + _PATIENCE_S
        while not listens(socket):
            assert process.poll() is None, (places.base / f"{verb}.log").read_text()
            assert time.monotonic() < deadline_s, f"{verb} does not answer"
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)
        log.close()
