"""A daemon on this machine's real knobs, for workloads that real servers serve; asked as a person asks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.service.daemon_process import House
from tuner.study_record import Study

CONFIG = """
device = "local"

[study]
max_trials = 5
confirmation_rounds = 2
reference_every = 3

[measurement]
window_s = 6.0
min_window_s = 1.0
warm_up_s = 2.0
soak_s = 2.0
cool_down_s = 0.5
max_background_cores = 8.0
max_drift = 0.5

[knobs."workload.cpu.quota_percent"]
enabled = false
"""
"""Short windows on a busy machine: how well energy is known is not what is tried here."""

LONGEST_STUDY_S = 280.0


@dataclass(frozen=True)
class Tuned:
    """What ``wattune tune`` said at its end.

    Attributes:
        status: Its exit status.
        said: What it printed on the standard error.
        study: The study, as the daemon stored it; None if there is none.
    """

    status: int
    said: str
    study: Study | None


class ServingHouse(House):
    """A daemon for workloads of real servers."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, CONFIG, {"OMP_NUM_THREADS": "1"})
        (folder / "workloads.d" / "classifier.toml").unlink()

    def tune(self, workload: str, *options: str) -> Tuned:
        """Runs ``wattune tune WORKLOAD --dry-run --json``."""
        arguments = ["tune", workload, "--dry-run", "--json", *options, "--runtime-dir", str(self.runtime_dir)]
        done = subprocess.run(
            [sys.executable, "-m", "tuner.cli.main", *arguments],
            capture_output=True,
            text=True,
            timeout=LONGEST_STUDY_S,
            env=self.environment,
        )
        return Tuned(done.returncode, done.stderr, self._newest())

    @contextmanager
    def tuning(self, workload: str) -> Iterator[list[Tuned]]:
        """Tunes in another thread; the list holds the end of it once the block is left."""
        ended: list[Tuned] = []
        thread = threading.Thread(target=lambda: ended.append(self.tune(workload)))
        thread.start()
        try:
            yield ended
        finally:
            thread.join(LONGEST_STUDY_S)

    def _newest(self) -> Study | None:
        with self.client() as client:
            listed = client.list_studies()
            return client.get_study(listed[0].id) if listed else None


def affinity(pid: int) -> set[int]:
    """Returns the CPUs that any thread of a process may run on."""
    return {cpu for task in Path(f"/proc/{pid}/task").iterdir() for cpu in os.sched_getaffinity(int(task.name))}


def described(study: Study) -> dict[str, Any]:
    """Returns what a person would look at, for the message of a test that fails."""
    return json.loads(
        json.dumps(
            {
                "state": study.state,
                "reason": study.reason,
                "trials": [
                    trial.rejection.reason if trial.rejection else str(trial.configuration) for trial in study.trials
                ],
            },
            default=str,
        )
    )
