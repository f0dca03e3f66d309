"""The user, the groups and the directories that an installation makes."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine without users, on which systemd's tools may work."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    for kind in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(DEPLOY / kind, tmp_path / "usr/lib" / kind)
    return tmp_path


def run_tool(name: str, machine: Path, *arguments: str) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    if os.geteuid() != 0:
        pytest.skip(f"{name} hands files to other users, which only root may do")
    command = [program, f"--root={machine}", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in result.stderr.splitlines() if not line.startswith("Creating")]
    assert (result.returncode, complaints) == (0, [])


def test_the_daemon_gets_a_user_without_a_shell_who_may_hand_sockets_to_operators(machine: Path) -> None:
    run_tool("systemd-sysusers", machine, "wattune.conf")
    (user,) = (line for line in (machine / "etc/passwd").read_text().splitlines() if line.startswith("wattune:"))
    assert user.endswith(":/usr/sbin/nologin")
    groups = {line.split(":")[0]: line.split(":")[3] for line in (machine / "etc/group").read_text().splitlines()}
    assert groups["wattune-operators"] == "wattune"


def test_only_root_says_what_is_run_and_the_journal_is_out_of_the_daemons_reach(machine: Path) -> None:
    run_tool("systemd-sysusers", machine, "wattune.conf")
    run_tool("systemd-tmpfiles", machine, "--create", "wattune.conf")
    modes = {
        name: stat.S_IMODE((machine / name).stat().st_mode)
        for name in ("etc/wattune", "etc/wattune/workloads.d", "run/wattune")
    }
    assert modes == {"etc/wattune": 0o755, "etc/wattune/workloads.d": 0o755, "run/wattune": 0o1775}
