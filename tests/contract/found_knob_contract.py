"""The contract of a knob that a driver finds in the kernel's files: which files is for the subclass to say."""

from __future__ import annotations

import pytest

from knobs.contract import Captured, Knob
from knobs.found import Found, Wishes
from knobs.sysfs import KernelFiles
from tests.contract.knob_contract import KnobContract


class FoundKnobContract(KnobContract):
    """Subclass it, name the knob and the files that its driver may write, and provide ``files`` and ``find``."""

    knob_id: str
    settings: tuple[str, ...]
    wishes = Wishes()

    @pytest.fixture
    def files(self) -> KernelFiles:
        raise NotImplementedError

    @pytest.fixture
    def knob(self, files: KernelFiles) -> Knob:
        self.kernel_files = files
        found = {knob.spec.id: knob for knob in self.find().knobs}
        if self.knob_id not in found:
            pytest.skip(f"this machine has no {self.knob_id}: {self.find().absent}")
        return found[self.knob_id]

    def find(self) -> Found:
        """Returns what the driver finds in ``self.kernel_files``."""
        raise NotImplementedError

    def reopen(self, knob: Knob, captured: Captured) -> Knob:
        reopen = self.find().reopen
        assert reopen is not None
        again = reopen(knob.spec.id, captured)
        assert again is not None
        return again

    def footprint(self, knob: Knob) -> object:
        """Returns what every file says that the driver may write."""
        paths = [path for pattern in self.settings for path in self.kernel_files.glob(pattern)]
        return {path: self.kernel_files.read_text(path) for path in paths}
