"""What the programs inside the guest share: a service in a control group of its own, as systemd would start it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from knobs.drivers.cgroup import CgroupV2, find_cpu_controller
from knobs.sysfs import KernelFiles
from tests.kernel.silicon_control import Silicon

HIERARCHY = Path("/sys/fs/cgroup")
STATE_FILES = (
    *("cgroup.controllers", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "cgroup.type"),
    *("cpu.max", "cpu.weight", "memory.max", "pids.max"),
)
MEMORY_MAX = str(256 * 1024**2)

THREADED = """
import threading, time
for _ in range(3):
    threading.Thread(target=time.sleep, args=[600], daemon=True).start()
print("ready", flush=True)
time.sleep(600)
"""


class Service:
    """A control group with limits of its own, and processes in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, program: str) -> subprocess.Popen[bytes]:
        """Starts a Python program in the group, and waits until it has printed a line."""
        process = self.start_command(sys.executable, "-I", "-S", "-c", program)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    def start_command(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a command, and moves it into the group."""
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._processes.append(process)
        (self.folder / "cgroup.procs").write_text(str(process.pid))
        return process

    def state(self) -> dict[str, object]:
        """Returns everything about the group that a knob could leave behind."""
        files = {name: sorted((self.folder / name).read_text().split()) for name in STATE_FILES}
        return {**files, "groups": sorted(path.name for path in self.folder.iterdir() if path.is_dir())}

    def end(self) -> None:
        """Kills all in the group, also what its processes have forked, and removes the group."""
        (self.folder / "cgroup.kill").write_text("1")
        for process in self._processes:
            process.kill()  # a test may have moved it elsewhere
            process.communicate()
        while "populated 1" in (self.folder / "cgroup.events").read_text():
            time.sleep(0.01)
        for group in (path for path in self.folder.iterdir() if path.is_dir()):
            group.rmdir()  # a test that failed may have left it
        self.folder.rmdir()


@pytest.fixture
def service() -> Iterator[Service]:
    shop = HIERARCHY / "shop.slice"
    shop.mkdir()
    (shop / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    folder = shop / "model.service"
    folder.mkdir()
    (folder / "memory.max").write_text(MEMORY_MAX)
    (folder / "pids.max").write_text("100")
    service = Service(folder)
    yield service
    service.end()
    shop.rmdir()


@pytest.fixture
def files() -> KernelFiles:
    return KernelFiles()


@pytest.fixture
def controller(files: KernelFiles) -> CgroupV2:
    found = find_cpu_controller(files, "quota")
    assert isinstance(found, CgroupV2)
    return found


@pytest.fixture
def silicon() -> Silicon:
    return Silicon()
