"""What `make run` runs: however it ends, the daemon has ended, originals are back, and the exit status is the study's.

The program `wattune` is a stand-in here, so that every ending can be brought about.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "deploy" / "examples" / "demo.sh"
GENEROUS_S = 60.0

STAND_IN = """#!/usr/bin/env python3
import os, pathlib, signal, socket, sys, time

verb = sys.argv[1]
notes = pathlib.Path(os.environ["NOTES"])
with notes.open("a") as file:
    file.write(f"{verb} {os.getpid()}\\n")
if verb == "serve":
    if os.environ.get("SERVE_STATUS"):
        print("The device does not exist.")
        sys.exit(int(os.environ["SERVE_STATUS"]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[sys.argv.index("--runtime-dir") + 1] + "/control.sock")
    while True:
        time.sleep(60)
if verb == "tune" and os.environ.get("TUNE_HANGS"):
    time.sleep(600)
sys.exit(int(os.environ.get(f"{verb.upper()}_STATUS", "0")))
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def _heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Demo:
    """The script, with a stand-in for the program and a scratch directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.scratch = folder / "tmp"
        self.scratch.mkdir()
        program = folder / "bin" / "wattune"
        program.parent.mkdir()
        program.write_text(STAND_IN)
        program.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "NOTES": str(self.notes),
            "TMPDIR": str(self.scratch),
        }

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(DEMO)],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_signals,  # a shell cannot trap what it was started to ignore, as under nohup
        )

    def run(self, **environment: str) -> tuple[int, str]:
        process = self.start(**environment)
        output, _ = process.communicate(timeout=GENEROUS_S)
        return process.returncode, output

    def verbs(self) -> list[str]:
        return [line.split()[0] for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    def wait_until(self, verb: str) -> None:
        deadline_s = time.monotonic() + GENEROUS_S
        while verb not in self.verbs():
            assert time.monotonic() < deadline_s, f"{verb} was never run"
            time.sleep(0.02)

    def survivors(self) -> list[int]:
        pids = [int(line.split()[1]) for line in self.notes.read_text().splitlines()]
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


def test_it_probes_tunes_stops_and_restores(demo: Demo) -> None:
    status, output = demo.run()
    assert status == 0, output
    assert demo.verbs() == ["serve", "probe", "tune", "restore"]
    assert "every knob has its original value" in output
    assert not demo.survivors()
    assert not list(demo.scratch.iterdir())


@pytest.mark.parametrize("study_status", ["1", "2", "3"])
def test_the_exit_status_is_the_studys(demo: Demo, study_status: str) -> None:
    status, output = demo.run(TUNE_STATUS=study_status)
    assert status == int(study_status), output
    assert demo.verbs()[-1] == "restore"
    assert not demo.survivors()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_mid_study_leaves_no_process_and_no_value_behind(demo: Demo, name: str) -> None:
    process = demo.start(TUNE_HANGS="1")
    demo.wait_until("tune")
    number = signal.Signals[name]
    process.send_signal(number)
    process.communicate(timeout=GENEROUS_S)
    assert process.returncode == 128 + number
    assert demo.verbs()[-1] == "restore"
    assert not demo.survivors()


def test_what_could_not_be_put_back_is_kept_and_said(demo: Demo) -> None:
    status, output = demo.run(RESTORE_STATUS="1")
    assert status == 1
    assert "Not everything could be put back" in output
    assert len(list(demo.scratch.iterdir())) == 1


@pytest.mark.parametrize("serve_status", ["1", "2"])
def test_a_daemon_that_does_not_start_says_why(demo: Demo, serve_status: str) -> None:
    status, output = demo.run(SERVE_STATUS=serve_status)
    assert status == int(serve_status)
    assert "The device does not exist." in output
    assert demo.verbs() == ["serve"]
    assert not list(demo.scratch.iterdir())
