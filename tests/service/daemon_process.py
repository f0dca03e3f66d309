"""A real daemon on a virtual device, with its real keeper, runner and search worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import psutil

from knobs.contract import Value
from simulation.knobs import virtual_knobs
from tuner.client import Client
from tuner.errors import WattuneError
from tuner.study_record import Study, StudyEvent

DEVICE = "virtual:agx-orin"
GENEROUS_S = 120.0

CONFIG = f"""
device = "{DEVICE}"

[study]
max_trials = 10
confirmation_rounds = 2

[measurement]
window_s = 2.0
min_window_s = 1.0
slice_s = 0.2
energy_target = 0.2
warm_up_s = 0.6
min_warm_up_s = 0.2
soak_s = 0.6
"""

CLASSIFIER = """
name = "classifier"
adapter = "virtual"

[options]
profile = "efficientnet-b0"

[parameters]
batch_size = [1, 4]

[objective]
scenario = "multi-stream"
slo = "p90 <= 100 ms"
"""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Waits for something that is bound to happen."""
    deadline_s = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline_s, f"in vain: {what}"
        time.sleep(0.02)


class House:
    """The files of a daemon, and the daemons started on them, one after the other."""

    def __init__(
        self,
        folder: Path,
        config: str = CONFIG,
        environment: Mapping[str, str] = MappingProxyType({}),
        inside: Sequence[str] = (),
    ) -> None:
        """Writes the files.

        Args:
            folder: Where.
            config: The content of wattune.toml.
            environment: Added to that of this process.
            inside: A command that runs another one, by which every process here is started.
        """
        self.environment = {**os.environ, **environment}
        self.inside = list(inside)
        self.runtime_dir = folder / "run"
        self.state_dir = folder / "state"
        self.config_path = folder / "wattune.toml"
        for directory in (self.runtime_dir, self.state_dir, folder / "workloads.d"):
            directory.mkdir()
        self.config_path.write_text(config)
        self.add_workload("classifier", CLASSIFIER)
        self.process: subprocess.Popen[str] | None = None

    def add_workload(self, name: str, text: str) -> None:
        (self.config_path.parent / "workloads.d" / f"{name}.toml").write_text(text)

    @property
    def command(self) -> list[str]:
        places = ["--runtime-dir", str(self.runtime_dir), "--state-dir", str(self.state_dir)]
        verb = [sys.executable, "-m", "tuner.cli.main", "serve", "--config", str(self.config_path)]
        return [*self.inside, *verb, *places]

    @property
    def control_socket(self) -> Path:
        return self.runtime_dir / "control.sock"

    def start(self, command: list[str] | None = None) -> None:
        """Starts a daemon and waits until it answers."""
        self.process = subprocess.Popen(
            command or self.command, stderr=subprocess.PIPE, text=True, env=self.environment
        )
        with self.client() as client:
            wait_until(lambda: self._answers(client), "the daemon answers")

    def _answers(self, client: Client) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
        try:
            client.status()
        except WattuneError:
            return False
        return True

    def stop(self) -> int:
        """Stops the daemon as a service manager does; returns its exit status."""
        return self.end(signal.SIGTERM)

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(GENEROUS_S)
        if self.process.stderr is not None:
            self.process.stderr.close()
        self.process = None
        return status

    def freeze(self) -> None:
        """Stops the daemon in the middle of what it does: it can no longer start anything."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def run(self, verb: str) -> subprocess.CompletedProcess[str]:
        """Runs another verb of the command on the same files, as a person would."""
        command = [part if part != "serve" else verb for part in self.command]
        return subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS_S, env=self.environment)

    def refusal(self) -> tuple[int, str]:
        """Starts a daemon that cannot start; returns its exit status and what it said."""
        done = subprocess.run(self.command, capture_output=True, text=True, timeout=GENEROUS_S)
        return done.returncode, done.stderr

    @contextmanager
    def client(self, socket: str = "control.sock") -> Iterator[Client]:
        with Client(self.runtime_dir / socket) as client:
            yield client

    def knob_values(self) -> dict[str, Value]:
        """Reads the device itself, past every process of ours."""
        return {knob.spec.id: knob.read() for knob in virtual_knobs(DEVICE, self.runtime_dir / "devices")}

    def child(self, *words: str) -> psutil.Process:
        """Returns the child of the daemon whose command line holds these words."""
        assert self.process is not None
        found = [
            child
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if all(any(word in part for part in child.cmdline()) for word in words)
        ]
        assert len(found) == 1, f"{words}: {found}"
        return found[0]


def watch_until(events: Iterator[StudyEvent], condition: Callable[[StudyEvent], bool]) -> StudyEvent:
    """Follows a study until an event of a kind."""
    for event in events:
        if condition(event):
            return event
    raise AssertionError("the study ended before")


def finished(client: Client, study_id: str) -> Study:
    """Follows a study to its end."""
    watch_until(client.watch(study_id), lambda event: event.state.is_final)
    return client.get_study(study_id)


def is_trial(number: int) -> Callable[[StudyEvent], bool]:
    return lambda event: event.trial is not None and event.trial.number == number
