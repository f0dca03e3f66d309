"""Arrows between the rooms point one way; the contracts stand in pyproject.toml."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.checkout import ROOMS, ROOT


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_every_arrow_points_the_right_way() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("room", "statement"),
    [
        ("knobs", "import tuner.errors"),
        ("serving_adapter", "import knobs.contract"),
        ("simulation", "import tuner.trial"),
        ("tuner/search", "import serving_adapter.contract"),
        ("tuner/study", "import knobs.keeper.client"),
        ("tuner/service", "import numpy"),
    ],
)
def test_a_wrong_arrow_is_noticed(room: str, statement: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ROOMS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / room / "wrong_arrow.py").write_text(f"{statement}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout
