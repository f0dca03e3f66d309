"""Where each JetPack keeps the GPU, what the power mode leaves of its clocks, and railgating."""

import re

import pytest

from knobs.contract import DeviceError, RefusedError, RestoreOutcome
from knobs.drivers.jetson.board import JetsonBoard
from knobs.drivers.jetson.gpu import find_gpu, gpu_folder
from knobs.drivers.jetson.power_mode import PowerMode
from knobs.drivers.thermal import ThermalCaps
from knobs.found import Wishes
from tests.emulated.sysfs.tree import Folder
from tests.unit.knobs.jetson.silicon import CLASS, NODE, Devfreq, Jetson

NOTHING = Wishes()
BOARD = JetsonBoard("NVIDIA Jetson AGX Orin", "tegra234", "36.4.3", None)
RAILGATE = f"{NODE}/railgate_enable"

PLACES = {
    "TX2, JetPack 4": ("17000000.gp10b", "/sys/devices/17000000.gp10b", "nvidia,tegra186-gp10b", "gp10b"),
    "Nano, JetPack 4": ("57000000.gpu", "/sys/devices/57000000.gpu", "nvidia,tegra210-gm20b", "gpu"),
    "Xavier, JetPack 4 and 5": ("17000000.gv11b", "/sys/devices/17000000.gv11b", "nvidia,gv11b", "gv11b"),
    "Orin, JetPack 5": ("17000000.ga10b", "/sys/devices/17000000.ga10b", "nvidia,ga10b", "ga10b"),
    "Orin, JetPack 6": ("17000000.gpu", NODE, "nvidia,ga10b", "gpu"),
    "Orin, JetPack 7": ("17000000.gpu", "/sys/devices/platform/bus@0/17000000.gpu", "nvidia,ga10b", "gpu"),
    "Thor": ("gpu-gpc-0", "/sys/devices/platform/bus@0/d0b0000000.pcie/gpu-gpc-0", "", ""),
    "a kernel that names it otherwise": ("17000000.graphics", NODE, "nvidia,ga10b", "graphics"),
    "no device tree in the container": ("17000000.ga10b", "/sys/devices/17000000.ga10b", "", ""),
}


def found(board, wishes=NOTHING, mode=None, *, is_root=True):
    files = board.files(is_root=is_root)
    about = JetsonBoard(BOARD.model, BOARD.soc, BOARD.release, mode)
    return find_gpu(files, wishes, about, ThermalCaps(files, re.compile("gpu")))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_the_gpu_is_found_wherever_the_release_keeps_it(place):
    name, node, kind, tree_name = place
    board = Jetson().with_gpu(name=name, node=node, kind=kind, tree_name=tree_name)
    other = Folder(board.tree, "/sys/devices/15340000.vic/devfreq/15340000.vic")
    other.add("max_freq", 1)
    other.link("device", "/sys/devices/15340000.vic")
    Folder(board.tree, "/sys/devices/15340000.vic/of_node").add("compatible", "nvidia,tegra234-vic\0")
    Folder(board.tree, "/sys/class/devfreq").link("15340000.vic", other.path)
    Folder(board.tree, "/sys/class/devfreq").link("gpu-nvd-0", other.path)
    assert gpu_folder(board.files()) == f"/sys/class/devfreq/{name}"
    assert [knob.spec.id for knob in found(board).knobs] == ["gpu.core.max_mhz", "gpu.core.min_mhz"]


def test_a_power_mode_keeps_its_limit_unless_the_operator_allows_more():
    board = Jetson().with_gpu()
    mode = PowerMode(2, "30W", {"GPU": 612_000_000})
    maximum, minimum = found(board, mode=mode).knobs
    assert maximum.spec.values == minimum.spec.values == (306, 408, 510, 612)
    assert "The power mode 30W (2) ends at 612 MHz" in maximum.spec.note
    with pytest.raises(RefusedError):
        maximum.write(714)
    allowed, _ = found(board, Wishes(allowed=frozenset({"gpu.core.max_mhz"})), mode).knobs
    assert allowed.spec.values[-1] == 1020
    assert allowed.spec.note == ""


def test_a_gpu_that_was_never_powered_is_absent_with_the_fix_and_nothing_is_written():
    board = Jetson().with_text("/sys/devices/platform/gpu.0/railgate_enable", "1")
    files = board.files()
    gpu = find_gpu(files, Wishes(), BOARD, ThermalCaps(files, re.compile("gpu")))
    assert {absence.id for absence in gpu.absent} == {"gpu.core.max_mhz", "gpu.core.min_mhz", "gpu.railgate"}
    assert "before the GPU was powered once" in gpu.absent[0].reason
    assert "run any program that uses the GPU once" in gpu.absent[0].fix
    assert files.writes == []


def test_no_governed_gpu_at_all_is_absent():
    assert "governs no GPU" in found(Jetson()).absent[0].reason


def test_without_root_the_clocks_are_absent():
    gpu = found(Jetson().with_gpu(), is_root=False)
    assert gpu.knobs == ()
    assert gpu.absent[0].fix.startswith("start the keeper as root")


def test_a_gpu_without_a_table_is_absent():
    board = Jetson().with_gpu(Devfreq(table=(306_000_000,)))
    Folder(board.tree, f"{NODE}/devfreq/17000000.gpu").add("available_frequencies", "")
    assert "lists no clock" in found(board).absent[0].reason


def test_railgating_is_set_read_and_put_back():
    board = Jetson().with_gpu().with_text(RAILGATE, "1")
    knob = found(board).knobs[-1]
    assert (knob.spec.id, knob.spec.values, knob.read()) == ("gpu.railgate", ("off", "on"), "on")
    captured = knob.capture()
    knob.write("off")
    assert (board.texts[RAILGATE], knob.read()) == ("0", "off")
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert board.texts[RAILGATE] == "1"


def test_railgating_that_does_not_come_back_is_a_failure():
    board = Jetson().with_gpu().with_text(RAILGATE, "1")
    knob = found(board).knobs[-1]
    captured = knob.capture()
    knob.write("off")
    Folder(board.tree, NODE).add("railgate_enable", "0", lambda text: None)
    with pytest.raises(DeviceError, match="does not take on"):
        knob.restore(captured)
    with pytest.raises(DeviceError, match="not written by Wattune"):
        knob.restore({"state": "maybe"})


def test_garbage_in_the_railgate_is_no_state():
    board = Jetson().with_gpu().with_text(RAILGATE, "1")
    knob = found(board).knobs[-1]
    board.texts[RAILGATE] = "perhaps"
    with pytest.raises(DeviceError, match="instead of 0 or 1"):
        knob.read()


def test_the_clocks_link_is_the_class_link():
    assert gpu_folder(Jetson().with_gpu().files()) == CLASS
