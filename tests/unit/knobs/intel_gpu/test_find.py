import pytest

from knobs.contract import Conditions, DeviceError, NoValueError, Scope
from knobs.drivers.intel_gpu import find_intel_gpu
from knobs.found import Wishes
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.tree import Tree, constant
from tests.unit.knobs.intel_gpu.machine import arc_i915, arc_xe, tiger_lake


def reasons(found):
    return {absence.id: f"{absence.reason}; {absence.fix}" for absence in found.absent}


def test_a_machine_without_intel_gpus_has_nothing_to_say():
    found = find_intel_gpu(TreeFiles(Tree()), Wishes(), Sampler())
    assert (found.knobs, found.meters, found.monitors, found.absent) == ((), (), (), ())


def test_an_integrated_gpu_refers_to_the_package():
    found = tiger_lake().find()
    assert "cpu.package.rapl" in reasons(found)["igpu.energy"]
    assert "CPU's package" in reasons(found)["igpu.power.limit_w"]


@pytest.mark.parametrize(("channel", "covers"), [(1, "whole card"), (2, "package")])
def test_the_energy_counter_that_stands_at_zero_is_not_taken(channel, covers):
    machine = arc_xe(channel=channel)
    (meter,) = machine.find().meters
    assert (meter.spec.id, meter.spec.scope) == ("gpu.energy", Scope.GPU)
    assert covers in meter.spec.note
    first = meter.sample().value
    machine.gpu.energy_uj += 5_000_000
    assert meter.sample().value - first == pytest.approx(5.0)


def test_a_counter_that_never_moves_is_absent():
    machine = arc_xe()
    machine.gpu.energy_uj = 0
    assert "gpu.energy" in reasons(machine.find())


def test_media_has_a_clock_of_its_own_that_is_left_alone():
    machine = arc_xe(with_media=True)
    machine.knob("gpu.core.max_mhz").write(1200)
    assert machine.tree.attribute(f"{machine.gpu.pci.folder.path}/tile0/gt1/freq0/max_freq").read() == "1300\n"


def test_a_power_limit_that_is_switched_off_is_absent():
    machine = arc_i915()
    machine.gpu.limit_microwatts = 0
    assert "gpu.power.limit_w" in reasons(machine.find())


def test_who_may_not_write_is_told_whom_to_ask():
    found = find_intel_gpu(TreeFiles(arc_xe().tree, is_root=False), Wishes(), Sampler())
    assert found.knobs == ()
    assert "root" in reasons(found)["gpu.core.max_mhz"]
    assert "root" in reasons(found)["gpu.power.limit_w"]


def test_a_range_that_makes_no_sense_is_absent():
    machine = arc_i915()
    machine.tree.add(
        "/sys/devices/pci0000:00/0000:00:01.1/0000:08:00.0/drm/card1/gt/gt0/rps_RP0_freq_mhz", constant("0")
    )
    assert "range is empty" in reasons(machine.find())["gpu.core.max_mhz"]


def test_a_sleeping_gpu_is_named_and_not_woken():
    machine = arc_i915()
    (meter,) = machine.find().meters
    (monitor,) = machine.find().monitors
    machine.gpu.pci.asleep = True
    assert "is asleep" in reasons(machine.find())["gpu"]
    assert monitor.observe() == Conditions(remarks=("gpu: asleep",))
    with pytest.raises(NoValueError):
        meter.sample()
    assert machine.gpu.pci.woken == 0


@pytest.mark.parametrize("make", [arc_i915, arc_xe])
def test_the_clock_that_is_delivered_and_what_holds_it_down_are_reported(make):
    machine = make()
    (monitor,) = machine.find().monitors
    assert monitor.observe().delivered == ()
    machine.gpu.busy = True
    machine.gpu.reasons = {"pl1"}
    seen = monitor.observe()
    assert seen.delivered == (("gpu.core.max_mhz", 2450.0),)
    assert seen.power_capped
    assert seen.remarks == ("gpu: held down by its power limit (PL1)",)
    assert seen.obstacles == ()
    assert [degrees for _, degrees in seen.temperatures_c] == [55.0]
    machine.gpu.reasons = {"thermal", "prochot"}
    seen = monitor.observe()
    assert not seen.power_capped
    assert seen.obstacles == ("gpu: thermal slowdown", "gpu: slowdown asked for by the board (PROCHOT)")


def test_a_gpu_that_was_unplugged_is_reported():
    machine = arc_xe()
    (monitor,) = machine.find().monitors
    machine.gpu.pci.unplug()
    with pytest.raises(DeviceError, match="gone"):
        monitor.observe()
