"""An emulated machine with one Intel GPU, and what the driver finds on it."""

from __future__ import annotations

from knobs.contract import Knob
from knobs.drivers.intel_gpu import find_intel_gpu
from knobs.found import Found, Wishes
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.i915 import EmulatedIntelGpu, IntelGpuFacts, add_i915
from tests.emulated.sysfs.kernel.xe import add_xe
from tests.emulated.sysfs.machines.intel_gpu import ARC_A380, DISCRETE_ADDRESS, INTEGRATED_ADDRESS, TIGER_LAKE
from tests.emulated.sysfs.tree import Tree


class Machine:
    def __init__(self, tree: Tree, gpu: EmulatedIntelGpu) -> None:
        self.tree = tree
        self.gpu = gpu
        self.files = TreeFiles(tree)
        self.slept_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds

    def find(self, wishes: Wishes | None = None) -> Found:
        return find_intel_gpu(self.files, wishes or Wishes(), Sampler(), self.sleep)

    def knob(self, knob_id: str) -> Knob:
        return next(knob for knob in self.find().knobs if knob.spec.id == knob_id)


def arc_i915(facts: IntelGpuFacts = ARC_A380) -> Machine:
    tree = Tree()
    return Machine(tree, add_i915(tree, DISCRETE_ADDRESS, 1, facts))


def arc_xe(facts: IntelGpuFacts = ARC_A380, **options) -> Machine:
    tree = Tree()
    return Machine(tree, add_xe(tree, DISCRETE_ADDRESS, 1, facts, **options))


def tiger_lake() -> Machine:
    tree = Tree()
    return Machine(tree, add_i915(tree, INTEGRATED_ADDRESS, 0, TIGER_LAKE, by_gt=False))
