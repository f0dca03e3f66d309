"""What is installed: the wheel, its version and the known-good set of versions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.checkout import ROOMS, ROOT, sources


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_carries_every_source_and_nothing_else(wheel_names: list[str]) -> None:
    rooms = {name.split("/")[0] for name in wheel_names if ".dist-info" not in name.split("/")[0]}
    assert rooms == set(ROOMS)
    missing = {str(path.relative_to(ROOT)) for path in sources(*ROOMS)} - set(wheel_names)
    assert not missing


def test_the_wheel_carries_its_types_its_api_and_its_licence(wheel_names: list[str]) -> None:
    assert {f"{room}/py.typed" for room in ROOMS} <= set(wheel_names)
    api = "tuner/service/wattune/v1/wattune"
    assert {f"{api}.proto", f"{api}_pb2.py", f"{api}_pb2.pyi", f"{api}_pb2_grpc.py"} <= set(wheel_names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel_names)


def test_no_source_states_the_version_a_second_time(project: dict[str, Any]) -> None:
    statement = re.compile(r"""(?i)^\s*_*version_*\s*(?::\s*\w+\s*)?=\s*["']\d+\.\d+\.\d+""", re.MULTILINE)
    repeated = [str(path.relative_to(ROOT)) for path in sources(*ROOMS) if statement.search(path.read_text())]
    assert not repeated, "read it with importlib.metadata.version('wattune')"
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])


def test_every_requirement_has_a_known_good_version_that_it_accepts(project: dict[str, Any]) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    known_good = {canonicalize_name(name): version for name, version in pins.items()}
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    for requirement in map(Requirement, wanted):
        version = known_good.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} has no line in constraints.txt"
        assert requirement.specifier.contains(version), f"{requirement} does not accept {version}"


def test_no_registry_is_named() -> None:
    for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run"):
        assert "://" not in (ROOT / name).read_text(), (
            f"{name} names a host: which index is used is the operator's choice"
        )
