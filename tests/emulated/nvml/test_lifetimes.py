"""The emulated NVML through the official binding: who may set what, and how long it lasts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pynvml
import pytest

from tests.emulated.nvml import (
    NO_COMPILER,
    UID_VARIABLE,
    ControlClient,
    compiler,
    emulated_driver,
)
from tests.emulated.nvml.clients import Client, connected, initialised, refusal, wait_until
from tests.house.checkout import ROOT

pytestmark = pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)


_TRY_TO_SET = """
if len(sys.argv) > 1: os.setuid(65534)
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
answer([
    pynvml.nvmlDeviceGetPowerUsage(handle) > 0,
    refusal(pynvml.nvmlDeviceSetGpuLockedClocks, handle, 210, 600),
    refusal(pynvml.nvmlDeviceResetGpuLockedClocks, handle),
    refusal(pynvml.nvmlDeviceSetPersistenceMode, handle, 1),
    refusal(pynvml.nvmlDeviceSetPowerManagementLimit, handle, 60000),
])
"""


def test_only_root_may_change_anything() -> None:
    refused = [True, *["NVMLError_NoPermission"] * 4]
    with emulated_driver("l4") as driver, Client(driver, _TRY_TO_SET, **{UID_VARIABLE: "1000"}) as pretender:
        assert pretender.next() == refused


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_privilege_is_that_of_the_moment_of_the_call() -> None:
    script = (
        "pynvml.nvmlInit(); handle = pynvml.nvmlDeviceGetHandleByIndex(0)\n"
        "first = refusal(pynvml.nvmlDeviceSetGpuLockedClocks, handle, 210, 600)\n"
        "os.setuid(65534)\n"
        "answer([first, refusal(pynvml.nvmlDeviceSetGpuLockedClocks, handle, 210, 600)])"
    )
    with emulated_driver("l4") as driver, Client(driver, script) as client:
        assert client.next() == [None, "NVMLError_NoPermission"]


_LOCK_AND_WAIT = """
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
pynvml.nvmlDeviceSetGpuLockedClocks(handle, 210, 600)
answer("locked")
input()
pynvml.nvmlShutdown()
answer("left")
input()
"""


def test_a_lock_outlives_its_setter_while_another_client_is_there() -> None:
    with emulated_driver("l4") as driver, Client(driver, _LOCK_AND_WAIT) as setter:
        assert setter.next() == "locked"
        with driver.in_this_process():
            pynvml.nvmlInit()
            assert sorted(driver.control.clients()) == sorted([os.getpid(), setter.pid])
            setter.kill()
            wait_until(lambda: driver.control.clients() == [os.getpid()])
            assert driver.control.truth()["core_lock_mhz"] == (210, 600)
            pynvml.nvmlShutdown()
        assert driver.control.truth()["core_lock_mhz"] is None


def test_without_persistence_the_last_client_takes_all_settings_with_it() -> None:
    with emulated_driver("l4") as driver, Client(driver, _LOCK_AND_WAIT) as setter:
        assert setter.next() == "locked"
        assert driver.control.truth()["core_lock_mhz"] == (210, 600)
        setter.go_on()
        assert setter.next() == "left"
        assert driver.control.clients() == []
        assert driver.control.truth()["core_lock_mhz"] is None


@pytest.mark.parametrize("keeper", ["persistence", "occupant"])
def test_persistence_or_a_process_on_the_gpu_keeps_the_settings(keeper: str) -> None:
    with emulated_driver("l4") as driver, driver.in_this_process():
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        assert pynvml.nvmlDeviceGetPersistenceMode(handle) == 0
        if keeper == "occupant":
            driver.control.occupy(4242, "server")
        else:
            pynvml.nvmlDeviceSetPersistenceMode(handle, 1)
            assert pynvml.nvmlDeviceGetPersistenceMode(handle) == 1
        pynvml.nvmlDeviceSetMemoryLockedClocks(handle, 405, 405)
        pynvml.nvmlShutdown()
        assert driver.control.clients() == []
        assert driver.control.truth()["memory_lock_mhz"] == (405, 405)
        driver.control.vacate(4242)
        assert (driver.control.truth()["memory_lock_mhz"] is None) == (keeper == "occupant")


def test_a_child_after_fork_is_a_client_of_its_own() -> None:
    script = """
pynvml.nvmlInit()
handle = pynvml.nvmlDeviceGetHandleByIndex(0)
child = os.fork()
if child == 0:
    pynvml.nvmlDeviceSetGpuLockedClocks(handle, 210, 900)
    answer("child")
    signal.pause()
answer(child)
input()
os.kill(child, 9)
os.waitpid(child, 0)
answer([pynvml.nvmlDeviceGetName(handle)])
input()
"""
    with emulated_driver("l4") as driver, Client(driver, script) as parent:
        first, second = parent.next(), parent.next()
        child = first if second == "child" else second
        wait_until(lambda: driver.control.clients() == sorted([parent.pid, child]))
        assert driver.control.truth()["core_lock_mhz"] == (210, 900)
        parent.go_on()
        assert parent.next() == ["NVIDIA L4"]
        wait_until(lambda: driver.control.clients() == [parent.pid])


def test_threads_share_a_connection_without_mixing_answers() -> None:
    with connected("two-l4") as (driver, _):
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in (0, 1)]
        wrong: list[str] = []

        def ask(index: int) -> None:
            for _ in range(60):
                if pynvml.nvmlDeviceGetUUID(handles[index]) != driver.gpus[index].uuid:
                    wrong.append("uuid")
                if len(pynvml.nvmlDeviceGetSupportedGraphicsClocks(handles[index], 6251)) != 123:
                    wrong.append("clocks")

        threads = [threading.Thread(target=ask, args=(number % 2,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert driver.control.clients() == [os.getpid()]


def test_nothing_leaks() -> None:
    with emulated_driver("l4") as driver:
        script = """
def descriptors(): return len(os.listdir("/proc/self/fd"))
pynvml.nvmlInit(); pynvml.nvmlShutdown()
before = descriptors()
for _ in range(50):
    pynvml.nvmlInit(); pynvml.nvmlShutdown()
answer(descriptors() - before)
"""
        with Client(driver, script) as client:
            assert client.next() == 0
        wait_until(lambda: driver.control.clients() == [])


def test_a_driver_that_goes_away_takes_its_clients_down_until_they_begin_again() -> None:
    with emulated_driver("l4") as first, first.in_this_process():
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        first.close()
        assert refusal(pynvml.nvmlDeviceGetName, handle) == "NVMLError_Unknown"
        assert refusal(pynvml.nvmlDeviceGetName, handle) == "NVMLError_Unknown"
        pynvml.nvmlShutdown()
    with connected("t4") as (_, handle):
        assert pynvml.nvmlDeviceGetName(handle) == "Tesla T4"


def test_the_driver_runs_as_a_process_and_is_broken_from_another(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.emulated.nvml", "--machine", "two-l4"]
    command += ["--socket", str(tmp_path / "s"), "--control", str(tmp_path / "c"), "--persistence"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b'{"environment": {"FAKE_NVML_SOCKET"')
            with ControlClient(tmp_path / "c") as control, initialised(tmp_path / "s"):
                handle = pynvml.nvmlDeviceGetHandleByIndex(1)
                control.call("start_load", gpu=1)
                wait_until(lambda: pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM) > 1000)
                pynvml.nvmlDeviceSetGpuLockedClocks(handle, 210, 600)
                wait_until(lambda: control.call("truth", gpu=1)["core_mhz"] == 600)
                control.call("stop_load", gpu=1)
                assert control.call("infer", items=4) > 0
                control.call("fail", function="nvmlDeviceGetPowerUsage", code=15, calls=1, gpu=1)
                assert refusal(pynvml.nvmlDeviceGetPowerUsage, handle) == "NVMLError_GpuIsLost"
                assert control.call("clients") == [os.getpid()]
                for method in ("explode", "_driver", "close"):
                    with pytest.raises(ValueError, match=method):
                        control.call(method)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    with pytest.raises(FileNotFoundError), socket.socket(socket.AF_UNIX) as gone:
        gone.connect(str(tmp_path / "s"))
