"""The machines that are measured: this one, and two that do not exist."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.emulated.nvml import NO_COMPILER, SOCKET_VARIABLE, ControlClient, compiler
from tests.emulated.sysfs.machines.jetson import agx_orin
from tests.emulated.sysfs.mount import obstacle
from tests.emulated.sysfs.namespace import covered

ROOT = Path(__file__).resolve().parents[2]
_MEMORY_FOLDERS = ("/run", "/dev/shm", "/tmp")


class UnavailableError(Exception):
    """A machine cannot be had here. The message is a sentence."""


@dataclass(frozen=True)
class Machine:
    """Where a command runs.

    Attributes:
        name: What it is called in the figures.
        environment: What its processes need in their environment, besides the usual.
        inside: Returns the command that runs another one there.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    inside: Callable[..., list[str]] = lambda *command: list(command)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Starts a command in the checkout, its output to be read."""
        return subprocess.Popen(
            self.inside(*command),
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> tuple[str, str]:
        """Runs a command in the checkout; returns what it wrote to its two outputs.

        Raises:
            RuntimeError: It failed.
        """
        process = self.start(*command)
        output, complaints = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed on {self.name}: {complaints}")
        return output, complaints


THIS_MACHINE = Machine("this machine")

DEAR_FILES = "The files of the emulated AGX Orin are served by FUSE: each access takes many times what sysfs takes."


@dataclass(frozen=True)
class EmulatedA100(Machine):
    """A machine with an A100, whose driver is another process.

    Attributes:
        control: Slows the driver down, and counts its calls.
    """

    control: ControlClient = field(kw_only=True)

    @property
    def socket_path(self) -> Path:
        """Where NVIDIA's library meets the driver."""
        return Path(self.environment[SOCKET_VARIABLE])


@dataclass(frozen=True)
class EmulatedOrin(Machine):
    """A Jetson AGX Orin whose files cover the real ones for the processes that run inside.

    Attributes:
        mount: Where the same files are for everybody else.
    """

    mount: Path = field(kw_only=True)


@contextmanager
def emulated_a100() -> Iterator[EmulatedA100]:
    """Gives a machine with an A100.

    Raises:
        UnavailableError: Its library cannot be built here, or this user may set nothing.
    """
    if compiler() is None:
        raise UnavailableError(f"The emulated A100 is left out: {NO_COMPILER}.")
    if os.geteuid() != 0:
        raise UnavailableError("The emulated A100 is left out: only root may set clocks and limits of a GPU.")
    with scratch_folder() as folder:
        driver = THIS_MACHINE.start(
            *(sys.executable, "-m", "tests.emulated.nvml", "--machine", "a100"),
            *("--socket", str(folder / "driver"), "--control", str(folder / "control")),
        )
        try:
            assert driver.stdout is not None
            ready = json.loads(driver.stdout.readline())
            with ControlClient(ready["control"]) as control:
                yield EmulatedA100("emulated A100", ready["environment"], control=control)
        finally:
            driver.terminate()
            driver.communicate()


@contextmanager
def emulated_orin() -> Iterator[EmulatedOrin]:
    """Gives a Jetson AGX Orin with JetPack 6.

    Raises:
        UnavailableError: Its files cannot be mounted here.
    """
    reason = obstacle()
    if reason is not None:
        raise UnavailableError(f"The emulated AGX Orin is left out: {reason}.")
    with covered(agx_orin().tree) as place:
        yield EmulatedOrin("emulated AGX Orin", inside=place.command, mount=place.mount)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Gives an empty folder, in memory where there is one: as /run is, where the keeper's journal lies."""
    folder = Path(tempfile.mkdtemp(prefix="wattune-bench-", dir=_folder_in_memory()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _folder_in_memory() -> str | None:
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    in_memory = {fields[1] for fields in mounts if fields[2] == "tmpfs"}
    return next((folder for folder in _MEMORY_FOLDERS if folder in in_memory and os.access(folder, os.W_OK)), None)
