"""What the knobs do to a running service: its share of CPU time, its threads, its other limits, its children."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from knobs.drivers.affinity import AffinityKnob
from knobs.drivers.cgroup import CgroupV2
from knobs.drivers.cpu_bandwidth import CpuBandwidthKnob
from knobs.process import identify
from knobs.sysfs import KernelFiles
from tests.kernel.conftest import MEMORY_MAX, THREADED, Service

BUSY = "print('ready', flush=True)\nwhile True: pass"

GREEDY = """
print("ready", flush=True)
input()
held = b"x" * (2 * MEMORY_MAX)
print("nothing stopped it", flush=True)
""".replace("MEMORY_MAX", MEMORY_MAX)

FORKING = """
import os, signal
print("ready", flush=True)
input()
for _ in range(5):
    if os.fork() == 0:
        signal.pause()
print("forked", flush=True)
signal.pause()
"""

WINDOW_S = 2.0
EVERY_CPU = f"0-{os.cpu_count() - 1}"


def cpu_percent(pid: int) -> float:
    """Measures the CPU time of a process for two seconds, in percent of one CPU."""
    process, started_s = psutil.Process(pid), time.monotonic()
    before = process.cpu_times()
    time.sleep(WINDOW_S)
    after = process.cpu_times()
    used_s = after.user + after.system - before.user - before.system
    return 100 * used_s / (time.monotonic() - started_s)


def allowed_cpus(pid: int) -> set[str]:
    """Returns the different CPU lists that the kernel reports for the threads of a process."""
    statuses = [(task / "status").read_text().splitlines() for task in Path(f"/proc/{pid}/task").iterdir()]
    assert len(statuses) == 4, "the process has not the threads that this test is about"
    return {line.split()[1] for status in statuses for line in status if line.startswith("Cpus_allowed_list:")}


class TestBandwidth:
    @pytest.fixture(autouse=True)
    def prepare(self, service: Service, files: KernelFiles, controller: CgroupV2) -> Iterator[None]:
        self.service, self.files, self.controller = service, files, controller
        yield

    def knob_of(self, pid: int) -> CpuBandwidthKnob:
        knob = CpuBandwidthKnob.of_process(self.files, self.controller, identify(self.files, pid), cpu_count=2)
        assert isinstance(knob, CpuBandwidthKnob)
        return knob

    def test_half_a_cpu_is_half_a_cpu_until_it_is_restored_and_the_neighbour_keeps_its_own(self) -> None:
        model, neighbour = self.service.start(BUSY).pid, self.service.start(BUSY).pid
        knob = self.knob_of(model)
        captured, before = knob.capture(), self.service.state()
        assert cpu_percent(model) > 80
        knob.write(50)
        assert 35 <= cpu_percent(model) <= 65
        assert cpu_percent(neighbour) > 80
        knob.restore(captured)
        assert cpu_percent(model) > 80
        assert self.service.state() == before

    def test_the_memory_limit_of_the_service_holds_under_a_limit_of_ours(self) -> None:
        model = self.service.start(GREEDY)
        knob = self.knob_of(model.pid)
        captured = knob.capture()
        knob.write(150)
        assert (self.service.folder / "memory.max").read_text().strip() == MEMORY_MAX
        output, _ = model.communicate(b"\n", timeout=60)
        assert (model.returncode, output) == (-9, b"")
        knob.restore(captured)
        assert self.service.state()["groups"] == []

    def test_what_the_service_forks_under_a_limit_comes_home_with_it(self) -> None:
        model = self.service.start(FORKING)
        knob = self.knob_of(model.pid)
        captured = knob.capture()
        knob.write(50)
        assert model.stdin is not None
        assert model.stdout is not None
        model.stdin.write(b"\n")
        model.stdin.flush()
        assert model.stdout.readline() == b"forked\n"
        assert len(psutil.Process(model.pid).children()) == 5
        knob.restore(captured)
        assert self.service.state()["groups"] == []
        assert len((self.service.folder / "cgroup.procs").read_text().split()) == 6


def test_cores_confine_every_thread_and_restoring_frees_every_thread(service: Service, files: KernelFiles) -> None:
    pid = service.start(THREADED).pid
    knob = AffinityKnob.of_process(files, identify(files, pid))
    captured = knob.capture()
    assert allowed_cpus(pid) == {EVERY_CPU}
    knob.write(1)
    assert allowed_cpus(pid) == {"0"}
    knob.restore(captured)
    assert allowed_cpus(pid) == {EVERY_CPU}
