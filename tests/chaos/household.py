"""A daemon and all the processes that it has started, found without asking any of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil

from tests.chaos.stages import Stage
from tuner.client import Client
from tuner.errors import WattuneError

GENEROUS_S = 120.0
_MARK = "WATTUNE_CHAOS"
"""This environment variable tells the processes of one household from all others: every child inherits it."""

_WORDS = {
    "daemon": ("tuner.cli.main", "serve"),
    "keeper": ("tuner.cli.main", "keeper"),
    "worker": ("tuner.search.worker",),
    "runner": ("serving_adapter/runner/__main__.py",),
}


def wait_until(condition: Callable[[], bool], what: Callable[[], str], limit_s: float = GENEROUS_S) -> float:
    """Waits for something that is bound to happen; returns how long that took."""
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < limit_s, f"not within {limit_s:g} s: {what()}"
        time.sleep(0.01)
    return time.monotonic() - start_s


class Household:
    """The files of a daemon, and the daemons started on them, one after the other."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder = folder
        self.stage = stage
        self.runtime_dir = folder / "run"
        self.state_dir = folder / "state"
        for directory in (self.runtime_dir, self.state_dir, folder / "workloads.d"):
            directory.mkdir(mode=0o700)
        (folder / "wattune.toml").write_text(stage.config)
        (folder / "workloads.d" / "victim.toml").write_text(stage.workload.replace("{folder}", str(folder)))
        self._environment = {**os.environ, "OMP_NUM_THREADS": "2", _MARK: uuid4().hex}
        self._daemon: subprocess.Popen[bytes] | None = None

    def _command(self, verb: str) -> list[str]:
        places = ["--runtime-dir", str(self.runtime_dir), "--state-dir", str(self.state_dir)]
        config = ["--config", str(self.folder / "wattune.toml")]
        return [sys.executable, "-m", "tuner.cli.main", verb, *config, *places]

    # The daemon ----------------------------------------------------------------------------------

    def client(self) -> Client:
        return Client(self.runtime_dir / "control.sock")

    def serve(self) -> None:
        """Starts a daemon, if none runs."""
        if self._daemon is None:
            with (self.folder / "log").open("ab") as log:
                command = self.stage.enter(self._command("serve"))
                self._daemon = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)

    def wait_for_daemon(self) -> None:
        with self.client() as client:
            wait_until(lambda: self._answers(client), lambda: f"the daemon answers; its log: {self.log()}")

    def _answers(self, client: Client) -> bool:
        assert self._daemon is not None
        assert self._daemon.poll() is None, f"the daemon has ended: {self.log()}"
        try:
            client.status()
        except WattuneError:
            return False
        return True

    def stop(self) -> int:
        """Stops the daemon as a service manager does; returns its exit status."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGTERM)
        return self._collect()

    def _collect(self) -> int:
        assert self._daemon is not None
        status = self._daemon.wait(GENEROUS_S)
        self._daemon = None
        return status

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    # Its processes ---------------------------------------------------------------------------------

    def processes(self, kind: str | None = None) -> list[psutil.Process]:
        """Returns the processes of the household that run, of one kind or of any."""
        return [process for process in psutil.process_iter() if self._is_ours(process, kind)]

    def _is_ours(self, process: psutil.Process, kind: str | None) -> bool:
        try:
            if process.environ().get(_MARK) != self._environment[_MARK]:
                return False
            words = process.cmdline()
            return kind is None or all(any(wanted in word for word in words) for wanted in _WORDS[kind])
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    @property
    def daemon(self) -> psutil.Process:
        assert self._daemon is not None, "the daemon was started"
        return psutil.Process(self._daemon.pid)

    def kill(self, victim: psutil.Process) -> None:
        """Kills one process as ``kill -9`` does, and waits until the kernel has ended it."""
        victim.send_signal(signal.SIGKILL)
        if self._daemon is not None and victim.pid == self._daemon.pid:
            self._collect()
        wait_until(lambda: has_ended(victim), lambda: f"process {victim.pid} ends")

    def close(self) -> None:
        """Ends every process of the household, whatever state it is in."""
        while processes := self.processes():
            for process in processes:
                with_grace(process.kill)
            time.sleep(0.01)
        if self._daemon is not None:
            self._collect()

    # What is left ------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Runs ``wattune restore``, which must succeed."""
        done = subprocess.run(self._command("restore"), capture_output=True, text=True, timeout=GENEROUS_S, check=False)
        assert done.returncode == 0, f"wattune restore: {done.stdout} {done.stderr}"

    def journal(self) -> list[str]:
        """Returns the knobs that the journal holds an original of."""
        path = self.runtime_dir / "journal.jsonl"
        if not path.exists():
            return []
        entries = [json.loads(line) for line in path.read_text().splitlines()]
        return [f"the journal holds {entry['knob_id']} of process {entry['process'] or '-'}" for entry in entries]

    def journal_stamp(self) -> tuple[int, int]:
        """Returns what changes whenever the journal is written."""
        try:
            stat = (self.runtime_dir / "journal.jsonl").stat()
        except FileNotFoundError:
            return (0, 0)
        return (stat.st_ino, stat.st_mtime_ns)

    def signs(self) -> list[str]:
        """Says what shows at a glance that knobs are displaced."""
        return [*self.stage.displaced([]), *self.journal()]

    def displaced(self) -> list[str]:
        """Says what is not as it was before Wattune came."""
        return [*self.stage.displaced(self.processes("runner")), *self.journal()]

    def left_of(self, runner: psutil.Process) -> list[str]:
        """Says what is left of a runner that has ended."""
        entries = [sentence for sentence in self.journal() if f" {runner.pid}-" in sentence]
        return [*self.stage.left_of(runner), *entries]


def has_ended(process: psutil.Process) -> bool:
    """Tells whether a process is gone, or only waits for its parent to take note."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def with_grace(action: Callable[[], None]) -> None:
    """Does something to a process that may have ended meanwhile."""
    try:
        action()
    except psutil.NoSuchProcess:
        return
