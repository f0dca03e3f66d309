"""The emulated NVML through the unmodified official binding: layouts, protocols, and codes."""

from __future__ import annotations

import ctypes
import os
import re
import string
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pynvml
import pytest

from tests.emulated import nvml
from tests.emulated.nvml import (
    NO_COMPILER,
    EmulatedDriver,
    compiler,
    emulated_driver,
)
from tests.emulated.nvml.clients import connected, raw, refusal, wait_until
from tests.emulated.nvml.getters import GETTERS
from tests.emulated.nvml.library import LIBRARY_NAME, library_folder
from tests.emulated.nvml.setters import SETTERS

pytestmark = pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)

CODES = {
    name: value for name, value in vars(pynvml).items() if name.startswith("NVML_ERROR_") and isinstance(value, int)
}
CANARY = b"\xa5" * 64


@pytest.fixture
def a100() -> Iterator[tuple[EmulatedDriver, Any]]:
    with connected() as driver_and_handle:
        yield driver_and_handle


@pytest.mark.parametrize(
    ("structure", "size"),
    [
        (pynvml.nvmlPciInfo_t, 68),
        (pynvml.c_nvmlFieldValue_t, 40),
        (pynvml.c_nvmlMemory_t, 24),
        (pynvml.c_nvmlMemory_v2_t, 40),
        (pynvml.c_nvmlUtilization_t, 8),
        (pynvml.c_nvmlTemperature_v1_t, 12),
        (pynvml.c_nvmlProcessInfo_t, 24),
        (pynvml.c_nvmlViolationTime_t, 16),
    ],
)
def test_the_binding_has_the_sizes_that_the_library_was_built_for(structure: Any, size: int) -> None:
    assert ctypes.sizeof(structure) == size


def test_no_function_writes_past_its_structure() -> None:
    with connected() as (driver, handle):
        driver.control.occupy(4242, "trainer")
        count = ctypes.c_uint(1)
        filled: dict[str, tuple[Any, tuple[Any, ...]]] = {
            "nvmlDeviceGetPciInfo_v3": (pynvml.nvmlPciInfo_t(), ()),
            "nvmlDeviceGetMemoryInfo": (pynvml.c_nvmlMemory_t(), ()),
            "nvmlDeviceGetMemoryInfo_v2": (pynvml.c_nvmlMemory_v2_t(version=pynvml.nvmlMemory_v2), ()),
            "nvmlDeviceGetUtilizationRates": (pynvml.c_nvmlUtilization_t(), ()),
            "nvmlDeviceGetViolationStatus": (pynvml.c_nvmlViolationTime_t(), (0,)),
            "nvmlDeviceGetFieldValues": (pynvml.c_nvmlFieldValue_t(fieldId=83), (1,)),
            "nvmlDeviceGetComputeRunningProcesses_v3": (pynvml.c_nvmlProcessInfo_t(), (ctypes.byref(count),)),
        }
        for name, (structure, arguments) in filled.items():
            size = ctypes.sizeof(structure)
            room = ctypes.create_string_buffer(bytes(structure) + CANARY, size + len(CANARY))
            assert raw(name)(handle, *arguments, room) == 0, name
            assert room.raw[size:] == CANARY, name


def test_lists_come_in_two_calls() -> None:
    with connected("l4") as (_, handle):
        function = raw("nvmlDeviceGetSupportedGraphicsClocks")
        for offered in (0, 1, 122):
            count, clocks = ctypes.c_uint(offered), (ctypes.c_uint * 200)()
            assert function(handle, 6251, ctypes.byref(count), clocks) == pynvml.NVML_ERROR_INSUFFICIENT_SIZE
            assert count.value == 123
            assert list(clocks) == [0] * 200
        count = ctypes.c_uint(200)
        assert function(handle, 6251, ctypes.byref(count), None) == pynvml.NVML_ERROR_INSUFFICIENT_SIZE
        count = ctypes.c_uint(200)
        assert function(handle, 6251, ctypes.byref(count), clocks) == 0
        assert (count.value, clocks[0], clocks[122], clocks[123]) == (123, 2040, 210, 0)
        assert pynvml.nvmlDeviceGetSupportedMemoryClocks(handle) == [6251, 405]
        assert pynvml.nvmlDeviceGetSupportedGraphicsClocks(handle, 405)[0] == 645
        assert refusal(pynvml.nvmlDeviceGetSupportedGraphicsClocks, handle, 5000) == "NVMLError_NotFound"


def test_processes_on_the_gpu() -> None:
    with connected() as (driver, handle):
        assert pynvml.nvmlDeviceGetComputeRunningProcesses(handle) == []
        for pid in range(100, 108):
            driver.control.occupy(pid, f"server {pid}", memory_mib=pid)
        driver.control.occupy(200, "desktop", kind="graphics")
        driver.control.occupy(300, "daemon", kind="mps")
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        assert [(process.pid, process.usedGpuMemory >> 20) for process in running] == [
            (pid, pid) for pid in range(100, 108)
        ]
        assert [process.pid for process in pynvml.nvmlDeviceGetGraphicsRunningProcesses(handle)] == [200]
        assert [process.pid for process in pynvml.nvmlDeviceGetMPSComputeRunningProcesses(handle)] == [300]
        assert pynvml.nvmlSystemGetProcessName(103) == "server 103"
        assert pynvml.nvmlSystemGetProcessName(os.getpid()) == Path("/proc/self/comm").read_text().strip()
        assert refusal(pynvml.nvmlSystemGetProcessName, 2**22 + 1) == "NVMLError_NotFound"
        assert pynvml.nvmlDeviceGetMemoryInfo(handle).used >> 20 > sum(range(100, 108))
        second = pynvml.nvmlDeviceGetMemoryInfo(handle, pynvml.nvmlMemory_v2)
        assert second.used + second.free + second.reserved == second.total == 80 << 30


def test_a_structure_of_another_version_is_refused() -> None:
    with connected(branch=595) as (_, handle):
        memory, temperature = pynvml.c_nvmlMemory_v2_t(version=1), pynvml.c_nvmlTemperature_v1_t(version=1)
        for name, structure in (
            ("nvmlDeviceGetMemoryInfo_v2", memory),
            ("nvmlDeviceGetTemperatureV", temperature),
        ):
            answer = raw(name)(handle, ctypes.byref(structure))
            assert answer == pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH


def test_library_and_driver_know_the_same_functions() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (Path(nvml.__file__).parent / "abi").glob("*.c")]
    exported = {name for source in sources for name in re.findall(r"\b(nvmlDevice(?:Get|Set|Reset)\w+)\(", source)}
    exported |= {name for source in sources for name in re.findall(r"^DEVICE_\w+\((\w+)\)", source, re.MULTILINE)}
    handled = {*GETTERS, *SETTERS, "nvmlDeviceGetFieldValues", "nvmlDeviceGetCount_v2"}
    assert {name for name in exported if "HandleBy" not in name} == handled
    library = ctypes.CDLL(str(library_folder() / LIBRARY_NAME))
    assert [name for name in exported if not hasattr(library, name)] == []


def test_every_code_arrives_as_its_own_class(a100: tuple[EmulatedDriver, Any]) -> None:
    driver, handle = a100
    for name, code in CODES.items():
        driver.control.fail("nvmlDeviceGetPowerUsage", code, calls=1)
        expected = "NVMLError_" + string.capwords(name.removeprefix("NVML_ERROR_"), "_").replace("_", "")
        assert refusal(pynvml.nvmlDeviceGetPowerUsage, handle) == expected
        assert pynvml.nvmlDeviceGetPowerUsage(handle) > 0
        assert pynvml.nvmlErrorString(code)


def test_handles_by_every_key_and_nothing_else(a100: tuple[EmulatedDriver, Any]) -> None:
    _, handle = a100
    uuid, pci = pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetPciInfo(handle)
    assert (pci.busId, pci.busIdLegacy, pci.bus) == ("00000000:07:00.0", "0000:07:00.0", 7)
    for found in (
        pynvml.nvmlDeviceGetHandleByUUID(uuid),
        pynvml.nvmlDeviceGetHandleByPciBusId(pci.busId),
        pynvml.nvmlDeviceGetHandleByPciBusId(pci.busIdLegacy),
    ):
        assert pynvml.nvmlDeviceGetIndex(found) == 0
        assert pynvml.nvmlDeviceGetUUID(found) == uuid
    assert refusal(pynvml.nvmlDeviceGetHandleByIndex, 1) == "NVMLError_InvalidArgument"
    assert refusal(pynvml.nvmlDeviceGetHandleByUUID, "GPU-0") == "NVMLError_NotFound"
    assert refusal(pynvml.nvmlDeviceGetHandleByPciBusId, "00000000:08:00.0") == "NVMLError_NotFound"
    assert refusal(pynvml.nvmlDeviceGetName, pynvml.c_nvmlDevice_t()) == "NVMLError_InvalidArgument"
    assert refusal(pynvml.nvmlDeviceGetClockInfo, handle, 9) == "NVMLError_InvalidArgument"
    short = ctypes.create_string_buffer(5)
    assert raw("nvmlDeviceGetName")(handle, short, 5) == pynvml.NVML_ERROR_INSUFFICIENT_SIZE
    assert raw("nvmlDeviceGetPowerUsage")(handle, None) == pynvml.NVML_ERROR_INVALID_ARGUMENT


def test_fields_have_codes_of_their_own(a100: tuple[EmulatedDriver, Any]) -> None:
    _, handle = a100
    energy, instant, average, unknown, scoped = pynvml.nvmlDeviceGetFieldValues(handle, [83, 186, 185, 94, (191, 1)])
    assert (energy.nvmlReturn, energy.valueType) == (0, pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG)
    assert energy.value.ullVal == pytest.approx(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle), rel=1e-3)
    assert (instant.nvmlReturn, instant.valueType) == (0, pynvml.NVML_VALUE_TYPE_UNSIGNED_INT)
    assert 50_000 < instant.value.uiVal < 500_000
    assert average.nvmlReturn == unknown.nvmlReturn == scoped.nvmlReturn == pynvml.NVML_ERROR_NOT_SUPPORTED
    assert abs(energy.timestamp - time.time() * 1e6) < 5e6


def test_initialisation_is_counted_and_can_fail() -> None:
    with emulated_driver() as driver, driver.in_this_process():
        for code, name in ((18, "LibRmVersionMismatch"), (9, "DriverNotLoaded"), (17, "OperatingSystem")):
            driver.control.fail("nvmlInitWithFlags", code, calls=1)
            assert refusal(pynvml.nvmlInit) == f"NVMLError_{name}"
            wait_until(lambda: driver.control.clients() == [])
        pynvml.nvmlInit()
        pynvml.nvmlInit()
        assert driver.control.clients() == [os.getpid()]
        pynvml.nvmlShutdown()
        assert pynvml.nvmlDeviceGetCount() == 1
        pynvml.nvmlShutdown()
        assert driver.control.clients() == []
        assert refusal(pynvml.nvmlDeviceGetCount) == refusal(pynvml.nvmlShutdown) == "NVMLError_Uninitialized"
        os.environ["FAKE_NVML_SOCKET"] = "/nowhere"
        assert refusal(pynvml.nvmlInit) == "NVMLError_DriverNotLoaded"


def test_a_lost_gpu_stays_lost_and_the_other_lives() -> None:
    with connected("two-l4") as (driver, handle):
        other = pynvml.nvmlDeviceGetHandleByIndex(1)
        driver.control.lose(0)
        for function in (pynvml.nvmlDeviceGetName, pynvml.nvmlDeviceGetPowerUsage, pynvml.nvmlDeviceGetUUID):
            assert refusal(function, handle) == "NVMLError_GpuIsLost"
        assert refusal(pynvml.nvmlDeviceSetGpuLockedClocks, handle, 210, 600) == "NVMLError_GpuIsLost"
        assert refusal(pynvml.nvmlDeviceGetHandleByIndex, 0) == "NVMLError_GpuIsLost"
        assert pynvml.nvmlDeviceGetCount() == 2
        assert pynvml.nvmlDeviceGetPowerUsage(other) > 0
        assert pynvml.nvmlDeviceGetUUID(other) == driver.gpus[1].uuid != driver.gpus[0].uuid


def test_what_is_ignored_slow_or_forbidden_can_be_mended() -> None:
    with connected() as (driver, handle):
        driver.control.ignore("nvmlDeviceSetGpuLockedClocks")
        pynvml.nvmlDeviceSetGpuLockedClocks(handle, 210, 600)
        assert driver.control.truth()["core_lock_mhz"] is None
        driver.control.clear("nvmlDeviceSetGpuLockedClocks")
        driver.control.slow("nvmlDeviceSet*", 0.05)
        began_s = time.monotonic()
        pynvml.nvmlDeviceSetGpuLockedClocks(handle, 210, 600)
        assert time.monotonic() - began_s >= 0.05
        assert driver.control.truth()["core_lock_mhz"] == (210, 600)
        driver.control.clear()
        driver.control.forbid_setting()
        assert refusal(pynvml.nvmlDeviceResetGpuLockedClocks, handle) == "NVMLError_NoPermission"
        assert pynvml.nvmlDeviceGetPowerUsage(handle) > 0
        driver.control.forbid_setting(False)
        pynvml.nvmlDeviceResetGpuLockedClocks(handle)
        driver.control.fail("nvmlDeviceGetPowerUsage", 999)
        assert {refusal(pynvml.nvmlDeviceGetPowerUsage, handle) for _ in range(5)} == {"NVMLError_Unknown"}
        assert driver.control.calls()["nvmlDeviceGetPowerUsage"] == 6
