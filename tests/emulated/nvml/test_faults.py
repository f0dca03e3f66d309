"""Which calls a fault hits, and how often."""

from __future__ import annotations

from tests.emulated.nvml.faults import Fault, Faults


def test_a_fault_hits_so_many_calls_and_no_more() -> None:
    faults = Faults()
    faults.add(Fault("nvmlDeviceGetPowerUsage", code=15, calls_left=2))
    codes = [faults.of("nvmlDeviceGetPowerUsage", 0).code for _ in range(4)]
    assert codes == [15, 15, None, None]


def test_a_fault_hits_the_functions_of_its_pattern_on_its_gpu() -> None:
    faults = Faults()
    faults.add(Fault("nvmlDeviceSet*", gpu=1, ignored=True))
    assert faults.of("nvmlDeviceSetGpuLockedClocks", 1).ignored
    assert not faults.of("nvmlDeviceSetGpuLockedClocks", 0).ignored
    assert not faults.of("nvmlDeviceResetGpuLockedClocks", 1).ignored
    assert not faults.of("nvmlDeviceSetGpuLockedClocks", None).ignored


def test_faults_add_up_and_are_taken_back_by_name_or_all() -> None:
    faults = Faults()
    faults.add(Fault("nvmlDeviceGet*", delay_s=0.5))
    faults.add(Fault("nvmlDeviceGetName", delay_s=0.25, code=3))
    faults.add(Fault("*", code=4))
    both = faults.of("nvmlDeviceGetName", 0)
    assert (both.delay_s, both.code) == (0.75, 3)
    faults.clear("nvmlDeviceGet*")
    rest = faults.of("nvmlDeviceGetName", 0)
    assert (rest.delay_s, rest.code) == (0.25, 3)
    faults.clear()
    assert faults.of("nvmlDeviceGetName", 0) == Fault("nvmlDeviceGetName", 0)
