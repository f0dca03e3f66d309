"""``wattune probe`` as a user runs it, on machines that do not exist, in surroundings good and bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.emulated.nvml import EmulatedDriver, emulated_driver
from tests.emulated.sysfs.namespace import covered
from tests.emulated.sysfs.tree import Tree
from tests.house.checkout import ROOT

_BOTH = '"$@" --json && "$@"'
_JSON = '"$@" --json'
_WIDE = {"COLUMNS": "200"}
_AT_ONCE = 2
_PATIENCE_S = 120.0
_NOBODY = 65534
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--")
_IMPORTS = {"PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])}


@dataclass(frozen=True)
class Scene:
    """A machine, and what is wrong with it.

    Attributes:
        build: Returns its kernel's files.
        gpus: Its NVIDIA GPUs, by the catalogue's name; None without NVIDIA's driver.
        prepare: What happens to the driver before anybody looks.
        as_root: Whether root looks, or nobody in particular.
        with_table: Whether the plain table is asked for, too.
    """

    build: Callable[[], Tree]
    gpus: str | None = None
    prepare: Callable[[EmulatedDriver], None] = lambda driver: None
    as_root: bool = True
    with_table: bool = False


@dataclass(frozen=True)
class Probe:
    """What a user sees.

    Attributes:
        status: The exit status.
        record: The inventory out of the JSON.
        current: What each knob read, out of the JSON.
        table: The plain table; empty if it was not asked for.
        remarks: What was said beside it.
    """

    status: int
    record: dict[str, Any] = field(default_factory=dict)
    current: dict[str, Any] = field(default_factory=dict)
    table: str = ""
    remarks: str = ""

    @property
    def knobs(self) -> dict[str, tuple[Any, Any, str]]:
        """First and last value and unit, by id, without those of the workload, which are of the real machine."""
        return {
            knob["id"]: (knob["values"][0], knob["values"][-1], knob["unit"])
            for knob in self.record["knobs"]
            if knob["device"] != "workload"
        }

    @property
    def notes(self) -> dict[str, str]:
        """What the operator is told about knobs, by id."""
        return {knob["id"]: knob["note"] for knob in self.record["knobs"]}

    @property
    def meters(self) -> dict[str, str]:
        """Scopes by id, without those of the workload."""
        return {meter["id"]: meter["scope"] for meter in self.record["meters"] if meter["device"] != "workload"}

    @property
    def absent(self) -> dict[str, tuple[str, str]]:
        """Reason and fix, by id."""
        return {absence["id"]: (absence["reason"], absence["fix"]) for absence in self.record["absent"]}

    def row(self, name: str) -> str:
        """Returns the row of the table that begins with a name."""
        return next(line for line in self.table.splitlines() if line.split()[:1] == [name])


@contextmanager
def probed(scenes: dict[str, Scene]) -> Iterator[dict[str, Probe]]:
    """Gives what ``wattune probe`` says in each scene; one process a scene, several at once."""
    with ExitStack() as stack:
        commands = {name: _command(scene, stack) for name, scene in scenes.items()}
        with ThreadPoolExecutor(_AT_ONCE) as runner:
            yield dict(zip(commands, runner.map(lambda command: _run(*command), commands.values()), strict=True))


def _command(scene: Scene, stack: ExitStack) -> tuple[list[str], dict[str, str]]:
    environment = {**os.environ, **_WIDE, **_IMPORTS}
    if scene.gpus is not None:
        driver = stack.enter_context(emulated_driver(scene.gpus))
        scene.prepare(driver)
        environment |= driver.environment
    machine = stack.enter_context(covered(scene.build()))
    python = [sys.executable] if scene.as_root else [*_AS_NOBODY, str(interpreter_for_all())]
    script = ["sh", "-c", _BOTH if scene.with_table else _JSON, "sh"]
    return machine.command(*script, *python, "-m", "tuner.cli.main", "probe"), environment


@cache
def interpreter_for_all() -> str | None:
    """Returns a Python like this one that nobody in particular may run too; None if there is none."""
    ours = Path(sys.executable)
    candidates = (ours, Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"))
    return next((str(python) for python in candidates if python.exists() and _runs_for_nobody(python)), None)


def _runs_for_nobody(python: Path) -> bool:
    command = [*_AS_NOBODY, str(python), "-c", "import pynvml, rich, tuner.cli.main"]
    return subprocess.run(command, env=_IMPORTS, capture_output=True, check=False).returncode == 0


def _run(command: list[str], environment: dict[str, str]) -> Probe:
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    first, _, table = ended.stdout.partition("\n")
    answer = json.loads(first) if first else {"record": {}, "current": {}}
    return Probe(ended.returncode, answer["record"], answer["current"], table, ended.stderr)
