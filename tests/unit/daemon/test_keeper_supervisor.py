"""Keepers that cannot be started, or end again and again; the keeper itself is tested in tests/service."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tuner.daemon.keeper_supervisor
from tuner.daemon.keeper_supervisor import KeeperSupervisor
from tuner.errors import ProcessLostError


def test_a_keeper_of_its_own_unit_is_never_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuner.daemon.keeper_supervisor, "_ANSWER_S", 0.1)
    supervisor = KeeperSupervisor(tmp_path / "keeper.sock", None)
    with pytest.raises(
        ProcessLostError, match=r"No keeper answers at .*: see its log, or start wattune-keeper\.service"
    ):
        supervisor.connect()
    supervisor.stop()


def test_a_keeper_that_cannot_start_is_given_up_after_a_few_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuner.daemon.keeper_supervisor, "_FIRST_PAUSE_S", 0.001)
    record = tmp_path / "attempts"

    def command(parent_fd: int) -> list[str]:
        return [sys.executable, "-S", "-c", f"open({str(record)!r}, 'a').write('x'); raise SystemExit(3)"]

    supervisor = KeeperSupervisor(tmp_path / "keeper.sock", command)
    with pytest.raises(ProcessLostError, match="No keeper answers"):
        supervisor.connect()
    assert record.read_text() == "x" * 5
    supervisor.stop()


def test_a_keeper_ends_when_its_supervisor_stops(tmp_path: Path) -> None:
    started, ended = tmp_path / "started", tmp_path / "ended"
    program = (
        f"import os, sys; open({str(started)!r}, 'w').close(); os.read(int(sys.argv[1]), 1); "
        f"open({str(ended)!r}, 'w').close()"
    )
    supervisor = KeeperSupervisor(
        tmp_path / "keeper.sock", lambda parent_fd: [sys.executable, "-S", "-c", program, str(parent_fd)]
    )
    supervisor._keep_alive()
    while not started.exists():
        pass
    supervisor.stop()
    assert ended.exists()
