"""Several GPUs of one model are set alike."""

import pytest

from knobs.drivers.amdgpu import find_amdgpu
from knobs.found import Wishes
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.amdgpu import add_amdgpu
from tests.emulated.sysfs.machines import radeon
from tests.emulated.sysfs.tree import Tree


class Pair:
    def __init__(self, *models):
        self.tree = Tree()
        self.gpus = [add_amdgpu(self.tree, f"0000:0{slot + 3}:00.0", slot, model) for slot, model in enumerate(models)]

    def find(self, wishes=None):
        return find_amdgpu(TreeFiles(self.tree), wishes or Wishes(), Sampler(lambda: 100.0))


def test_like_gpus_have_one_knob_that_sets_both_and_comes_back_on_both():
    pair = Pair(radeon.VEGA_56, radeon.VEGA_56)
    before = [gpu.state for gpu in pair.gpus]
    knob = next(knob for knob in pair.find().knobs if knob.spec.id == "gpu.core.max_mhz")
    captured = knob.capture()
    knob.write(1138)
    assert [gpu.core_mhz for gpu in pair.gpus] == [1138, 1138]
    fresh = next(knob for knob in pair.find().knobs if knob.spec.id == "gpu.core.max_mhz")
    fresh.restore(captured)
    assert [gpu.state for gpu in pair.gpus] == before


def test_like_gpus_have_a_total_and_one_meter_and_monitor_each():
    found = Pair(radeon.VEGA_56, radeon.VEGA_56).find()
    assert [meter.spec.id for meter in found.meters] == ["gpu.energy", "gpu0.energy", "gpu1.energy"]
    assert [monitor.device for monitor in found.monitors] == ["gpu0", "gpu1"]


def test_unlike_gpus_have_knobs_of_their_own():
    found = Pair(radeon.VEGA_56, radeon.RX_7900_XTX).find()
    core = [knob.spec.id for knob in found.knobs if knob.spec.id.endswith("core.max_mhz")]
    assert core == ["gpu0.core.max_mhz", "gpu1.core.max_mhz"]
    assert [meter.spec.id for meter in found.meters] == ["gpu0.energy", "gpu1.energy"]


def test_a_set_with_a_sleeping_member_is_not_set_at_all():
    pair = Pair(radeon.VEGA_56, radeon.VEGA_56)
    pair.gpus[1].pci.asleep = True
    found = pair.find()
    assert found.knobs == ()
    assert [meter.spec.id for meter in found.meters] == ["gpu0.energy"]
    assert any("gpu1 lacks it" in absence.reason for absence in found.absent)


@pytest.mark.parametrize("wish", ["1", "gpu1", "0000:04:00.0"])
def test_one_of_them_can_be_named(wish):
    pair = Pair(radeon.VEGA_56, radeon.VEGA_56)
    knob = next(knob for knob in pair.find(Wishes(gpus=(wish,))).knobs if knob.spec.id == "gpu.core.max_mhz")
    knob.write(852)
    assert [gpu.core_mhz for gpu in pair.gpus] == [1590, 852]
