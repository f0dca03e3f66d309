"""Runners of real interpreters, and a server that answers as a test tells it."""

import functools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import serving_adapter
from serving_adapter.contract import WorkloadDefinition
from serving_adapter.runner.client import RunnerClient
from tests.unit.serving_adapter.faulty_server import FaultyServer

PACKAGE = Path(serving_adapter.__file__).parent
WORKLOADS = Path(__file__).parent / "workloads"

StartRunner = Callable[..., RunnerClient]


@functools.cache
def find_python(version: str) -> str | None:
    """Returns an interpreter of this version that runs, or None if there is none."""
    on_path = shutil.which(f"python{version}")
    candidates = [on_path] if on_path else []
    candidates += sorted(map(str, (Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python{version}")))
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        shown = subprocess.run([candidate, "-c", program], capture_output=True, text=True, check=False)
        if shown.stdout.strip() == version:
            return candidate
    return None


@pytest.fixture(params=["this interpreter", "3.8"])
def interpreter(request: pytest.FixtureRequest) -> str:
    if request.param == "this interpreter":
        return sys.executable
    found = find_python(request.param)
    if found is None:
        pytest.skip(f"there is no Python {request.param} on this machine")
    return found


@pytest.fixture
def start_runner() -> Iterator[StartRunner]:
    """Starts runners of the adapters in ``workloads/``, and closes them after the test."""
    runners = []

    def start(
        adapter: str,
        options: dict[str, Any] | None = None,
        parameters: dict[str, list[Any]] | None = None,
        interpreter: str = sys.executable,
        package: Path = PACKAGE,
        **settings: Any,
    ) -> RunnerClient:
        settings.setdefault("environment", {"PYTHONPATH": str(WORKLOADS)})
        runner = RunnerClient(
            interpreter=interpreter,
            adapter=adapter,
            definition=WorkloadDefinition("tested", options or {}, parameters or {}),
            packages={"serving_adapter": str(package)},
            **settings,
        )
        runners.append(runner)
        runner.start()
        return runner

    yield start
    for runner in runners:
        runner.close()


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running
