"""The script that the emulated kernels are checked with, on a real one: both give the same answers."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from knobs.sysfs import KernelFiles
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.machines.reference import reference
from tests.emulated.sysfs.script import EVERYTHING, GPU, POLICY, SECOND_CPU, ZONE, differences, run_script
from tests.emulated.sysfs.tree import Attribute

_LIMITS_ARE_WORKED_OUT_S = 0.02
"""A request for a CPU's limit is taken at once; a worker of the kernel applies it (cpufreq_notifier_max)."""

FIRST_VALUES = {
    f"{POLICY}/scaling_governor": "schedutil",
    f"{POLICY}/scaling_max_freq": "1728000",
    f"{POLICY}/scaling_min_freq": "115200",
    f"{GPU}/max_freq": "1020000000",
    f"{GPU}/min_freq": "306000000",
    f"{ZONE}/constraint_0_power_limit_uw": "65000000",
    SECOND_CPU: "1",
}


@pytest.fixture
def generation() -> Generation:
    """Returns the newest generation that the kernel is not older than."""
    major, minor = (int(number) for number in os.uname().release.split(".")[:2])
    return max(generation for generation in Generation if generation <= 100 * major + minor)


@pytest.fixture(autouse=True)
def put_back(files: KernelFiles) -> Iterator[None]:
    yield
    for path, text in FIRST_VALUES.items():
        files.write_text(path, text)


def test_every_write_has_the_outcome_that_the_emulated_kernel_gives_it(
    files: KernelFiles, generation: Generation
) -> None:
    answers = run_script(files, EVERYTHING, settle=lambda: time.sleep(_LIMITS_ARE_WORKED_OUT_S))
    assert differences(answers, generation) == []


def test_every_file_of_the_emulated_machine_is_there_with_the_same_mode(generation: Generation) -> None:
    tree = reference(generation).tree
    emulated = {path: leaf.mode for path in tree.paths() if isinstance(leaf := tree.leaf(path), Attribute)}
    real = {path: stat.S_IMODE(Path(path).stat().st_mode) if Path(path).exists() else None for path in emulated}
    assert len(emulated) > 30
    assert real == emulated
