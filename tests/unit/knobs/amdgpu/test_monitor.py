import pytest

from knobs.contract import Conditions, DeviceError, Occupant
from tests.emulated.sysfs.machines import radeon
from tests.emulated.sysfs.tree import constant
from tests.unit.knobs.amdgpu.machine import Machine


def watched(facts=radeon.VEGA_56):
    machine = Machine(facts)
    (monitor,) = machine.find().monitors
    return machine, monitor


def test_clocks_heat_and_load_are_reported():
    machine, monitor = watched()
    machine.gpu.busy_percent = 80
    seen = monitor.observe()
    assert seen.delivered == (("gpu.core.max_mhz", 1590.0), ("gpu.memory.max_mhz", 920.0))
    assert seen.temperatures_c == (("gpu.edge", 50.0),)
    assert seen.utilization == 0.8
    assert seen.obstacles == seen.remarks == ()
    assert not seen.power_capped


def test_power_at_its_limit_is_a_remark_and_too_hot_an_obstacle():
    machine, monitor = watched()
    machine.gpu.power_w, machine.gpu.temperature_c = 258.0, 101.0
    seen = monitor.observe()
    assert seen.power_capped
    assert seen.remarks == ("gpu: at its power limit (258 of 260 W)",)
    assert seen.obstacles == ("gpu: edge at its critical temperature",)


def test_what_an_apu_cannot_tell_is_left_out():
    _, monitor = watched(radeon.PHOENIX)
    assert [knob_id for knob_id, _ in monitor.observe().delivered] == ["igpu.core.max_mhz"]


def test_a_sleeping_gpu_is_not_woken():
    machine, monitor = watched()
    machine.gpu.pci.asleep = True
    assert monitor.observe() == Conditions(remarks=("gpu: asleep",))
    assert machine.gpu.pci.woken == 0


def test_in_reset_it_says_nothing_rather_than_a_zero():
    machine, monitor = watched()
    machine.gpu.in_reset = True
    seen = monitor.observe()
    assert seen.delivered == seen.temperatures_c == ()
    assert seen.utilization is None


def test_a_gpu_that_was_unplugged_is_reported():
    machine, monitor = watched()
    machine.gpu.pci.unplug()
    with pytest.raises(DeviceError, match="gone"):
        monitor.observe()


def test_processes_that_compute_on_it_are_named_and_those_of_another_gpu_are_not():
    machine, monitor = watched()
    nodes = "/sys/class/kfd/kfd/topology/nodes"
    for node, gpu_id, location in [(0, 0, 0), (1, 777, 0x0400), (2, 4242, 0x0300)]:
        machine.tree.add(f"{nodes}/{node}/gpu_id", constant(f"{gpu_id}\n"))
        machine.tree.add(f"{nodes}/{node}/properties", constant(f"simd_count 4\nlocation_id {location}\ndomain 0\n"))
    machine.tree.add("/sys/class/kfd/kfd/proc/1234/vram_4242", constant("1048576\n"))
    machine.tree.add("/sys/class/kfd/kfd/proc/99/vram_777", constant("5\n"))
    machine.tree.add("/proc/1234/comm", constant("python3\n"))
    assert monitor.observe().occupants == (Occupant(1234, "gpu", "python3", 1048576),)
