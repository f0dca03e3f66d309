"""What the contract suite does not ask: ended and recycled processes, threads, forks and neighbours."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from knobs.contract import Absence, DeviceError, RestoreOutcome
from knobs.drivers.affinity import AffinityKnob
from knobs.drivers.cgroup import find_cpu_controller
from knobs.drivers.cpu_bandwidth import CpuBandwidthKnob
from knobs.inventory import discover
from knobs.meters.cpu_time import CpuTimeMeter
from knobs.process import ProcessIdentity, identify, is_alive, owner_uids, thread_ids
from knobs.sysfs import KernelFiles
from tests.contract.fake_cgroup2 import MOUNT, FakeCgroup2

FILES = KernelFiles()
two_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="only one CPU: affinity has one value only")

RESTLESS = """
import threading
def breed():
    threading.Thread(target=breed).start()
breed()
"""
FORKING = """
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        time.sleep(600)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def start():
    processes = []

    def start(code):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def sleeper(start):
    return start("import time; time.sleep(600)")


def cpu_controller():
    controller = find_cpu_controller(FILES, "quota")
    if isinstance(controller, Absence):
        pytest.skip(controller.reason)
    return controller


def test_a_process_is_told_apart_by_its_start():
    me = identify(FILES, os.getpid())
    assert is_alive(FILES, me)
    assert not is_alive(FILES, ProcessIdentity(me.pid, me.start_ticks + 1))
    assert owner_uids(FILES, me.pid) == {os.getuid()}
    assert os.getpid() in thread_ids(FILES, me.pid)


def test_a_process_that_has_ended_and_awaits_its_parent_is_not_alive(sleeper):
    process = identify(FILES, sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(FILES, process)


def test_a_process_that_never_was_is_one_sentence():
    with pytest.raises(DeviceError, match="There is no process 0"):
        identify(FILES, 0)


def test_an_ended_process_leaves_nothing_to_restore(sleeper):
    knob = AffinityKnob.of_process(FILES, identify(FILES, sleeper.pid))
    captured = knob.capture()
    sleeper.kill()
    sleeper.wait()
    assert knob.restore(captured) is RestoreOutcome.GONE
    with pytest.raises(DeviceError, match="has ended"):
        knob.write(1)


@two_cpus
def test_a_recycled_process_id_is_never_touched(sleeper):
    process = identify(FILES, sleeper.pid)
    knob = AffinityKnob.of_process(FILES, process)
    knob.write(1)
    mask = os.sched_getaffinity(sleeper.pid)
    earlier = {**knob.capture(), "start_ticks": process.start_ticks - 1, "cpus": sorted(os.sched_getaffinity(0))}
    assert AffinityKnob.from_captured(FILES, earlier).restore(earlier) is RestoreOutcome.GONE
    assert knob.restore(earlier) is RestoreOutcome.GONE
    assert os.sched_getaffinity(sleeper.pid) == mask
    with pytest.raises(DeviceError):
        CpuTimeMeter(FILES, ProcessIdentity(process.pid, process.start_ticks - 1)).sample()


@two_cpus
def test_threads_started_meanwhile_are_confined_too(start):
    process = start(RESTLESS)
    knob = AffinityKnob.of_process(FILES, identify(FILES, process.pid))
    time.sleep(0.05)
    for value in (1, 2, 1):
        knob.write(value)
        assert knob.read() == value


@two_cpus
def test_a_thread_with_a_mask_of_its_own_gets_it_back():
    everything = os.sched_getaffinity(0)
    own = {max(everything)}
    stop, started, tid = threading.Event(), threading.Event(), []

    def pinned():
        tid.append(threading.get_native_id())
        os.sched_setaffinity(0, own)
        started.set()
        stop.wait()

    thread = threading.Thread(target=pinned)
    thread.start()
    started.wait()
    knob = AffinityKnob.of_process(FILES, identify(FILES, os.getpid()))
    captured = knob.capture()
    try:
        knob.write(1)
        assert os.sched_getaffinity(tid[0]) == {min(everything)}
        assert knob.restore(captured) is RestoreOutcome.RESTORED
        assert os.sched_getaffinity(tid[0]) == own
        assert os.sched_getaffinity(os.getpid()) == everything
    finally:
        knob.restore(captured)
        stop.set()
        thread.join()


def test_a_quota_really_limits_cpu_time(start):
    process = start("while True: pass")
    knob = CpuBandwidthKnob.of_process(FILES, cpu_controller(), identify(FILES, process.pid), cpu_count=1)
    if isinstance(knob, Absence):
        pytest.skip(knob.reason)
    meter = CpuTimeMeter(FILES, identify(FILES, process.pid))
    captured = knob.capture()
    knob.write(50)
    try:
        time.sleep(0.3)
        first = meter.sample()
        time.sleep(2)
        second = meter.sample()
    finally:
        knob.restore(captured)
    assert (second.cpu_s - first.cpu_s) / (second.time_s - first.time_s) < 0.6


def test_what_a_limited_process_forks_goes_home_with_it(start):
    controller = cpu_controller()
    process = start("import time; time.sleep(0.3)\n" + FORKING)
    knob = CpuBandwidthKnob.of_process(FILES, controller, identify(FILES, process.pid), cpu_count=2)
    if isinstance(knob, Absence):
        pytest.skip(knob.reason)
    home = controller.group_of(process.pid)
    captured = knob.capture()
    knob.write(50)
    group = controller.group_of(process.pid)
    assert group != home
    process.stdout.readline()
    children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    assert len(children) == 3
    assert {controller.group_of(pid) for pid in children} == {group}
    process.kill()
    process.wait()
    assert knob.restore(captured) is RestoreOutcome.GONE
    assert {controller.group_of(pid) for pid in children} == {home}
    assert not Path(group).exists()
    for pid in children:
        os.kill(pid, 9)


@pytest.fixture
def version2(tmp_path):
    files = FakeCgroup2(tmp_path)
    group = f"{MOUNT}/app.slice"
    files.add_process(42, 7, group)
    controller = find_cpu_controller(files, "quota")
    return files, controller, group


def test_version_2_limits_in_a_threaded_group_inside_the_one_in_use(version2):
    files, controller, group = version2
    knob = CpuBandwidthKnob.of_process(files, controller, identify(files, 42), cpu_count=2)
    knob.write(150)
    assert files.read_text(f"{group}/wattune-42-7/cpu.max") == "150000 100000"
    assert files.read_text(f"{group}/wattune-42-7/cgroup.type") == "threaded"
    assert files.read_text("/proc/42/cgroup") == "0::/app.slice/wattune-42-7"
    knob.write(200)
    assert files.read_text(f"{group}/wattune-42-7/cpu.max") == "max 100000"


def test_version_2_an_ended_process_leaves_no_group_behind(version2):
    files, controller, _ = version2
    before = {name for name in files.snapshot() if "proc" not in name}
    knob = CpuBandwidthKnob.of_process(files, controller, identify(files, 42), cpu_count=2)
    captured = knob.capture()
    knob.write(50)
    files.end_process(42)
    assert knob.restore(captured) is RestoreOutcome.GONE
    assert {name for name in files.snapshot() if "proc" not in name} == before


def test_version_2_a_tighter_limit_that_holds_anyway_shortens_the_list(version2):
    files, controller, group = version2
    files.write_text(f"{group}/cpu.max", "120000 100000")
    knob = CpuBandwidthKnob.of_process(files, controller, identify(files, 42), cpu_count=4)
    assert knob.spec.values == (50, 100, 400)


def test_version_2_without_the_controller_says_what_helps(tmp_path):
    files = FakeCgroup2(tmp_path, handed_down="memory")
    files.add_process(42, 7, f"{MOUNT}/app.slice")
    absence = CpuBandwidthKnob.of_process(files, find_cpu_controller(files, "quota"), identify(files, 42), cpu_count=2)
    assert isinstance(absence, Absence)
    assert "not delegated" in absence.reason
    assert "Delegate=cpu" in absence.fix


def test_a_machine_without_anything_gives_reasons_and_fixes(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text("23 1 0:22 / / rw - ext4 /dev/vda rw\n")
    record = discover(tmp_path).record()
    assert record.knobs == record.meters == ()
    assert {absence.id for absence in record.absent} == {
        *("workload.cpu.quota_percent", "cpu.package.rapl"),
        *("cpu.core.max_mhz", "cpu.core.min_mhz", "cpu.governor", "cpu.cores.online"),
    }
    assert all(absence.reason and absence.fix for absence in record.absent)


def test_this_machine_offers_cores_and_an_estimate_for_a_workload(sleeper):
    inventory = discover()
    inventory.attach(sleeper.pid)
    assert "workload.cpu.cores" in inventory.knobs
    assert "workload.cpu.estimate" in inventory.meters
    assert inventory.process_of("workload.cpu.cores") == str(identify(FILES, sleeper.pid))
    inventory.detach()
    assert "workload.cpu.cores" not in inventory.knobs


def test_a_failed_attachment_leaves_the_earlier_one(sleeper):
    inventory = discover()
    inventory.attach(sleeper.pid)
    with pytest.raises(DeviceError):
        inventory.attach(0)
    assert inventory.knobs["workload.cpu.cores"].read()
