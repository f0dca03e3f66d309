"""The drivers keep their contract on kernel files that are mounted over the real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.emulated.sysfs.machines.jetson import agx_orin, agx_xavier
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.processors import ryzen
from tests.emulated.sysfs.mount import obstacle
from tests.emulated.sysfs.namespace import covered
from tests.house.checkout import ROOT

OPTIONS = ("-p", "no:cacheprovider", "-o", "addopts=", "--quiet", "--no-header", "-rf")
SUITES = {
    agx_orin: ("TestCpuMaximum", "TestGovernor", "TestGpuMaximum", "TestMemory", "TestRailgate", "TestBoardMeter"),
    agx_xavier: ("TestCpuMaximum", "TestGpuMaximum", "TestBoardMeter"),
    ryzen: ("TestCpuMaximum", "TestCpuMinimum", "TestGovernor", "TestPreference", "TestBoost"),
}

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


@pytest.mark.parametrize("make_machine", SUITES, ids=["agx-orin", "agx-xavier", "ryzen"])
def test_the_contract_holds_at_the_real_paths(make_machine: Callable[[], Machine]) -> None:
    suites = [f"tests/emulated/at_real_paths.py::{name}" for name in SUITES[make_machine]]
    machine = make_machine()
    with covered(machine.tree) as real:
        ended = subprocess.run(
            real.command(sys.executable, "-m", "pytest", *OPTIONS, *suites),
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=240,
        )
    print(ended.stdout[-3000:])
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "no tests ran" not in ended.stdout
