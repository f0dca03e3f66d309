"""Where processes are killed: a device that does not exist, and the CPUs of this machine."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from random import Random
from typing import ClassVar

import psutil
import pytest

from knobs.contract import Absence, Value
from knobs.drivers.cgroup import CpuController, find_cpu_controller
from knobs.drivers.cpu_bandwidth import KNOB_ID
from knobs.process import thread_ids
from knobs.sysfs import KernelFiles, MissingError
from simulation.knobs import virtual_knobs


class Stage(ABC):
    """A device, a workload on it, and a view of its knobs that asks no process of ours."""

    name: ClassVar[str]
    config: ClassVar[str]
    workload: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def prepare(self, random: Random) -> None:
        """Brings the device into a state that is worth keeping, and remembers it."""

    def enter(self, command: list[str]) -> list[str]:
        """Returns the command that starts the daemon on this stage."""
        return command

    @abstractmethod
    def displaced(self, runners: list[psutil.Process]) -> list[str]:
        """Says in one sentence each what is not as it was; the workload runs in these processes."""

    def left_of(self, runner: psutil.Process) -> list[str]:
        """Says what is left of a runner that has ended."""
        return []

    @abstractmethod
    def close(self) -> None:
        """Takes the stage down."""


class VirtualStage(Stage):
    """A Jetson that does not exist, found with some clocks of its operator's own choice."""

    name = "virtual"
    device: ClassVar[str] = "virtual:agx-orin"
    config = """
device = "virtual:agx-orin"

[study]
max_trials = 24
max_duration_s = 100000
confirmation_rounds = 2

[measurement]
window_s = 100
min_window_s = 60
energy_target = 0.0001
max_background_cores = 64
"""
    workload = """
name = "victim"
adapter = "virtual"

[options]
profile = "efficientnet-b0"

[parameters]
batch_size = [1, 4]

[objective]
scenario = "multi-stream"
slo = "p90 <= 100 ms"
"""

    def prepare(self, random: Random) -> None:
        devices = self.folder / "run" / "devices"
        devices.mkdir()
        self._knobs = virtual_knobs(self.device, devices)
        for knob in self._knobs:
            if knob.spec.not_above is None:
                knob.write(random.choice(knob.spec.values))
        self._originals = self._values()

    def _values(self) -> dict[str, Value]:
        return {knob.spec.id: knob.read() for knob in self._knobs}

    def displaced(self, runners: list[psutil.Process]) -> list[str]:
        values = self._values()
        return [
            f"{knob_id} reads {values[knob_id]} and was {original}"
            for knob_id, original in self._originals.items()
            if values[knob_id] != original
        ]

    def close(self) -> None:
        """The files go with the test's folder."""


class LocalStage(Stage):
    """This machine: affinity and CPU bandwidth of a small network, in a control group that is ours alone.

    Every group that Wattune makes lies inside that group, so that nothing of ours escapes and nobody else's counts.
    """

    name = "local"
    config = """
device = "local"

[study]
max_trials = 24
max_duration_s = 100000
confirmation_rounds = 2

[measurement]
window_s = 0.8
min_window_s = 0.4
slice_s = 0.1
warm_up_s = 0.3
min_warm_up_s = 0.1
max_background_cores = 64
"""
    workload = """
name = "victim"
adapter = "torch_module"

[options]
factory = "small_network:build"

[parameters]
batch_size = [1, 8]
threads = [1, 2]

[environment]
PYTHONPATH = "{folder}"

[objective]
scenario = "multi-stream"
slo = "p90 <= 1 s"
"""
    network: ClassVar[str] = """
import torch

def build():
    layers = torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512))
    return layers, lambda items: (torch.randn(items, 512),)
"""

    def prepare(self, random: Random) -> None:
        (self.folder / "small_network.py").write_text(self.network)
        self._files = KernelFiles()
        self._controller, self._home = self._make_home()
        self._cpus = os.sched_getaffinity(0)

    def _make_home(self) -> tuple[CpuController, str]:
        controller = find_cpu_controller(self._files, KNOB_ID)
        if isinstance(controller, Absence):
            pytest.skip(f"The CPU quota is absent: {controller.reason}.")
        outside = controller.group_of(os.getpid())
        if obstacle := controller.obstacle(outside):
            pytest.skip(f"The CPU quota is absent: {obstacle[0]}.")
        home = f"{outside}/chaos-{os.getpid()}-{self.folder.name}"
        controller.make(home)
        return controller, home

    def enter(self, command: list[str]) -> list[str]:
        return ["/bin/sh", "-c", 'echo $$ > "$0"/cgroup.procs && exec "$@"', self._home, *command]

    def displaced(self, runners: list[psutil.Process]) -> list[str]:
        groups = [f"the control group {name} is left" for name in self._groups()]
        return [*groups, *(sentence for runner in runners for sentence in self._displaced_threads(runner.pid))]

    def _displaced_threads(self, pid: int) -> list[str]:
        try:
            group = self._controller.group_of(pid)
            masks = {thread: os.sched_getaffinity(thread) for thread in thread_ids(self._files, pid)}
        except (MissingError, ProcessLookupError):
            return []  # it has ended, or one of its threads has: whoever waits for it looks again
        sentences = [f"thread {thread} may use {mask} only" for thread, mask in masks.items() if mask != self._cpus]
        return sentences if group == self._home else [*sentences, f"process {pid} is in {group}"]

    def left_of(self, runner: psutil.Process) -> list[str]:
        return [f"the control group {name} is left" for name in self._groups() if f"-{runner.pid}-" in name]

    def _groups(self) -> list[str]:
        return [name for name in self._files.directories(self._home) if name.startswith("wattune-")]

    def close(self) -> None:
        for name in self._groups():
            self._controller.remove(f"{self._home}/{name}")
        self._controller.remove(self._home)
