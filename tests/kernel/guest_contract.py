"""The contract suite of the CPU bandwidth knob, on control groups version 2 as the kernel has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knobs.contract import Captured, Knob
from knobs.drivers.cgroup import CgroupV2
from knobs.drivers.cpu_bandwidth import CpuBandwidthKnob
from knobs.process import identify
from knobs.sysfs import KernelFiles
from tests.contract.knob_contract import KnobContract
from tests.kernel.conftest import HIERARCHY, THREADED, Service


class TestInAServiceWithLimits(KnobContract):
    @pytest.fixture
    def knob(self, service: Service, files: KernelFiles, controller: CgroupV2) -> Iterator[CpuBandwidthKnob]:
        self.service, self.files, self.controller = service, files, controller
        self.process = service.start(THREADED)
        service.start_command("sleep", "600")
        self.enter_home()
        knob = CpuBandwidthKnob.of_process(files, controller, identify(files, self.process.pid), cpu_count=2)
        assert isinstance(knob, CpuBandwidthKnob)
        captured = knob.capture()
        yield knob
        knob.restore(captured)

    def enter_home(self) -> None:
        """Moves the process to where the knob is to find it; it is in the service's group already."""

    def reopen(self, knob: Knob, captured: Captured) -> CpuBandwidthKnob:
        return CpuBandwidthKnob.from_captured(self.files, self.controller, captured)

    def footprint(self, knob: Knob) -> object:
        return self.service.state()


class TestInTheRootGroup(TestInAServiceWithLimits):
    """The root group has no limits and no type, and the kernel's own threads come and go in it."""

    def enter_home(self) -> None:
        (HIERARCHY / "cgroup.procs").write_text(str(self.process.pid))

    def footprint(self, knob: Knob) -> object:
        threads = sorted(path.name for path in Path(f"/proc/{self.process.pid}/task").iterdir())
        where = {thread: Path(f"/proc/{self.process.pid}/task/{thread}/cgroup").read_text() for thread in threads}
        groups = sorted(path.name for path in HIERARCHY.iterdir() if path.is_dir())
        return where, groups, (HIERARCHY / "cgroup.subtree_control").read_text()


class TestInTheRootGroupWithoutTheCpuController(TestInTheRootGroup):
    def enter_home(self) -> None:
        super().enter_home()
        for group in (self.service.folder.parent, HIERARCHY):
            (group / "cgroup.subtree_control").write_text("-cpu")

    @pytest.fixture(autouse=True)
    def put_back(self) -> Iterator[None]:
        yield
        (HIERARCHY / "cgroup.subtree_control").write_text("+cpu")
