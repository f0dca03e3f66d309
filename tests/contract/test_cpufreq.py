"""The contract suite over the CPU knobs: on emulated kernels here, on a real one where a subclass gives its files."""

from collections.abc import Callable
from functools import partial

import pytest

from knobs.contract import NotAbove
from knobs.drivers.cpufreq.find import find_cpu
from knobs.found import Found, Wishes
from knobs.sysfs import KernelFiles
from tests.contract.found_knob_contract import FoundKnobContract
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.machines.jetson import agx_orin, agx_xavier, orin_nano, tx2
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.processors import acpi_server, ryzen, virtual_machine, xeon
from tests.unit.knobs.cpufreq.machines import tx2_with_identified_cores

CORES_ONLINE = "cpu.cores.online"
CPU = "/sys/devices/system/cpu"
SETTINGS = (
    *(f"{CPU}/cpufreq/policy*/scaling_{name}" for name in ("min_freq", "max_freq", "governor")),
    *(f"{CPU}/cpufreq/policy*/{name}" for name in ("energy_performance_preference", "boost")),
    *(f"{CPU}/cpufreq/boost", f"{CPU}/intel_pstate/no_turbo", f"{CPU}/cpu[0-9]*/online"),
)
"""Every file that a CPU knob may write."""


class CpuKnobContract(FoundKnobContract):
    """The contract of one knob. A subclass names the knob and gives the kernel's files."""

    settings = SETTINGS
    wishes = Wishes(allowed=frozenset({CORES_ONLINE}))

    def find(self) -> Found:
        return find_cpu(self.kernel_files, self.wishes)


class MaxContract(CpuKnobContract):
    knob_id = "cpu.core.max_mhz"

    def test_a_minimum_in_the_way_gives_way_and_comes_back(self, knob):
        lower = next(one for one in self.find().knobs if one.spec.id == self.knob_id.replace("max", "min"))
        before = self.footprint(knob)
        captured, lower_captured = knob.capture(), lower.capture()
        lower.write(lower.spec.values[-2])
        high_minimum = self.footprint(knob)
        own = knob.capture()
        knob.write(knob.spec.values[0])
        assert lower.read() == knob.spec.values[0]
        knob.write(knob.spec.values[-1])
        assert lower.read() == lower.spec.values[-2]
        knob.write(knob.spec.values[0])
        self.reopen(knob, own).restore(own)
        assert self.footprint(knob) == high_minimum
        knob.restore(captured)
        lower.restore(lower_captured)
        assert self.footprint(knob) == before


class MinContract(CpuKnobContract):
    knob_id = "cpu.core.min_mhz"

    def test_it_must_not_exceed_the_maximum(self, knob):
        assert knob.spec.not_above == NotAbove(self.knob_id.replace("min", "max"))


class GovernorContract(CpuKnobContract):
    knob_id = "cpu.governor"

    def test_userspace_is_not_offered(self, knob):
        assert "userspace" not in knob.spec.values


class PreferenceContract(CpuKnobContract):
    knob_id = "cpu.energy_performance_preference"


class BoostContract(CpuKnobContract):
    knob_id = "cpu.boost"


class CoresOnlineContract(CpuKnobContract):
    knob_id = CORES_ONLINE


def emulated(*machines: Callable[[], Machine]) -> type:
    """Returns what gives a contract the files of emulated machines, one after another."""

    class Emulated:
        @pytest.fixture(params=machines, ids=lambda make: f"{make().name}-{make().generation.name}")
        def files(self, request: pytest.FixtureRequest) -> KernelFiles:
            machine = request.param()
            machine.tree.add_folder("/proc")
            return machine.files()

    return Emulated


LISTED = (*(partial(acpi_server, generation) for generation in Generation), tx2, agx_xavier, orin_nano, agx_orin)
CONTINUOUS = tuple(partial(make, cores=2, active=active) for make in (ryzen, xeon) for active in (True, False))


class TestMax(emulated(*LISTED, *CONTINUOUS), MaxContract):
    pass


class TestMin(emulated(*LISTED, *CONTINUOUS), MinContract):
    pass


class TestMaxOfACluster(emulated(tx2_with_identified_cores), MaxContract):
    knob_id = "cpu.cluster1.max_mhz"


class TestMinOfACluster(emulated(tx2_with_identified_cores), MinContract):
    knob_id = "cpu.cluster1.min_mhz"


class TestGovernor(emulated(LISTED[0], tx2, orin_nano, *CONTINUOUS), GovernorContract):
    pass


class TestPreference(emulated(CONTINUOUS[0], *CONTINUOUS[2:]), PreferenceContract):
    pass


class TestBoost(emulated(*LISTED[:2], *CONTINUOUS), BoostContract):
    pass


class TestCoresOnline(emulated(partial(ryzen, cores=4), virtual_machine, orin_nano), CoresOnlineContract):
    pass
