"""What a Jetson says about itself: clocks that are run, throttling, and what NVIDIA's programs do behind us."""

import errno

import pytest

from knobs.contract import DeviceError
from knobs.drivers.jetson import find_jetson
from knobs.found import Wishes
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.tree import Attribute, Folder, kernel_error
from tests.unit.knobs.jetson.silicon import CLK_CAP, NODE, Jetson
from tests.unit.knobs.jetson.test_board import ORIN_TABLE

OVER_CURRENT = "/sys/class/hwmon/hwmon3/oc3_event_cnt"


def monitor_of(board):
    (monitor,) = find_jetson(board.files(), Wishes(), Sampler()).monitors
    return monitor


def test_clocks_that_are_run_are_told_by_the_knob_that_limits_them():
    board = Jetson().with_gpu().with_bpmp().with_text(CLK_CAP, "3199000000")
    board.devfreq.now, board.memory.rate = 612_000_000, 665_600_000
    assert dict(monitor_of(board).observe().delivered) == {"gpu.core.max_mhz": 612.0, "memory.max_mhz": 665.6}


def test_a_gpu_without_power_has_no_clock():
    board = Jetson().with_gpu().with_text(f"{NODE}/power/runtime_status", "suspended")
    monitor = monitor_of(board)
    assert monitor.observe().delivered == ()
    board.texts[f"{NODE}/power/runtime_status"] = "active"
    assert dict(monitor.observe().delivered) == {"gpu.core.max_mhz": 306.0}
    board.devfreq.now = 0
    assert monitor.observe().delivered == ()


def test_over_current_counts_between_two_looks_only():
    board = Jetson().with_gpu().with_text(OVER_CURRENT, "179")
    monitor = monitor_of(board)
    assert monitor.observe().obstacles == ()
    board.texts[OVER_CURRENT] = "182"
    (obstacle,) = monitor.observe().obstacles
    assert obstacle == "gpu: the clocks were throttled 3 times by instantaneous over-current"
    assert monitor.observe().obstacles == ()
    board.texts[OVER_CURRENT] = "0"
    assert monitor.observe().obstacles == ()
    board.texts[OVER_CURRENT] = "1"
    assert len(monitor.observe().obstacles) == 1


def test_a_thermal_cap_of_the_chip_is_an_obstacle_and_a_fan_is_none():
    board = Jetson().with_gpu().with_cooling("gpu-throttle-alert", 0).with_cooling("pwm-fan", 1)
    board.with_cooling("cpufreq-cpu0", 2)
    monitor = monitor_of(board)
    for number in (1, 2):
        board.texts[f"/sys/class/thermal/cooling_device{number}/cur_state"] = "3"
    assert monitor.observe().obstacles == ()
    board.texts["/sys/class/thermal/cooling_device0/cur_state"] = "2"
    assert monitor.observe().obstacles == ("gpu: thermal cap gpu-throttle-alert is at state 2",)


def test_nvpmodel_behind_our_back_is_an_obstacle_once():
    board = Jetson().with_gpu().with_power_mode(0, ORIN_TABLE)
    monitor = monitor_of(board)
    first = monitor.observe()
    assert first.obstacles == ()
    assert first.remarks == ("gpu: power mode MAXN (0)", "gpu: fan profile quiet")
    board.texts["/var/lib/nvpmodel/status"] = "pmode:0002 fmode:quiet"
    assert monitor.observe().obstacles == (
        "gpu: nvpmodel changed the power mode to 30W (2), which moves clocks and cores",
    )
    assert monitor.observe().obstacles == ()


def test_a_status_that_is_gone_for_a_moment_does_not_hide_a_change():
    board = Jetson().with_gpu().with_power_mode(0, ORIN_TABLE)
    monitor = monitor_of(board)
    board.texts["/var/lib/nvpmodel/status"] = ""
    assert monitor.observe().obstacles == ()
    board.texts["/var/lib/nvpmodel/status"] = "pmode:0002 fmode:quiet"
    assert len(monitor.observe().obstacles) == 1


@pytest.mark.parametrize("path", [f"{NODE}/load", "/sys/devices/platform/gpu.0/load", "/sys/devices/gpu.0/load"])
def test_the_load_is_in_thousandths(path):
    board = Jetson().with_gpu().with_text(path, "437")
    monitor = monitor_of(board)
    assert monitor.observe().utilization == pytest.approx(0.437)
    board.texts[path] = "nonsense"
    assert monitor.observe().utilization is None


def test_zones_without_power_are_left_out_of_the_temperatures():
    def asleep():
        raise kernel_error(errno.EAGAIN)

    board = Jetson().with_gpu()
    zones = "/sys/class/thermal/thermal_zone"
    board.with_text(f"{zones}0/type", "cpu-thermal").with_text(f"{zones}0/temp", "48500")
    board.with_text(f"{zones}1/type", "cv0-thermal")
    board.tree.add(f"{zones}1/temp", Attribute(asleep))
    assert monitor_of(board).observe().temperatures_c == (("cpu-thermal", 48.5),)


def test_a_driver_that_was_unloaded_is_a_lost_device():
    board = Jetson().with_gpu()
    monitor = monitor_of(board)
    board.tree.remove(NODE)
    with pytest.raises(DeviceError, match="load the module nvgpu"):
        monitor.observe()


def test_another_machine_has_nothing_of_a_jetson():
    board = Jetson(soc="nothing")
    Folder(board.tree, "/sys/class/devfreq").add("17000000.gpu/max_freq", 1)
    assert find_jetson(board.files(), Wishes(), Sampler()).monitors == ()


def test_the_journal_tells_a_new_keeper_which_lowest_clock_is_hidden():
    board = Jetson().with_gpu()
    board.devfreq.asked_min = board.devfreq.asked_max = 408_000_000
    found = find_jetson(board.files(), Wishes(), Sampler())
    maximum = found.reopen("gpu.core.max_mhz", {"max_hz": 1_020_000_000, "min_hz": 918_000_000})
    minimum = found.reopen("gpu.core.min_mhz", {})
    assert minimum.capture() == {"min_hz": 918_000_000}
    maximum.write(1020)
    assert minimum.read() == 918
    assert found.reopen("cpu.governor", {}) is None


def test_finding_writes_nothing_and_says_why_the_mode_is_no_knob():
    board = Jetson().with_gpu().with_bpmp().with_text(CLK_CAP, "3199000000").with_power_mode(0, ORIN_TABLE)
    files = board.files()
    found = find_jetson(files, Wishes(), Sampler())
    assert [knob.spec.id for knob in found.knobs] == ["gpu.core.max_mhz", "gpu.core.min_mhz", "memory.max_mhz"]
    assert {absence.id for absence in found.absent} == {"board.power", "jetson.power_mode"}
    assert files.writes == []
