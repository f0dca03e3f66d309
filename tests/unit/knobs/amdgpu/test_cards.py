"""What GPUs are called when several makers' are in one machine."""

import pytest

from knobs.drivers.graphics.card import AMD_DRIVERS, INTEL_DRIVERS, find_cards
from knobs.drivers.graphics.power_limit import watt_steps
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.amdgpu import add_amdgpu
from tests.emulated.sysfs.kernel.i915 import add_i915
from tests.emulated.sysfs.kernel.pci import pci_device
from tests.emulated.sysfs.kernel.xe import add_xe
from tests.emulated.sysfs.machines import radeon
from tests.emulated.sysfs.machines.intel_gpu import ARC_A380, INTEGRATED_ADDRESS, TIGER_LAKE
from tests.emulated.sysfs.tree import Tree


def names(tree):
    cards = find_cards(TreeFiles(tree), AMD_DRIVERS | INTEL_DRIVERS)
    return {card.address: card.name for card in cards}


def nvidia(tree, driver="nvidia"):
    pci_device(tree, "0000:01:00.0", driver, "10DE:2684")


def test_a_discrete_gpu_keeps_its_name_beside_an_integrated_one():
    tree = Tree()
    add_i915(tree, INTEGRATED_ADDRESS, 0, TIGER_LAKE)
    add_amdgpu(tree, "0000:03:00.0", 1, radeon.VEGA_56)
    assert names(tree) == {INTEGRATED_ADDRESS: "igpu", "0000:03:00.0": "gpu"}


def test_an_apu_is_told_by_its_northbridge():
    tree = Tree()
    add_amdgpu(tree, "0000:c1:00.0", 0, radeon.PHOENIX)
    add_amdgpu(tree, "0000:03:00.0", 1, radeon.RX_7900_XTX)
    assert names(tree) == {"0000:c1:00.0": "igpu", "0000:03:00.0": "gpu"}


def test_nvidia_keeps_the_name_gpu_unless_another_driver_has_its_card():
    for driver, expected in [("nvidia", "amd_gpu"), ("nouveau", "gpu")]:
        tree = Tree()
        nvidia(tree, driver)
        add_amdgpu(tree, "0000:03:00.0", 1, radeon.VEGA_56)
        assert names(tree) == {"0000:03:00.0": expected}


def test_no_two_gpus_of_any_machine_share_a_name():
    tree = Tree()
    nvidia(tree)
    add_i915(tree, INTEGRATED_ADDRESS, 0, TIGER_LAKE)
    add_amdgpu(tree, "0000:03:00.0", 1, radeon.VEGA_56)
    add_amdgpu(tree, "0000:04:00.0", 2, radeon.RX_7900_XTX)
    add_xe(tree, "0000:08:00.0", 3, ARC_A380)
    assert names(tree) == {
        INTEGRATED_ADDRESS: "igpu",
        "0000:03:00.0": "amd_gpu0",
        "0000:04:00.0": "amd_gpu1",
        "0000:08:00.0": "intel_gpu",
    }


@pytest.mark.parametrize(("lowest", "highest"), [(1, 2), (65, 260), (261, 290), (28, 55), (10, 600), (100, 5000)])
def test_limits_in_watts_have_both_ends_and_are_few(lowest, highest):
    steps = watt_steps(lowest, highest)
    assert (steps[0], steps[-1]) == (lowest, highest)
    assert list(steps) == sorted(set(steps))
    assert len(steps) <= 52
