"""The emulated NVML through the official binding: what cards and drivers differ in."""

from __future__ import annotations

import time
from dataclasses import replace

import pynvml
import pytest

from tests.emulated.nvml import (
    NO_COMPILER,
    compiler,
    emulated_driver,
)
from tests.emulated.nvml.catalogue import L4
from tests.emulated.nvml.clients import Client, connected, refusal

pytestmark = pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)


def test_a_card_tells_what_it_is() -> None:
    with connected("h100-nvl") as (_, handle):
        assert pynvml.nvmlDeviceGetArchitecture(handle) == pynvml.NVML_DEVICE_ARCH_HOPPER
        assert pynvml.nvmlDeviceGetCudaComputeCapability(handle) == (9, 0)
        assert pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM) == 1785
        assert pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_MEM) == 2619
        assert pynvml.nvmlDeviceGetClock(handle, pynvml.NVML_CLOCK_SM, pynvml.NVML_CLOCK_ID_CUSTOMER_BOOST_MAX) == 1785
        assert pynvml.nvmlDeviceGetMinMaxClockOfPState(handle, pynvml.NVML_CLOCK_SM, 0) == (345, 1785)
        assert refusal(pynvml.nvmlDeviceGetMinMaxClockOfPState, handle, 0, 5) == "NVMLError_NotSupported"
        assert pynvml.nvmlDeviceGetTemperatureThreshold(handle, pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN) > 80
        assert 20 < pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU) < 60
        assert refusal(pynvml.nvmlDeviceGetTemperature, handle, 3) == "NVMLError_InvalidArgument"
        assert pynvml.nvmlDeviceGetSupportedClocksEventReasons(handle) & pynvml.nvmlClocksEventReasonSwPowerCap
        assert pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle) == pynvml.nvmlClocksEventReasonGpuIdle
        assert (pynvml.nvmlDeviceGetPerformanceState(handle), pynvml.nvmlDeviceGetPowerManagementMode(handle)) == (0, 1)
        assert pynvml.nvmlDeviceGetSerial(handle).isdigit()
        assert pynvml.nvmlSystemGetDriverVersion() == "570.124.06"
        assert pynvml.nvmlSystemGetNVMLVersion() == "12.570.124.06"
        assert pynvml.nvmlSystemGetCudaDriverVersion() == pynvml.nvmlSystemGetCudaDriverVersion_v2() == 12080


def test_a_gpu_that_is_counted_may_be_out_of_reach() -> None:
    with connected("two-l4") as (driver, _):
        driver.control.fail("nvmlDeviceGetHandleByIndex_v2", 4, gpu=1)
        assert pynvml.nvmlDeviceGetCount() == 2
        assert pynvml.nvmlDeviceGetIndex(pynvml.nvmlDeviceGetHandleByIndex(0)) == 0
        assert refusal(pynvml.nvmlDeviceGetHandleByIndex, 1) == "NVMLError_NoPermission"


def test_what_architectures_lack() -> None:
    expected = {
        "p100": (None, "NotSupported", "NotSupported", "NotSupported", None),
        "v100": (None, None, "NotSupported", None, None),
        "a100": (None, None, None, None, None),
        "rtx-4090": (None, None, None, None, "NotSupported"),
    }
    for machine, classes in expected.items():
        with connected(machine, branch=570) as (driver, handle):
            top_memory = driver.gpus[0].profile.memory_clocks_mhz[0]
            core = driver.gpus[0].profile.clocks_mhz[top_memory][3]
            answers = (
                refusal(pynvml.nvmlDeviceGetPowerUsage, handle),
                refusal(pynvml.nvmlDeviceSetGpuLockedClocks, handle, core, core),
                refusal(pynvml.nvmlDeviceSetMemoryLockedClocks, handle, top_memory, top_memory),
                refusal(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle),
                refusal(pynvml.nvmlDeviceSetApplicationsClocks, handle, top_memory, core),
            )
            assert answers == tuple(name and f"NVMLError_{name}" for name in classes), machine


def test_a_notebook_hides_its_power_limit() -> None:
    with connected("rtx-3060-laptop") as (_, handle):
        for function in (
            pynvml.nvmlDeviceGetPowerManagementLimit,
            pynvml.nvmlDeviceGetPowerManagementDefaultLimit,
            pynvml.nvmlDeviceGetEnforcedPowerLimit,
            pynvml.nvmlDeviceGetPowerManagementLimitConstraints,
        ):
            assert refusal(function, handle) == "NVMLError_NotSupported"
        assert refusal(pynvml.nvmlDeviceSetPowerManagementLimit, handle, 50_000) == "NVMLError_NotSupported"
        assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) > 0
        pynvml.nvmlDeviceSetGpuLockedClocks(handle, 405, 1200)


def test_an_orin_initialises_and_knows_only_who_it_is() -> None:
    with connected("orin") as (_, handle):
        assert pynvml.nvmlDeviceGetCount() == 1
        assert pynvml.nvmlDeviceGetName(handle) == "Orin (nvgpu)"
        assert pynvml.nvmlDeviceGetUUID(handle).startswith("GPU-")
        for refused in (
            refusal(pynvml.nvmlDeviceGetPowerUsage, handle),
            refusal(pynvml.nvmlDeviceGetSupportedMemoryClocks, handle),
            refusal(pynvml.nvmlDeviceGetClockInfo, handle, 0),
            refusal(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle),
            refusal(pynvml.nvmlDeviceGetFieldValues, handle, [186]),
            refusal(pynvml.nvmlDeviceSetGpuLockedClocks, handle, 306, 612),
            refusal(pynvml.nvmlDeviceGetPersistenceMode, handle),
            refusal(pynvml.nvmlDeviceGetUtilizationRates, handle),
        ):
            assert refused == "NVMLError_NotSupported"


def test_mig_takes_utilization_away_and_nothing_else() -> None:
    with connected("a100-mig") as (_, handle):
        assert pynvml.nvmlDeviceGetMigMode(handle) == [1, 1]
        assert refusal(pynvml.nvmlDeviceGetUtilizationRates, handle) == "NVMLError_NotSupported"
        pynvml.nvmlDeviceSetGpuLockedClocks(handle, 210, 900)
        assert pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) > 0
    with connected("l4") as (_, handle):
        assert refusal(pynvml.nvmlDeviceGetMigMode, handle) == "NVMLError_NotSupported"


def test_application_clocks_work_until_they_are_deprecated() -> None:
    with connected("a100", branch=570) as (_, handle):
        assert pynvml.nvmlDeviceGetApplicationsClock(handle, pynvml.NVML_CLOCK_SM) == 1275
        pynvml.nvmlDeviceSetApplicationsClocks(handle, 1593, 900)
        assert pynvml.nvmlDeviceGetApplicationsClock(handle, pynvml.NVML_CLOCK_SM) == 900
        assert refusal(pynvml.nvmlDeviceSetApplicationsClocks, handle, 1593, 901) == "NVMLError_InvalidArgument"
    with connected("a100", branch=595) as (_, handle):
        assert refusal(pynvml.nvmlDeviceGetApplicationsClock, handle, 1) == "NVMLError_Deprecated"
        assert refusal(pynvml.nvmlDeviceSetApplicationsClocks, handle, 1593, 900) == "NVMLError_Deprecated"
        assert pynvml.nvmlDeviceGetTemperature(handle, 0) == pynvml.nvmlDeviceGetTemperatureV(handle, 0)


_OLD = """
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
answer([
    hasattr(pynvml.nvmlLib, "nvmlDeviceGetCurrentClocksEventReasons"),
    refusal(pynvml.nvmlDeviceGetCurrentClocksEventReasons, handle),
    refusal(pynvml.nvmlDeviceGetComputeRunningProcesses_v3, handle),
    pynvml.nvmlDeviceGetComputeRunningProcesses_v2(handle),
    refusal(pynvml.nvmlDeviceGetTemperatureV, handle, 0),
    pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
    pynvml.nvmlSystemGetDriverVersion(),
    pynvml.nvmlDeviceGetFieldValues(handle, [186])[0].nvmlReturn,
])
"""


def test_an_old_driver_lacks_symbols() -> None:
    missing = "NVMLError_FunctionNotFound"
    with emulated_driver("v100") as driver, Client(driver, _OLD) as client:
        assert client.next() == [False, missing, missing, [], missing, 1, "450.80.02", 2]
    with connected("v100") as (_, handle):
        assert refusal(pynvml.nvmlDeviceGetCurrentClocksEventReasons, handle) == missing


def test_calls_take_the_time_that_the_card_takes() -> None:
    with connected([replace(L4, call_s=0.01)]) as (_, handle):
        began_s = time.monotonic()
        for _ in range(5):
            pynvml.nvmlDeviceGetPowerUsage(handle)
        assert time.monotonic() - began_s >= 0.05
