"""Whatever a runner may load is Python 3.8."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.serving_adapter.conftest import PACKAGE, find_python


def vermin(*paths: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("vermin")
    if not program.exists():
        pytest.skip("vermin is not installed")
    options = ["-t=3.8-", "--violations", "--eval-annotations", "--feature", "union-types", "--no-tips"]
    return subprocess.run([str(program), *options, *map(str, paths)], capture_output=True, text=True, check=False)


def test_every_file_is_within_the_syntax_and_library_of_3_8() -> None:
    checked = vermin(*sorted(PACKAGE.rglob("*.py")))
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    "newer",
    ["match 1:\n    case 1: pass\n", "x: list[int] = []\n", "def f(x: int | None): pass\n", "import zoneinfo\n"],
)
def test_what_is_newer_would_be_found(tmp_path: Path, newer: str) -> None:
    (tmp_path / "newer.py").write_text(newer)
    checked = vermin(tmp_path / "newer.py")
    assert checked.returncode != 0
    assert "Minimum required versions" in checked.stdout


def test_every_module_without_torch_imports_under_3_8() -> None:
    interpreter = find_python("3.8")
    if interpreter is None:
        pytest.skip("there is no Python 3.8 on this machine")
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py", "example_models.py")
    ]
    program = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    imported = subprocess.run(
        [interpreter, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=False
    )
    assert imported.returncode == 0, imported.stderr
