"""What the GPUs say about themselves, under load and in trouble."""

import time

import pytest

from knobs.contract import DeviceError
from knobs.keeper.watching import observe
from tests.emulated.nvml import EventReason, Load
from tests.emulated.nvml.load import CLASSIFIER
from tests.emulated.sysfs.tree import Folder
from tests.unit.knobs.nvidia.machine import needs_compiler, nvidia_machine

pytestmark = needs_compiler

CORE, MEMORY = "gpu.core.max_mhz", "gpu.memory.max_mhz"


def eventually(look, condition, most_s=2.0):
    """Looks again and again until a condition holds; returns the last look."""
    end_s = time.monotonic() + most_s
    while not condition(seen := look()) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert condition(seen), seen
    return seen


@pytest.fixture
def bench():
    with nvidia_machine("h100-nvl") as bench:
        yield bench


@pytest.fixture
def monitor(bench):
    (monitor,) = bench.find().monitors
    return monitor


def test_under_load_the_clocks_that_are_delivered_are_those_that_were_set(bench, monitor):
    knobs = {knob.spec.id: knob for knob in bench.find().knobs}
    knobs[MEMORY].write(1593)
    knobs[CORE].write(1005)
    with Load(bench.driver.gpus[0].device):
        seen = eventually(monitor.observe, lambda seen: (seen.utilization or 0) > 0.9)
        delivered = dict(seen.delivered)
    for knob_id, value in ((CORE, 1005), (MEMORY, 1593)):
        assert delivered[knob_id] == pytest.approx(value, rel=knobs[knob_id].spec.tolerance)
    assert seen.obstacles == ()


def test_an_idle_gpu_has_no_obstacle(monitor):
    seen = monitor.observe()
    assert (seen.obstacles, seen.remarks, seen.power_capped, seen.utilization) == ((), (), False, 0.0)
    assert seen.temperatures_c == (("gpu0", 30.0),)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (EventReason.HW_SLOWDOWN, "hardware, for heat or supply"),
        (EventReason.SW_THERMAL_SLOWDOWN, "driver, for heat"),
        (EventReason.HW_THERMAL_SLOWDOWN, "hardware, for heat"),
        (EventReason.HW_POWER_BRAKE, "power brake"),
    ],
)
def test_a_slowdown_is_an_obstacle(bench, monitor, reason, words):
    bench.control.hold_down(600, reasons=reason)
    with Load(bench.driver.gpus[0].device):
        seen = eventually(monitor.observe, lambda seen: seen.obstacles)
    assert any(text.startswith("gpu0: ") and words in text for text in seen.obstacles)


def test_a_slowdown_between_two_looks_is_not_missed(bench, monitor):
    with Load(bench.driver.gpus[0].device):
        monitor.observe()
        bench.control.hold_down(600)
        time.sleep(0.15)
        bench.control.let_go()
        eventually(lambda: bench.control.truth()["capped_by_heat"], lambda capped: not capped)
        assert monitor.observe().obstacles == ("gpu0: slowed down by its driver, for heat",)
        assert monitor.observe().obstacles == ()


def test_a_power_cap_is_remarked_and_no_obstacle():
    with nvidia_machine("l4") as bench:
        found = bench.find()
        knobs = {knob.spec.id: knob for knob in found.knobs}
        knobs["gpu.power.limit_w"].write(40)
        with Load(bench.driver.gpus[0].device, CLASSIFIER, 64):
            seen = eventually(found.monitors[0].observe, lambda seen: seen.power_capped)
        assert seen.remarks == ("gpu0: held down by its power cap",)
        assert seen.obstacles == ()


def test_whoever_uses_the_gpu_is_named(bench, monitor):
    Folder(bench.tree, "/proc/4242").add("comm", "trainer")
    bench.control.occupy(4242, "trainer", memory_mib=512)
    bench.control.occupy(17, "Xorg", memory_mib=64, kind="graphics")
    occupants = {occupant.pid: occupant for occupant in monitor.observe().occupants}
    assert (occupants[4242].name, occupants[4242].device) == ("trainer", "gpu")
    assert occupants[4242].memory_bytes == 512 << 20
    assert (occupants[17].name, occupants[17].memory_bytes) == ("", 64 << 20)


def test_a_process_in_several_lists_of_one_gpu_is_counted_once(bench, monitor):
    bench.control.occupy(4242, "viewer", memory_mib=100)
    bench.control.occupy(4242, "viewer", memory_mib=100, kind="graphics")
    bench.control.occupy(4243, "client", memory_mib=50, kind="mps")
    occupants = {occupant.pid: occupant.memory_bytes for occupant in monitor.observe().occupants}
    assert occupants == {4242: 100 << 20, 4243: 50 << 20}


def test_a_process_on_two_gpus_is_one_occupant_with_the_memory_of_both():
    with nvidia_machine("two-l4") as bench:
        for gpu in (0, 1):
            bench.control.occupy(4242, "trainer", memory_mib=100, gpu=gpu)
        (occupant,) = bench.find().monitors[0].observe().occupants
        assert occupant.memory_bytes == 200 << 20


def test_a_gpu_that_does_not_take_part_says_nothing_of_the_clocks():
    with nvidia_machine("two-l4") as bench:
        found = bench.find()
        with Load(bench.driver.gpus[1].device):
            seen = eventually(found.monitors[0].observe, lambda seen: (seen.utilization or 0) > 0.9)
        assert dict(seen.delivered)[CORE] == pytest.approx(bench.driver.gpus[1].device.observe().core_mhz, abs=500)
        assert dict(seen.delivered)[CORE] > 1000
        assert [sensor for sensor, _ in seen.temperatures_c] == ["gpu0", "gpu1"]


def test_the_slowest_core_of_those_that_work_is_what_is_delivered():
    with nvidia_machine("two-l4") as bench:
        monitor = bench.find().monitors[0]
        bench.driver.gpus[1].settings.lock_core(210, 600)
        with Load(bench.driver.gpus[0].device), Load(bench.driver.gpus[1].device):
            time.sleep(0.3)
            seen = eventually(monitor.observe, lambda seen: dict(seen.delivered).get(CORE) == 600)
        assert seen.obstacles == ()


def test_mig_is_remarked_and_its_utilization_not_guessed():
    with nvidia_machine("a100-mig") as bench:
        seen = bench.find().monitors[0].observe()
        assert seen.utilization is None
        assert any("MIG" in remark for remark in seen.remarks)


@pytest.mark.parametrize("code", [3, 13, 21, 26])
@pytest.mark.parametrize(
    "function",
    [
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetCurrentClocks*Reasons",
        "nvmlDeviceGetTemperature*",
        "nvmlDeviceGetUtilizationRates",
        "nvmlDeviceGet*RunningProcesses*",
        "nvmlDeviceGetFieldValues",
    ],
)
def test_what_is_not_told_is_left_out_and_the_rest_is_there(bench, monitor, function, code):
    whole = monitor.observe()
    bench.control.fail(function, code=code)
    seen = monitor.observe()
    assert bool(seen.delivered) == ("ClockInfo" not in function)
    assert (seen.temperatures_c == whole.temperatures_c) == ("Temperature" not in function)
    assert (seen.utilization is None) == ("Utilization" in function)


def test_a_lost_gpu_is_an_error_and_for_the_keeper_an_obstacle(bench, monitor):
    bench.control.lose()
    with pytest.raises(DeviceError, match="fallen off the bus"):
        monitor.observe()
    assert "gpu: Cannot read" in observe([monitor]).obstacles[0]
