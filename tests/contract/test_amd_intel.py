"""AMD and Intel GPUs, sensors and batteries keep the contracts, on trees that behave as the kernel does."""

import pytest

from knobs.contract import Knob, KnobSpec, Meter
from knobs.drivers.amdgpu import find_amdgpu
from knobs.drivers.intel_gpu import find_intel_gpu
from knobs.found import Found, Wishes
from knobs.inventory import Inventory
from knobs.journal import Journal, KnobKey
from knobs.keeper.restoring import Restorer
from knobs.keeper.transaction import Transaction, TransactionError
from knobs.meters.battery import find_battery
from knobs.meters.hwmon import find_hwmon
from knobs.meters.sampling import Sampler
from tests.contract.knob_contract import KnobContract
from tests.contract.meter_contract import MeterContract
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.amdgpu import add_amdgpu
from tests.emulated.sysfs.kernel.hwmon import add_chip
from tests.emulated.sysfs.kernel.i915 import add_i915
from tests.emulated.sysfs.kernel.xe import add_xe
from tests.emulated.sysfs.machines import radeon
from tests.emulated.sysfs.machines.intel_gpu import ARC_A380, DISCRETE_ADDRESS, INTEGRATED_ADDRESS, TIGER_LAKE
from tests.emulated.sysfs.machines.laptop import laptop
from tests.emulated.sysfs.tree import Tree
from tests.unit.knobs.file_knob import FileKnob

AMD_ADDRESS = "0000:03:00.0"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds


def amd(facts, files_of=TreeFiles):
    tree = Tree()
    gpu = add_amdgpu(tree, AMD_ADDRESS, 0, facts)
    return gpu, lambda: find_amdgpu(files_of(tree), Wishes(), Sampler())


def intel(add, address, facts, **options):
    tree = Tree()
    gpu = add(tree, address, 1, facts, **options)
    return gpu, lambda: find_intel_gpu(TreeFiles(tree), Wishes(), Sampler(), sleep=lambda seconds: None)


MACHINES = {
    "vega56": lambda: amd(radeon.VEGA_56),
    "mi100": lambda: amd(radeon.MI_100),
    "rx7900xtx": lambda: amd(radeon.RX_7900_XTX),
    "rx7900xtx without overdrive": lambda: amd(radeon.RX_7900_XTX_WITHOUT_OVERDRIVE),
    "phoenix": lambda: amd(radeon.PHOENIX),
    "a380 with i915": lambda: intel(add_i915, DISCRETE_ADDRESS, ARC_A380),
    "a380 with xe": lambda: intel(add_xe, DISCRETE_ADDRESS, ARC_A380),
    "tiger lake": lambda: intel(add_i915, INTEGRATED_ADDRESS, TIGER_LAKE, by_gt=False),
}
KNOBS = {
    "vega56": ("gpu.core.max_mhz", "gpu.memory.max_mhz", "gpu.power.limit_w"),
    "mi100": ("gpu.core.max_mhz", "gpu.memory.max_mhz", "gpu.power.limit_w"),
    "rx7900xtx": ("gpu.core.max_mhz", "gpu.memory.max_mhz", "gpu.power.limit_w"),
    "rx7900xtx without overdrive": ("gpu.memory.max_mhz", "gpu.power.limit_w"),
    "phoenix": ("igpu.performance_level",),
    "a380 with i915": ("gpu.core.max_mhz", "gpu.core.min_mhz", "gpu.power.limit_w"),
    "a380 with xe": ("gpu.core.max_mhz", "gpu.core.min_mhz", "gpu.power.limit_w"),
    "tiger lake": ("igpu.core.max_mhz", "igpu.core.min_mhz"),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_these_knobs_are_offered(machine):
    found = MACHINES[machine]()[1]()
    assert tuple(knob.spec.id for knob in found.knobs) == KNOBS[machine]


@pytest.mark.parametrize("machine", MACHINES)
def test_finding_writes_nothing_and_every_absence_has_a_reason_and_a_fix(machine):
    gpu, find = MACHINES[machine]()
    before = gpu.state
    found = find()
    assert gpu.state == before
    assert all(absence.reason and absence.fix for absence in found.absent)


@pytest.mark.parametrize(("machine", "knob_id"), [(machine, knob) for machine in KNOBS for knob in KNOBS[machine]])
class TestGpuKnob(KnobContract):
    @pytest.fixture
    def knob(self, machine, knob_id):
        self.gpu, self.find = MACHINES[machine]()
        return knob_of(self.find(), knob_id)

    def reopen(self, knob, captured):
        """Another process finds the machine as this one has left it."""
        fresh = knob_of(self.find(), knob.spec.id)
        fresh.restore(captured)
        assert without_growth(fresh.spec) == without_growth(knob.spec)
        return knob

    def footprint(self, knob):
        return self.gpu.state

    def test_another_process_restores_what_this_one_has_set(self, knob):
        before, captured = self.gpu.state, knob.capture()
        knob.write(knob.spec.values[0])
        fresh = knob_of(self.find(), knob.spec.id)
        fresh.restore(captured)
        assert self.gpu.state == before
        assert fresh.spec.values[-1] == knob.spec.values[-1]


def without_growth(spec: KnobSpec) -> tuple[object, ...]:
    """What must not depend on what was in force when the knob was found: values between the ends may."""
    return spec.id, spec.values[-1], spec.restore_class, spec.device, spec.unit, spec.kind


def knob_of(found: Found, knob_id: str) -> Knob:
    return next(knob for knob in found.knobs if knob.spec.id == knob_id)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_configuration_that_fails_at_its_last_knob_leaves_everything_as_it_was(machine, tmp_path):
    gpu, find = MACHINES[machine]()
    (tmp_path / "last").write_text("200")
    last = FileKnob(tmp_path, "last")
    last.broken.touch()
    knobs = {KnobKey(knob.spec.id): knob for knob in (*find().knobs, last)}
    wanted = {key: knob.spec.values[0] for key, knob in knobs.items()}
    before = gpu.state
    with pytest.raises(TransactionError, match="last"):
        Transaction(Journal(tmp_path / "journal"), knobs, wanted).run()
    assert gpu.state == before


@pytest.mark.parametrize("machine", MACHINES)
def test_a_whole_configuration_comes_back_after_a_crash(machine, tmp_path):
    gpu, find = MACHINES[machine]()
    knobs = {KnobKey(knob.spec.id): knob for knob in find().knobs}
    before, journal = gpu.state, tmp_path / "journal"
    Transaction(Journal(journal), knobs, {key: knob.spec.values[1] for key, knob in knobs.items()}).run()
    assert gpu.state != before
    after_the_crash = find()
    inventory = Inventory(after_the_crash.knobs, after_the_crash.meters, reopen=after_the_crash.reopen)
    restorer = Restorer(inventory, Journal(journal), {})
    outcomes = restorer.bring_back(Journal(journal).entries(), {})
    assert not outcomes.failed
    assert gpu.state == before


class TestGpuPowerMeter(MeterContract):
    @pytest.fixture(params=["vega56", "rx7900xtx", "phoenix"])
    def meter(self, request) -> Meter:
        self.clock = Clock()
        tree = Tree()
        facts = {"vega56": radeon.VEGA_56, "rx7900xtx": radeon.RX_7900_XTX, "phoenix": radeon.PHOENIX}[request.param]
        add_amdgpu(tree, AMD_ADDRESS, 0, facts)
        return find_amdgpu(TreeFiles(tree), Wishes(), Sampler(self.clock)).meters[0]

    def advance(self, meter):
        self.clock.pass_by(1.0)


class TestGpuEnergyMeter(MeterContract):
    @pytest.fixture(params=[add_i915, add_xe])
    def meter(self, request) -> Meter:
        self.clock = Clock()
        tree = Tree()
        self.gpu = request.param(tree, DISCRETE_ADDRESS, 1, ARC_A380)
        return find_intel_gpu(TreeFiles(tree), Wishes(), Sampler(self.clock)).meters[0]

    def advance(self, meter):
        self.clock.pass_by(1.0)
        self.gpu.energy_uj += 35_000_000


class TestSensorMeter(MeterContract):
    @pytest.fixture
    def meter(self) -> Meter:
        self.clock = Clock()
        tree = Tree()
        add_chip(tree, 2, "power_meter", "LNXSYSTM:00/ACPI000D:00", {"power1_average": 210_000_000})
        return find_hwmon(TreeFiles(tree), Wishes(), Sampler(self.clock)).meters[0]

    def advance(self, meter):
        self.clock.pass_by(2.0)


class TestBatteryMeter(MeterContract):
    @pytest.fixture(params=[("power", "energy"), ("current",), ("energy",)])
    def meter(self, request) -> Meter:
        self.clock = Clock()
        self.laptop = laptop(request.param)
        return find_battery(TreeFiles(self.laptop.tree), Wishes(), Sampler(self.clock)).meters[0]

    def advance(self, meter):
        self.clock.pass_by(30.0)
        self.laptop.batteries[0].drawn_j += 300.0
