"""The Makefile's promises that do not need a network."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.checkout import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    }
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def pretend_set_up(folder: Path) -> None:
    (folder / ".venv").mkdir()
    (folder / ".venv" / ".ready").touch()


def test_an_old_python_is_refused_in_one_sentence_and_nothing_is_made(folder: Path) -> None:
    old = folder / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = make(folder, "setup", f"PYTHON={old}")
    assert result.returncode == 2
    assert "Wattune needs Python 3.11 or later" in result.stderr
    assert not (folder / ".venv").exists()


def test_set_up_is_done_again_only_when_the_requirements_change(folder: Path) -> None:
    pretend_set_up(folder)
    assert "pip install" not in make(folder, "--dry-run", "setup").stdout
    ready = (folder / ".venv" / ".ready").stat()
    os.utime(folder / "constraints.txt", (ready.st_atime + 60, ready.st_mtime + 60))
    assert "pip install" in make(folder, "--dry-run", "setup").stdout


def test_torch_is_installed_first_and_everything_within_the_known_good_set(folder: Path) -> None:
    installs = [line for line in make(folder, "--dry-run", "setup").stdout.splitlines() if "pip install" in line]
    assert [line.split()[-1] for line in installs] == ["torch", "'.[search,energy,peers,report,examples,dev]'"]
    assert all("--constraint constraints.txt" in line for line in installs)


def test_the_suite_runs_last_so_that_its_closing_line_does_too(folder: Path) -> None:
    pretend_set_up(folder)
    lines = make(folder, "--dry-run", "test").stdout.splitlines()
    programs = [line.split()[0].removeprefix(".venv/bin/") for line in lines]
    assert programs == ["ruff", "ruff", "mypy", "lint-imports", "pytest"]


def test_every_target_says_what_it_does(folder: Path) -> None:
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    described = {line.split()[1] for line in make(folder, "help").stdout.splitlines()}
    assert described == set(phony.split()[1:])
