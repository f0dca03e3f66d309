"""The contract suites over a Jetson's knobs and meters: on emulated boards here, on others by a subclass's files."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest

from knobs.contract import Absence, Meter, NotAbove, RestoreClass, Scope
from knobs.drivers.jetson import find_jetson
from knobs.found import Found, Wishes
from knobs.meters.sampling import Sampler
from knobs.sysfs import KernelFiles
from tests.contract.found_knob_contract import FoundKnobContract
from tests.contract.meter_contract import MeterContract
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.machines.jetson import Jetson, agx_orin, agx_xavier, orin_nano, tx2

SETTINGS = (
    "/sys/class/devfreq/*/min_freq",
    "/sys/class/devfreq/*/max_freq",
    "/sys/class/devfreq/*/device/railgate_enable",
    "/sys/kernel/nvpmodel_*_cap/emc*",
    "/sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked",
    "/sys/kernel/debug/bpmp/debug/clk/emc/rate",
)
"""Every file that a knob of a Jetson may write."""

BOARDS: dict[str, Callable[[], Jetson]] = {
    "TX2, JetPack 4": tx2,
    "AGX Xavier, JetPack 4": agx_xavier,
    "AGX Xavier, JetPack 5": partial(agx_xavier, generation=Generation.K5_10),
    "Orin Nano, JetPack 5": partial(orin_nano, generation=Generation.K5_10),
    "Orin Nano, JetPack 6": orin_nano,
    "Orin Nano Super": partial(orin_nano, super_mode=True),
    "AGX Orin, JetPack 5": partial(agx_orin, generation=Generation.K5_10),
    "AGX Orin, JetPack 6": agx_orin,
}
LAYOUTS = ("TX2, JetPack 4", "AGX Xavier, JetPack 5", "Orin Nano Super", "AGX Orin, JetPack 6")


class JetsonKnobContract(FoundKnobContract):
    """The contract of one knob. A subclass names the knob and gives the kernel's files."""

    settings = SETTINGS

    def find(self) -> Found:
        return find_jetson(self.kernel_files, self.wishes, Sampler())


class MaximumContract(JetsonKnobContract):
    knob_id = "gpu.core.max_mhz"

    def test_a_minimum_in_the_way_gives_way_and_comes_back(self, knob):
        lower = next(one for one in self.find().knobs if one.spec.id == "gpu.core.min_mhz")
        lower_was = lower.capture()
        lower.write(lower.spec.values[-1])
        pinned = self.footprint(knob)
        captured = knob.capture()
        knob.write(knob.spec.values[0])
        assert lower.read() == knob.spec.values[0]
        self.reopen(knob, captured).restore(captured)
        assert self.footprint(knob) == pinned
        lower.restore(lower_was)


class MinimumContract(JetsonKnobContract):
    knob_id = "gpu.core.min_mhz"

    def test_it_is_kept_below_the_maximum(self, knob):
        assert knob.spec.not_above == NotAbove("gpu.core.max_mhz")


class RailgateContract(JetsonKnobContract):
    knob_id = "gpu.railgate"


class MemoryContract(JetsonKnobContract):
    knob_id = "memory.max_mhz"

    def test_what_starves_a_display_is_left_out(self, knob):
        assert all(value >= 600 for value in knob.spec.values)


class BoldMemoryContract(JetsonKnobContract):
    knob_id = "memory.max_mhz"
    wishes = Wishes(allowed=frozenset({"memory.max_mhz"}))

    def test_all_clocks_are_on_offer_and_called_dangerous(self, knob):
        assert knob.spec.values[0] < 600
        assert knob.spec.danger


class JetsonMeterContract(MeterContract):
    """The contract of the widest meter. A subclass gives the kernel's files."""

    meter_id = "board.power"

    @pytest.fixture
    def files(self) -> KernelFiles:
        raise NotImplementedError

    @pytest.fixture
    def meter(self, files: KernelFiles) -> Meter:
        meters = {meter.spec.id: meter for meter in find_jetson(files, Wishes(), Sampler()).meters}
        if self.meter_id not in meters:
            pytest.skip(f"this machine has no {self.meter_id}")
        return meters[self.meter_id]

    def advance(self, meter: Meter) -> None:
        time.sleep(2 * meter.spec.update_period_s)


@pytest.fixture(params=BOARDS.values(), ids=BOARDS.keys())
def board(request) -> Jetson:
    return request.param()


class _Emulated:
    """One board of each layout of files."""

    @pytest.fixture(params=LAYOUTS)
    def files(self, request: pytest.FixtureRequest) -> KernelFiles:
        return BOARDS[request.param]().files()


class _EveryBoard:
    @pytest.fixture
    def files(self, board: Jetson) -> KernelFiles:
        return board.files()


class TestMaximum(_EveryBoard, MaximumContract):
    pass


class TestMinimum(_Emulated, MinimumContract):
    pass


class TestRailgate(_Emulated, RailgateContract):
    pass


class TestMemory(_Emulated, MemoryContract):
    pass


class TestBoldMemory(_Emulated, BoldMemoryContract):
    pass


class TestHeldMemory(MemoryContract):
    """Without a cap, as where nvpmodel's module is not loaded: the clock is held through debugfs."""

    @pytest.fixture(params=LAYOUTS)
    def files(self, request: pytest.FixtureRequest) -> KernelFiles:
        board = BOARDS[request.param]()
        board.memory.idle_hz = board.board.memory_hz[0]
        for path in board.files().glob("/sys/kernel/nvpmodel_*_cap"):
            board.tree.remove(path)
        return board.files()


class TestBoardMeter(_Emulated, JetsonMeterContract):
    pass


def test_an_owner_finds_what_the_board_has(board):
    files = board.files()
    found = find_jetson(files, Wishes(), Sampler())
    assert [knob.spec.id for knob in found.knobs] == [
        "gpu.core.max_mhz",
        "gpu.core.min_mhz",
        "gpu.railgate",
        "memory.max_mhz",
    ]
    assert all(knob.spec.restore_class is RestoreClass.EXACT for knob in found.knobs)
    assert found.knobs[0].spec.values == tuple(hertz / 1e6 for hertz in board.board.gpu_hz)
    assert found.meters[0].spec.scope is Scope.BOARD
    assert [absence.id for absence in found.absent] == ["jetson.power_mode"]
    assert files.writes == []


@pytest.mark.parametrize(
    ("board", "meters"),
    [
        (tx2(), {"board.power": Scope.BOARD, "gpu.rail.power": Scope.GPU, "cpu.rail.power": Scope.CPU}),
        (orin_nano(), {"board.power": Scope.BOARD}),
        (agx_orin(), {"board.power": Scope.BOARD, "soc.power": Scope.SOC}),
    ],
    ids=lambda value: value.name if isinstance(value, Jetson) else "",
)
def test_meters_cover_what_the_rails_say(board, meters):
    found = find_jetson(board.files(), Wishes(), Sampler()).meters
    assert {meter.spec.id: meter.spec.scope for meter in found} == meters


def test_a_power_mode_leaves_its_clocks_and_says_so():
    found = find_jetson(agx_orin(mode=3).files(), Wishes(), Sampler())
    assert found.knobs[0].spec.values[-1] == 816
    assert "The power mode 50W (3) ends at 816 MHz" in found.knobs[0].spec.note


def test_nvpmodel_behind_our_back_is_seen(board):
    monitor = find_jetson(board.files(), Wishes(), Sampler()).monitors[0]
    assert monitor.observe().obstacles == ()
    other = next(number for number in board.power_modes.modes if number != board.power_modes.current)
    board.power_modes.switch(other)
    assert "nvpmodel changed the power mode" in monitor.observe().obstacles[0]


def test_throttling_is_seen_and_what_sleeps_is_left_out(board):
    monitor = find_jetson(board.files(), Wishes(), Sampler()).monitors[0]
    seen = monitor.observe()
    assert seen.obstacles == ()
    assert "cv0-thermal" not in dict(seen.temperatures_c)
    assert set(dict(seen.delivered)) == {"gpu.core.max_mhz", "memory.max_mhz"}
    board.over_current_events += 2
    board.cooling[f"devfreq-{board.gpu.name}"].set(1)
    first, second = monitor.observe().obstacles
    assert "throttled 2 times by instantaneous over-current" in first
    assert "thermal cap devfreq-" in second


def test_without_root_every_knob_is_absent_with_a_fix_and_meters_remain(board):
    found = find_jetson(board.files(is_root=False), Wishes(), Sampler())
    assert found.knobs == ()
    assert {absence.id for absence in found.absent} >= {"gpu.core.max_mhz", "memory.max_mhz"}
    assert all(absence.fix for absence in found.absent)
    assert found.meters


def test_firmware_that_takes_the_lock_and_ignores_it_is_found_out():
    machine = orin_nano(super_mode=True)
    machine.tree.remove("/sys/kernel/nvpmodel_clk_cap")
    memory = find_jetson(machine.files(), Wishes(), Sampler()).knobs[-1]
    machine.memory.ignores_lock = True
    memory.write(665.6)
    assert memory.read() != 665.6


def test_a_machine_without_tegra_has_nothing_of_a_jetson():
    machine = agx_orin()
    machine.tree.remove("/sys/firmware/devicetree/base/compatible")
    machine.tree.remove("/proc/device-tree")
    found = find_jetson(machine.files(), Wishes(), Sampler())
    assert (found.knobs, found.meters, found.monitors, found.absent) == ((), (), (), ())
    assert isinstance(find_jetson(orin_nano().files(), Wishes(), Sampler()).absent[0], Absence)
