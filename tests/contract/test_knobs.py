"""The contract suites over every real driver and meter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from knobs.contract import Absence
from knobs.drivers.affinity import AffinityKnob
from knobs.drivers.cgroup import CgroupV1, CgroupV2, find_cpu_controller
from knobs.drivers.cpu_bandwidth import CpuBandwidthKnob
from knobs.meters.cpu_time import CpuTimeMeter
from knobs.process import identify
from knobs.sysfs import KernelFiles
from tests.contract.fake_cgroup2 import MOUNT, FakeCgroup2
from tests.contract.knob_contract import KnobContract
from tests.contract.meter_contract import MeterContract

BUSY_WITH_THREADS = """
import threading, time
for _ in range(3):
    threading.Thread(target=lambda: time.sleep(600), daemon=True).start()
print("ready", flush=True)
while True:
    time.sleep(0.01)
    sum(range(20000))
"""


@pytest.fixture
def process():
    child = subprocess.Popen([sys.executable, "-c", BUSY_WITH_THREADS], stdout=subprocess.PIPE)
    child.stdout.readline()
    yield child
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.fixture
def files():
    return KernelFiles()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="only one CPU: affinity has one value only")
class TestAffinity(KnobContract):
    @pytest.fixture
    def knob(self, process, files):
        self.process, self.files = process, files
        return AffinityKnob.of_process(files, identify(files, process.pid))

    def reopen(self, knob, captured):
        return AffinityKnob.from_captured(self.files, captured)

    def footprint(self, knob):
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return {task.name: os.sched_getaffinity(int(task.name)) for task in tasks}


class TestCgroupV1(KnobContract):
    @pytest.fixture
    def knob(self, process, files):
        controller = find_cpu_controller(files, "quota")
        if not isinstance(controller, CgroupV1):
            pytest.skip("the cpu controller of control groups version 1 is not mounted here")
        self.process, self.files, self.controller = process, files, controller
        knob = CpuBandwidthKnob.of_process(files, controller, identify(files, process.pid), cpu_count=2)
        if isinstance(knob, Absence):
            pytest.skip(f"control groups version 1: {knob.reason}")
        captured = knob.capture()
        yield knob
        knob.restore(captured)

    def reopen(self, knob, captured):
        return CpuBandwidthKnob.from_captured(self.files, self.controller, captured)

    def footprint(self, knob):
        home = self.controller.group_of(self.process.pid)
        groups = [group for group in Path(home).iterdir() if group.is_dir() and str(self.process.pid) in group.name]
        return home, groups, Path(home, "cpu.cfs_quota_us").read_text()


class TestCgroupV2(KnobContract):
    group = f"{MOUNT}/app.slice"
    handed_down = "cpu memory"

    @pytest.fixture
    def knob(self, tmp_path):
        self.files = FakeCgroup2(tmp_path, self.handed_down)
        self.files.add_process(4242, 777, self.group)
        self.files.add_process(4243, 778, self.group)
        self.controller = find_cpu_controller(self.files, "quota")
        assert isinstance(self.controller, CgroupV2)
        return CpuBandwidthKnob.of_process(self.files, self.controller, identify(self.files, 4242), cpu_count=2)

    def reopen(self, knob, captured):
        return CpuBandwidthKnob.from_captured(self.files, self.controller, captured)

    def footprint(self, knob):
        return self.files.snapshot()


class TestCgroupV2AtTheRoot(TestCgroupV2):
    group = MOUNT
    handed_down = "memory"


class TestCpuTime(MeterContract):
    @pytest.fixture
    def meter(self, process, files):
        return CpuTimeMeter(files, identify(files, process.pid))

    def advance(self, meter):
        before = meter.sample().cpu_s
        while meter.sample().cpu_s < before + 0.002:
            continue
