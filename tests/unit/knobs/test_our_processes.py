"""Which processes are ours, and that the CPU time of theirs is neither lost nor claimed twice."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.our_processes import OurProcesses
from knobs.process import account
from knobs.sysfs import KernelFiles
from tests.unit.knobs.scripted_proc import INIT, ScriptedProc


@pytest.fixture
def proc(tmp_path: Path) -> ScriptedProc:
    return ScriptedProc(tmp_path)


def test_what_descends_from_a_root_is_ours_and_nothing_else_is(proc):
    daemon, shell = proc.fork(INIT), proc.fork(INIT)
    runner = proc.fork(daemon, new_session=True)
    stranger = proc.fork(shell)
    ours = OurProcesses(proc.files, [daemon])
    for pid, ticks in ((daemon, 1), (runner, 10), (shell, 100), (stranger, 1000)):
        proc.work(pid, ticks)
    assert ours.ticks_since() == 11
    assert ours.ticks_since() == 0


def test_a_process_that_starts_later_is_ours_from_its_first_tick(proc):
    daemon = proc.fork(INIT)
    ours = OurProcesses(proc.files, [daemon])
    worker = proc.fork(daemon)
    grandchild = proc.fork(worker)
    proc.work(grandchild, 7)
    assert ours.ticks_since() == 7


def test_a_foreign_shell_that_starts_something_stays_foreign(proc):
    daemon, shell = proc.fork(INIT), proc.fork(INIT)
    ours = OurProcesses(proc.files, [daemon])
    proc.work(proc.fork(shell), 5)
    assert ours.ticks_since() == 0


def test_a_process_whose_parent_has_left_it_stays_ours(proc):
    daemon = proc.fork(INIT)
    parent = proc.fork(daemon)
    orphan = proc.fork(parent)
    ours = OurProcesses(proc.files, [daemon])
    proc.end(parent, waited_for=True)
    proc.work(orphan, 9)
    assert ours.ticks_since() == 9


def test_a_process_that_was_left_before_anybody_looked_is_known_by_the_session_of_its_server(proc):
    daemon = proc.fork(INIT)
    server = proc.fork(daemon, new_session=True)
    ours = OurProcesses(proc.files, [daemon])
    middle = proc.fork(server)
    orphan = proc.fork(middle)
    proc.end(middle, waited_for=True)
    proc.work(orphan, 4)
    assert ours.ticks_since() == 4


def test_the_session_of_a_terminal_makes_nobody_ours(proc):
    shell = proc.fork(INIT, new_session=True)
    server = proc.fork(shell)
    ours = OurProcesses(proc.files, [server])
    proc.work(proc.fork(shell), 50)
    assert ours.ticks_since() == 0


def test_a_child_that_lived_and_ended_between_two_looks_counts_by_what_its_parent_got(proc):
    server = proc.fork(INIT)
    ours = OurProcesses(proc.files, [server])
    child = proc.fork(server)
    proc.work(child, 30)
    proc.end(child, waited_for=True)
    assert ours.ticks_since() == 30


def test_a_child_that_ends_is_not_counted_a_second_time_with_its_parent(proc):
    server = proc.fork(INIT)
    child = proc.fork(server)
    proc.work(child, 1000)
    ours = OurProcesses(proc.files, [server])
    proc.work(child, 3)
    proc.end(child, waited_for=True)
    assert ours.ticks_since() == 3


def test_a_child_that_nobody_waits_for_takes_nothing_away_from_the_others(proc):
    server = proc.fork(INIT)
    child = proc.fork(server)
    proc.work(child, 1000)
    ours = OurProcesses(proc.files, [server])
    proc.end(child, waited_for=False)
    proc.work(server, 6)
    assert ours.ticks_since() == 6


def test_a_root_that_has_ended_is_nobody(proc):
    ours = OurProcesses(proc.files, [4711])
    proc.work(INIT, 5)
    assert ours.ticks_since() == 0


def test_a_foreign_process_is_read_once(proc, monkeypatch):
    daemon = proc.fork(INIT)
    strangers = [proc.fork(INIT) for _ in range(20)]
    ours = OurProcesses(proc.files, [daemon])
    read = []
    monkeypatch.setattr("knobs.our_processes.account", lambda files, pid: read.append(pid) or account(files, pid))
    proc.end(strangers.pop(), waited_for=False)
    late = proc.fork(INIT)
    ours.ticks_since()
    ours.ticks_since()
    assert sorted(read) == sorted([daemon, daemon, late])


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fork", "work", "end", "look"]),
        st.integers(min_value=0, max_value=30),
        st.integers(min_value=1, max_value=50),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, polite=st.booleans())
def test_over_any_history_nothing_is_claimed_that_was_not_used_and_nothing_lost_that_was_waited_for(steps, polite):
    """Truth is what the descendants of the root have used since the last look."""
    with tempfile.TemporaryDirectory() as folder:
        proc = ScriptedProc(Path(folder))
        root, shell = proc.fork(INIT), proc.fork(INIT)
        ours, truth = OurProcesses(proc.files, [root]), 0
        descendants, others = [root], [shell]
        for action, which, ticks, flag in steps:
            mine = flag or not others
            family = descendants if mine else others
            pid = family[which % len(family)]
            if action == "fork":
                family.append(proc.fork(pid, new_session=which % 3 == 0))
            elif action == "work":
                proc.work(pid, ticks)
                truth += ticks if mine else 0
            elif action == "end" and pid not in (root, shell):
                is_leaf = all(fields["parent"] != pid for fields in proc.fields.values())
                if is_leaf or not polite:
                    family.remove(pid)
                    proc.end(pid, waited_for=polite or flag)
            elif action == "look":
                claimed, truth = (ours.ticks_since(), truth), 0
                assert claimed[0] == claimed[1] if polite else claimed[0] <= claimed[1]


WORKLOAD = """
import os, sys, time
def burn(seconds):
    began_s = time.process_time()
    while time.process_time() < began_s + seconds: pass
sys.stdin.readline()
burn(0.1)
if os.fork() == 0:
    burn(0.1)
    os._exit(0)
os.wait()
if os.fork() == 0:
    if os.fork() == 0:
        burn(0.1)
        print("done", flush=True)
        time.sleep(30)
    os._exit(0)
os.wait()
sys.stdin.readline()
"""


def test_a_real_workload_is_followed_with_what_it_forks_waits_for_and_leaves_behind():
    workload = subprocess.Popen(
        [sys.executable, "-c", WORKLOAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert workload.stdin is not None
    assert workload.stdout is not None
    try:
        ours = OurProcesses(KernelFiles(), [workload.pid])
        ours.ticks_since()
        workload.stdin.write(b"go\n")
        workload.stdin.flush()
        seen_s, deadline_s = 0.0, time.monotonic() + 60
        os.set_blocking(workload.stdout.fileno(), False)
        while not workload.stdout.read():
            assert time.monotonic() < deadline_s
            seen_s += ours.ticks_since() / os.sysconf("SC_CLK_TCK")
            time.sleep(0.005)
        seen_s += ours.ticks_since() / os.sysconf("SC_CLK_TCK")
        assert 0.25 < seen_s < 0.5
    finally:
        os.killpg(workload.pid, 9)
        workload.communicate()
