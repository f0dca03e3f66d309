"""The device as other processes see it: shared, killed at any time, and still hardware."""

import multiprocessing
import os
import random
import signal
import statistics
import time
from itertools import zip_longest
from pathlib import Path

import pytest

from knobs.contract import DeviceError, RefusedError
from simulation.device import DRIVER_CALL_S, VirtualDevice
from simulation.storage import make_device_directory

ORIN = "virtual:agx-orin"
LLM = "llama-3.2-1b"
CLASSIFIER = "efficientnet-b0"
fork = multiprocessing.get_context("fork")


@pytest.fixture
def device(tmp_path: Path) -> VirtualDevice:
    return VirtualDevice(ORIN, tmp_path)


def energy_per_item_j(device: VirtualDevice, core_mhz: float, items: int = 8) -> float:
    device.set("core_min_mhz", device.model.core_clocks_mhz[0])
    device.set("core_max_mhz", core_mhz)
    device.set("core_min_mhz", core_mhz)
    for _ in range(40):
        device.infer(LLM, items)
    before = device.sample()
    for _ in range(40):
        device.infer(LLM, items)
    return (device.sample().board_j - before.board_j) / (40 * items)


def test_a_batch_moves_the_devices_clock_at_once(device: VirtualDevice) -> None:
    started_s = time.monotonic()
    latency_s = sum(device.infer(LLM, 1) for _ in range(100))
    assert device.now_s() == pytest.approx(latency_s)
    assert latency_s > 400
    assert time.monotonic() - started_s < latency_s / 4


def test_looking_takes_no_device_time_but_driver_calls_do(device: VirtualDevice) -> None:
    device.now_s()
    device.state()
    assert device.now_s() == 0.0
    device.set("core_max_mhz", 612)
    device.get("core_max_mhz")
    device.sample()
    assert device.now_s() == pytest.approx(3 * DRIVER_CALL_S)


def test_the_same_seed_gives_the_same_life(tmp_path: Path) -> None:
    lives = []
    for number, seed in enumerate((7, 7, 8)):
        directory = tmp_path / str(number)
        directory.mkdir()
        twin = VirtualDevice(ORIN, directory, seed=seed)
        lives.append([twin.infer(CLASSIFIER, 4) for _ in range(200)] + [twin.sample().board_j])
    assert lives[0] == lives[1]
    assert lives[0] != lives[2]


def test_two_handles_in_one_directory_are_one_device(tmp_path: Path) -> None:
    one, other = VirtualDevice(ORIN, tmp_path), VirtualDevice(ORIN, tmp_path)
    one.set("memory_max_mhz", 2133)
    assert other.get("memory_max_mhz") == 2133
    other.infer(LLM, 1)
    assert one.now_s() == other.now_s() > 4.0


def test_its_group_may_use_what_another_user_made_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        directory = make_device_directory(tmp_path)
        VirtualDevice(ORIN, directory).now_s()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (directory, *directory.iterdir())}
    assert modes.pop(directory.name) == 0o770
    assert set(modes.values()) == {0o660}


def test_different_devices_share_a_directory_without_mixing(tmp_path: Path) -> None:
    VirtualDevice(ORIN, tmp_path).idle(5.0)
    assert VirtualDevice("virtual:tx2", tmp_path).now_s() == 0.0


def test_the_highest_clock_wins_over_the_lowest(device: VirtualDevice) -> None:
    device.set("core_min_mhz", 1020)
    device.set("core_max_mhz", 612)
    assert (device.get("core_min_mhz"), device.state().core_mhz) == (612, 612)
    device.set("core_max_mhz", 1300.5)
    assert device.get("core_min_mhz") == 1020


def test_energy_against_gpu_clock_has_an_interior_minimum_through_the_sensor(device: VirtualDevice) -> None:
    low_j, middle_j, high_j = (energy_per_item_j(device, core_mhz) for core_mhz in (306, 612, 1300.5))
    assert middle_j < 0.93 * low_j
    assert middle_j < 0.90 * high_j


def test_runs_differ_by_about_a_percent(device: VirtualDevice) -> None:
    device.set("core_max_mhz", 612)
    device.set("core_min_mhz", 612)
    runs_j = []
    for _ in range(40):
        device.idle(300.0)
        before_j = device.state().board_j
        for _ in range(10):
            device.infer(CLASSIFIER, 16)
        runs_j.append(device.state().board_j - before_j)
    spread = statistics.stdev(runs_j) / statistics.mean(runs_j)
    assert 0.004 < spread < 0.03


def test_a_few_requests_are_slow(device: VirtualDevice) -> None:
    device.set("core_min_mhz", 1300.5)
    latencies_s = [device.infer(CLASSIFIER, 4) for _ in range(4000)]
    typical_s = statistics.median(latencies_s)
    slow_share = sum(latency_s > 1.2 * typical_s for latency_s in latencies_s) / len(latencies_s)
    assert 0.001 < slow_share < 0.008


def churn(directory: Path) -> None:
    device = VirtualDevice(ORIN, directory)
    while True:
        for core_mhz in device.model.core_clocks_mhz:
            device.set("core_max_mhz", core_mhz)
            device.infer(CLASSIFIER, 4)


def test_kill_9_at_any_moment_leaves_a_valid_device(tmp_path: Path, device: VirtualDevice) -> None:
    moment = random.Random(0)
    for _ in range(50):
        before = device.state()
        process = fork.Process(target=churn, args=(tmp_path,))
        process.start()
        deadline_s = time.monotonic() + 60
        while device.now_s() == before.time_s and time.monotonic() < deadline_s:
            time.sleep(0.0005)
        time.sleep(moment.uniform(0, 0.005))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        after = device.state()
        assert after.time_s > before.time_s
        assert after.board_j > before.board_j
        assert after.core_max_mhz in device.model.core_clocks_mhz
        device.idle(0.1)
        assert device.now_s() == pytest.approx(after.time_s + 0.1)


def idle_often(directory: Path) -> None:
    device = VirtualDevice(ORIN, directory)
    for _ in range(50):
        device.idle(1.0)


def test_no_process_undoes_what_another_did(tmp_path: Path, device: VirtualDevice) -> None:
    processes = [fork.Process(target=idle_often, args=(tmp_path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert device.now_s() == pytest.approx(200.0)


def test_an_asked_for_fault_fails_one_write_and_changes_nothing(tmp_path: Path, device: VirtualDevice) -> None:
    (tmp_path / "agx-orin.fault").touch()
    before = device.state()
    with pytest.raises(DeviceError, match="did not take core_max_mhz: Input/output error"):
        device.set("core_max_mhz", 612)
    assert device.state() == before
    device.set("core_max_mhz", 612)
    assert device.get("core_max_mhz") == 612


@pytest.mark.parametrize("content", [b"{", b"00000000 1 {}", b"\xff\xfe", b"\0" * 4096])
def test_a_file_that_is_no_state_is_named(content: bytes, tmp_path: Path, device: VirtualDevice) -> None:
    (tmp_path / "agx-orin.state").write_bytes(content)
    with pytest.raises(DeviceError, match=r"agx-orin\.state does not hold the state .* remove it"):
        device.idle(1.0)
    (tmp_path / "agx-orin.state").unlink()
    device.idle(1.0)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="absent"):
        VirtualDevice(ORIN, tmp_path / "absent").idle(1.0)


def test_a_change_that_was_not_written_to_its_end_never_happened(tmp_path: Path, device: VirtualDevice) -> None:
    path = tmp_path / "agx-orin.state"
    for _ in range(4):
        device.idle(1.0)
        before, content = device.state(), path.read_bytes()
        device.idle(1.0)
        changed = [at for at, (old, new) in enumerate(zip_longest(content, path.read_bytes())) if old != new]
        for torn_at in range(changed[0], changed[-1] + 1, 37):
            torn = path.read_bytes()[:torn_at] + content[torn_at:]
            path.write_bytes(torn)
            assert device.state() == before
            path.write_bytes(content)
            device.idle(1.0)
            assert device.now_s() == before.time_s + 1.0


def test_a_state_that_cannot_be_opened_is_named(tmp_path: Path, device: VirtualDevice) -> None:
    (tmp_path / "agx-orin.state").mkdir()
    with pytest.raises(DeviceError, match=r"cannot use its state .*agx-orin\.state: Is a directory"):
        device.idle(1.0)


def test_wrong_requests_are_refused_and_change_nothing(device: VirtualDevice) -> None:
    device.idle(1.0)
    before = device.state()
    with pytest.raises(RefusedError, match="choose one of 306"):
        device.set("core_max_mhz", 613)
    with pytest.raises(RefusedError, match="efficientnet-b0"):
        device.infer("resnet", 1)
    with pytest.raises(RefusedError, match="at least one"):
        device.infer(LLM, 0)
    for seconds in (-1.0, float("nan"), float("inf")):
        with pytest.raises(RefusedError, match="cannot idle"):
            device.idle(seconds)
    assert device.state() == before
