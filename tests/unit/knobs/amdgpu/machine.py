"""An emulated machine with one AMD GPU, and what the driver finds on it."""

from __future__ import annotations

from knobs.contract import Knob
from knobs.drivers.amdgpu import find_amdgpu
from knobs.found import Found, Wishes
from knobs.meters.sampling import Sampler
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.amdgpu import AmdGpuFacts, add_amdgpu
from tests.emulated.sysfs.tree import Tree

ADDRESS = "0000:03:00.0"


class Machine:
    def __init__(self, facts: AmdGpuFacts) -> None:
        self.tree = Tree()
        self.files = TreeFiles(self.tree)
        self.gpu = add_amdgpu(self.tree, ADDRESS, 0, facts)

    def find(self, wishes: Wishes | None = None) -> Found:
        return find_amdgpu(self.files, wishes or Wishes(), Sampler())

    def knob(self, knob_id: str) -> Knob:
        return next(knob for knob in self.find().knobs if knob.spec.id == knob_id)

    def written(self, file: str) -> list[str]:
        return [text for path, text in self.files.writes if path.endswith(f"/{file}")]
