"""The contract suites on the kernel's files at their real absolute paths: run in a namespace where these are emulated.

Not collected by itself; :mod:`tests.emulated.test_real_paths` runs it, once a machine.
"""

from __future__ import annotations

import pytest

from knobs.sysfs import KernelFiles
from tests.contract import test_cpufreq as cpu
from tests.contract import test_jetson as jetson


class _RealPaths:
    @pytest.fixture
    def files(self) -> KernelFiles:
        return KernelFiles()


class TestCpuMaximum(_RealPaths, cpu.MaxContract):
    pass


class TestCpuMinimum(_RealPaths, cpu.MinContract):
    pass


class TestGovernor(_RealPaths, cpu.GovernorContract):
    pass


class TestPreference(_RealPaths, cpu.PreferenceContract):
    pass


class TestBoost(_RealPaths, cpu.BoostContract):
    pass


class TestGpuMaximum(_RealPaths, jetson.MaximumContract):
    pass


class TestGpuMinimum(_RealPaths, jetson.MinimumContract):
    pass


class TestMemory(_RealPaths, jetson.MemoryContract):
    pass


class TestRailgate(_RealPaths, jetson.RailgateContract):
    pass


class TestBoardMeter(_RealPaths, jetson.JetsonMeterContract):
    pass
