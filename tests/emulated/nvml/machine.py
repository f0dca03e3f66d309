"""A machine with emulated GPUs: the driver, its two sockets, and the environment in which clients find it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.emulated.nvml.catalogue import MACHINES
from tests.emulated.nvml.control import Control, ControlSession
from tests.emulated.nvml.driver import Driver
from tests.emulated.nvml.getters import Answer
from tests.emulated.nvml.gpu import EmulatedGpu
from tests.emulated.nvml.library import library_folder, load_into_this_process
from tests.emulated.nvml.lines import LineServer
from tests.emulated.nvml.profile import GpuProfile
from tests.emulated.nvml.releases import RELEASES, DriverRelease

SOCKET_VARIABLE = "FAKE_NVML_SOCKET"
UID_VARIABLE = "FAKE_NVML_UID"
"""A client with this in its environment passes for a user with this id."""


class _ClientSession:
    """One open descriptor of a process: ``uid, function, arguments`` in, ``code, values`` out, tabs between."""

    def __init__(self, driver: Driver, pid: int) -> None:
        self._driver = driver
        self._pid = pid
        self._left = False
        driver.enter(pid)

    def reply(self, line: str) -> str:
        """Returns the answer to a call; the driver has forgotten the client when it answers the last."""
        uid, function, *arguments = line.split("\t")
        if function == "nvmlShutdown":
            self.close()
        code, values = self._driver.answer(int(uid), function, arguments)
        return _row(code, values)

    def close(self) -> None:
        """Counts the client out, once."""
        if not self._left:
            self._left = True
            self._driver.leave(self._pid)


class EmulatedDriver:
    """A driver that serves the library over a socket until it is closed.

    Attributes:
        driver: The driver itself.
        control: Breaks it, mends it, loads it.
        socket_path: Where the library connects.
        control_path: Where :class:`tests.emulated.nvml.control.ControlClient` connects.
    """

    def __init__(self, gpus: Sequence[EmulatedGpu], release: DriverRelease, socket_path: Path, control_path: Path):
        """Starts to serve."""
        self.driver = Driver(gpus, release)
        self.control = Control(self.driver)
        self.socket_path = socket_path
        self.control_path = control_path
        self._servers = (
            LineServer(socket_path, lambda pid: _ClientSession(self.driver, pid)),
            LineServer(control_path, lambda _: ControlSession(self.control)),
        )

    @property
    def gpus(self) -> tuple[EmulatedGpu, ...]:
        """The GPUs, in the driver's order."""
        return self.driver.gpus

    @property
    def library_folder(self) -> Path:
        """Where the library of this release of the driver lies."""
        return library_folder(self.driver.release.absent_symbols)

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs in its environment, besides the usual, to meet these GPUs."""
        folders = [str(self.library_folder), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        return {SOCKET_VARIABLE: str(self.socket_path), "LD_LIBRARY_PATH": ":".join(folders)}

    def in_this_process(self) -> AbstractContextManager[None]:
        """Lets pynvml in this process meet these GPUs; see :func:`found_in_this_process`."""
        return found_in_this_process(self.socket_path)

    def close(self) -> None:
        """Stops; clients that are connected lose the driver."""
        for server in self._servers:
            server.close()
        self.control.close()
        for path in (self.socket_path, self.control_path):
            path.unlink(missing_ok=True)


@contextmanager
def found_in_this_process(socket_path: Path) -> Iterator[None]:
    """Lets pynvml in this process meet the GPUs behind a socket; shut it down before this ends.

    The library stays loaded for the process's life, so it is the complete one: functions that a release lacks are
    answered with "function not found" by the driver instead of by the dynamic linker.
    """
    load_into_this_process()
    before = os.environ.get(SOCKET_VARIABLE)
    os.environ[SOCKET_VARIABLE] = str(socket_path)
    try:
        yield
    finally:
        os.environ.pop(SOCKET_VARIABLE)
        if before is not None:
            os.environ[SOCKET_VARIABLE] = before


def _row(code: int, values: Answer) -> str:
    return "\t".join(map(str, (int(code), *values)))


def start_driver(
    machine: str | Sequence[GpuProfile],
    socket_path: Path,
    control_path: Path,
    persistence: bool = False,
    branch: int | None = None,
    seed: int = 0,
) -> EmulatedDriver:
    """Starts a driver.

    Args:
        machine: A name of the catalogue, or the cards.
        socket_path: Where the library shall connect.
        control_path: Where the test shall connect.
        persistence: Whether persistence mode is on.
        branch: Branch of the driver (``535``); by default the one that is usual for the first card.
        seed: Seed of the noise in latency.
    """
    profiles = MACHINES[machine] if isinstance(machine, str) else tuple(machine)
    gpus = [EmulatedGpu(profile, index, persistence, seed) for index, profile in enumerate(profiles)]
    return EmulatedDriver(gpus, RELEASES[branch or profiles[0].branch], socket_path, control_path)


@contextmanager
def emulated_driver(
    machine: str | Sequence[GpuProfile] = "a100",
    *,
    persistence: bool = False,
    branch: int | None = None,
    seed: int = 0,
) -> Iterator[EmulatedDriver]:
    """Gives a driver with sockets in a folder of its own; see :func:`start_driver`."""
    folder = Path(tempfile.mkdtemp(prefix="nvml-"))
    folder.chmod(0o711)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        driver = start_driver(machine, folder / "driver", folder / "control", persistence, branch, seed)
        stack.callback(driver.close)
        yield driver
