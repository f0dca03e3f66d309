"""How many cores are busy with what is not ours."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from knobs.contract import Captured, Conditions, Knob
from knobs.drivers.background import BackgroundMonitor
from knobs.inventory import Inventory, discover
from knobs.journal import Journal
from knobs.keeper import watching
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.keeper.server import peer_of
from knobs.keeper.session import Peer
from knobs.sysfs import KernelFiles
from knobs.workload import Originals, WorkloadParts
from tests.unit.knobs.scripted_proc import INIT, ScriptedProc

TICKS_PER_S = 100


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def proc(tmp_path: Path) -> ScriptedProc:
    return ScriptedProc(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watch(proc: ScriptedProc, clock: Clock, *roots: int) -> BackgroundMonitor:
    monitor = BackgroundMonitor(proc.files, roots, clock, TICKS_PER_S)
    assert monitor.observe() == Conditions()
    return monitor


def test_what_is_busy_and_not_ours_is_background(proc, clock):
    server, stranger = proc.fork(INIT), proc.fork(INIT)
    monitor = watch(proc, clock, server)
    proc.work(server, 150)
    proc.work(stranger, 50)
    proc.pass_time(idle=200, softirq=10)
    clock.now_s += 2.0
    assert monitor.observe().background_cores == pytest.approx((50 + 10) / 100 / 2.0)


def test_every_look_speaks_of_the_time_since_the_one_before(proc, clock):
    server, stranger = proc.fork(INIT), proc.fork(INIT)
    monitor = watch(proc, clock, server)
    told = []
    for ticks in (20, 0, 40):
        proc.work(server, 15)
        proc.work(stranger, ticks)
        clock.now_s += 0.2
        told.append(monitor.observe().background_cores)
    assert told == pytest.approx([1.0, 0.0, 2.0])


def test_a_look_too_soon_tells_nothing_and_loses_nothing(proc, clock):
    server, stranger = proc.fork(INIT), proc.fork(INIT)
    monitor = watch(proc, clock, server)
    proc.work(stranger, 4)
    clock.now_s += 0.05
    assert monitor.observe() == Conditions()
    proc.work(stranger, 6)
    clock.now_s += 0.15
    assert monitor.observe().background_cores == pytest.approx(0.5)


def test_ticks_that_fall_on_the_wrong_side_cancel_out_over_two_looks(proc, clock):
    server = proc.fork(INIT)
    monitor = watch(proc, clock, server)
    proc.work(server, 10)
    proc.cpu_ticks["user"] -= 2  # the kernel's sum lags behind
    proc.pass_time()
    clock.now_s += 0.2
    early = monitor.observe().background_cores
    proc.cpu_ticks["user"] += 2
    proc.pass_time()
    clock.now_s += 0.2
    assert early == pytest.approx(-0.1)
    assert early + monitor.observe().background_cores == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("stolen", "remark"),
    [(0, ()), (1, ()), (2, ("more than 1 %",)), (9, ("more than 5 %",)), (60, ("more than 20 %",))],
)
def test_time_that_the_hypervisor_took_is_no_load_and_is_remarked_upon_by_levels(proc, clock, stolen, remark):
    monitor = watch(proc, clock, proc.fork(INIT))
    proc.pass_time(idle=100 - stolen, steal=stolen)
    clock.now_s += 1.0
    seen = monitor.observe()
    assert seen.background_cores == 0.0
    assert len(seen.remarks) == len(remark)
    assert all(words in seen.remarks[0] for words in remark)
    assert seen.obstacles == ()


@pytest.mark.parametrize("text", ["", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3\n", "cpu  1 2 3 4 five 6 7 8\n"])
def test_a_container_whose_kernel_files_tell_nothing_is_told_nothing_about_until_they_do(proc, clock, text):
    server, stranger = proc.fork(INIT), proc.fork(INIT)
    monitor = watch(proc, clock, server)
    proc.say(text)
    clock.now_s += 1.0
    assert monitor.observe() == Conditions()
    proc.work(stranger, 100)
    clock.now_s += 1.0
    assert monitor.observe() == Conditions()
    proc.work(stranger, 100)
    clock.now_s += 1.0
    assert monitor.observe().background_cores == pytest.approx(1.0)


def test_several_monitors_together_tell_the_background_that_one_of_them_knows(proc, clock):
    monitor = watch(proc, clock, proc.fork(INIT))
    proc.work(INIT, 30)
    clock.now_s += 1.0
    assert watching.observe([monitor]).background_cores == pytest.approx(0.3)
    assert watching.observe([]).background_cores is None


def test_the_background_is_watched_while_a_workload_is_attached():
    inventory = discover(check_meters=False)
    alone = inventory.monitors
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        inventory.attach(sleeper.pid)
        inventory.attach(sleeper.pid)
        assert [type(monitor) for monitor in inventory.monitors[len(alone) :]] == [BackgroundMonitor]
        assert "cpu" in inventory.record().monitored
    finally:
        sleeper.kill()
        sleeper.communicate()
    inventory.detach()
    assert inventory.monitors == alone


# Its parent leaves it behind, in a session of its own: it is nobody's of ours.
STRANGER = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.write(1, b"%d" % os.getpid())
os.close(1)
deadline_s = time.monotonic() + 60
while time.monotonic() < deadline_s and not os.path.exists(sys.argv[1]): pass
"""


def test_a_real_keeper_sees_a_busy_stranger_beside_a_workload(machine, tmp_path):
    machine.start_keeper()
    workload = machine.start_workload()
    stop = tmp_path / "stop"
    started = subprocess.run(
        [sys.executable, "-c", STRANGER, str(stop)], stdout=subprocess.PIPE, check=True, timeout=30, text=True
    )
    try:
        stranger = int(started.stdout)
        with machine.connect() as client:
            client.attach(workload.pid)
            client.observe()
            used_s, began_s = -cpu_s(stranger), time.monotonic()
            background_s, last_s = 0.0, began_s
            while background_s < 0.5:
                assert time.monotonic() < began_s + 60, "nothing was seen of the stranger"
                time.sleep(0.15)
                cores = client.observe().background_cores
                now_s = time.monotonic()
                if cores is not None:
                    background_s, last_s = background_s + cores * (now_s - last_s), now_s
            used_s += cpu_s(stranger)
        # Whatever else runs on this machine adds to the background: only the lower bound is the stranger's.
        assert background_s > used_s - 0.2
    finally:
        stop.touch()


def cpu_s(pid: int) -> float:
    return time.clock_gettime((~pid << 3) | 2)


def test_one_look_is_cheap():
    monitor = BackgroundMonitor(KernelFiles(), [1])
    monitor.observe()
    costs_s = []
    for _ in range(5):
        time.sleep(0.11)
        before_s = time.thread_time()
        assert monitor.observe().background_cores is not None
        costs_s.append(time.thread_time() - before_s)
    assert min(costs_s) < 0.05, "a machine would need thousands of processes of ours for this"


class RecordingDriver:
    """Finds nothing, and notes for whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, frozenset[int]]] = []

    def open(self, pid: int, originals: Originals, attendants: frozenset[int]) -> WorkloadParts:
        self.asked.append((pid, attendants))
        return WorkloadParts("nobody")

    def reopen(self, knob_id: str, captured: Captured) -> Knob | None:
        return None


def test_the_keeper_and_the_process_that_asked_it_are_no_background(tmp_path):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_of(ours) == Peer(uid=os.getuid(), pid=os.getpid())
    driver = RecordingDriver()
    keeper = Keeper(
        Inventory((), (), workload_drivers=[driver]), Journal(tmp_path / "run"), Desired(tmp_path / "state")
    )
    keeper.attach(os.getppid(), None, client_pid=4711)
    keeper.attach(os.getppid(), None)
    assert driver.asked == [
        (os.getppid(), frozenset({os.getpid(), 4711})),
        (os.getppid(), frozenset({os.getpid()})),
    ]


def test_a_real_keeper_takes_what_its_client_does_for_no_background(machine):
    machine.start_keeper()
    workload = machine.start_workload()
    used_s = 0.8
    with machine.connect() as client:
        client.attach(workload.pid)
        client.observe()
        began_s, busy_s = time.monotonic(), -all_cpus_busy_s()
        until_s = time.process_time() + used_s
        while time.process_time() < until_s:
            pass
        cores = client.observe().background_cores
        elapsed_s = time.monotonic() - began_s
        busy_s += all_cpus_busy_s()
    assert cores is not None
    assert cores * elapsed_s < busy_s - used_s / 2


def all_cpus_busy_s() -> float:
    user, nice, system, _, _, irq, soft_irq, *_ = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")
