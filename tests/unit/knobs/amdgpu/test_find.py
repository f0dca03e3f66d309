import pytest

from knobs.contract import NoValueError, Scope
from knobs.drivers.amdgpu import find_amdgpu
from knobs.found import Wishes
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.machines import radeon
from tests.emulated.sysfs.tree import Tree, constant
from tests.unit.knobs.amdgpu.machine import ADDRESS, Machine


def reasons(found):
    return {absence.id: f"{absence.reason}; {absence.fix}" for absence in found.absent}


def test_a_machine_without_amd_gpus_has_nothing_to_say():
    found = find_amdgpu(TreeFiles(Tree()), Wishes(), Sampler())
    assert (found.knobs, found.meters, found.monitors, found.absent) == ((), (), (), ())


def test_a_sleeping_gpu_is_named_and_not_woken():
    machine = Machine(radeon.VEGA_56)
    machine.gpu.pci.asleep = True
    found = machine.find()
    assert found.knobs == ()
    assert "is asleep" in reasons(found)["gpu"]
    assert machine.gpu.pci.woken == 0


def test_without_overdrive_the_fix_names_the_kernel_argument():
    machine = Machine(radeon.RX_7900_XTX_WITHOUT_OVERDRIVE)
    machine.tree.add("/sys/module/amdgpu/parameters/ppfeaturemask", constant("0xfff7bfff\n"))
    assert "amdgpu.ppfeaturemask=0xfff7ffff" in reasons(machine.find())["gpu.core.max_mhz"]


def test_ceilings_and_the_performance_level_are_never_offered_together():
    assert "gpu.performance_level" in reasons(Machine(radeon.VEGA_56).find())
    assert "igpu.performance_level" not in reasons(Machine(radeon.PHOENIX).find())


def test_a_power_limit_whose_lower_end_is_not_stated_starts_at_a_quarter():
    knob = Machine(radeon.VEGA_56).knob("gpu.power.limit_w")
    assert (knob.spec.values[0], knob.spec.values[-1]) == (65, 260)


def test_an_apu_has_no_power_limit_and_its_power_covers_the_cpu():
    found = Machine(radeon.PHOENIX).find()
    assert "igpu.power.limit_w" in reasons(found)
    (meter,) = found.meters
    assert (meter.spec.id, meter.spec.scope) == ("igpu.energy", Scope.SOC)
    assert "CPU" in meter.spec.note


def test_the_power_of_a_discrete_gpu_covers_the_gpu():
    (meter,) = Machine(radeon.VEGA_56).find().meters
    assert (meter.spec.id, meter.spec.scope, meter.spec.device) == ("gpu.energy", Scope.GPU, "gpu")


def test_power_of_a_sleeping_gpu_is_no_value_and_does_not_wake_it():
    machine = Machine(radeon.VEGA_56)
    (meter,) = machine.find().meters
    machine.gpu.pci.asleep = True
    with pytest.raises(NoValueError):
        meter.sample()
    assert machine.gpu.pci.woken == 0


def test_who_may_not_write_is_told_whom_to_ask():
    machine = Machine(radeon.VEGA_56)
    found = find_amdgpu(TreeFiles(machine.tree, is_root=False), Wishes(), Sampler())
    assert found.knobs == ()
    assert "root" in reasons(found)["gpu.power.limit_w"]
    assert "root" in reasons(found)["gpu.performance_level"]
    assert len(found.meters) == 1


@pytest.mark.parametrize(
    ("wishes", "offered"),
    [((), True), ((ADDRESS,), True), (("03:00.0",), True), (("0",), True), (("gpu",), True), (("1",), False)],
)
def test_only_gpus_that_the_operator_names_are_touched(wishes, offered):
    found = Machine(radeon.VEGA_56).find(Wishes(gpus=wishes))
    assert bool(found.knobs) is offered
    assert bool(found.meters) is offered


@pytest.mark.parametrize("file", ["pp_dpm_sclk", "pp_dpm_mclk", "pp_od_clk_voltage", "hwmon/hwmon3/power1_cap"])
@pytest.mark.parametrize("content", ["", "\0\0\0", "garbage", "0: Mhz", "-1"])
def test_garbage_in_any_file_breaks_nothing(file, content):
    machine = Machine(radeon.RX_7900_XTX)
    machine.tree.add(f"{machine.gpu.pci.folder.path}/{file}", constant(content, 0o644))
    machine.find()
