"""CPUs that come and go."""

import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.contract import DeviceError, RefusedError, RestoreOutcome
from knobs.drivers.cpu_online import find_cores_online
from knobs.found import Wishes
from tests.emulated.sysfs.machines.processors import ryzen
from tests.emulated.sysfs.tree import constant
from tests.unit.knobs.cpufreq.machines import CPU, Time, orin

KNOB_ID = "cpu.cores.online"
ALLOWED = Wishes(allowed=frozenset({KNOB_ID}))


def machine_of(make):
    machine = make()
    machine.tree.add_folder("/proc")
    return machine


def knob_on(machine, time=None):
    (knob,) = find_cores_online(machine.files(), ALLOWED, (time or Time()).sleep).knobs
    return knob


def add_process(machine, pid, name, allowed, *, parent=1, threads=()):
    for thread in (pid, *threads):
        status = f"Name:\t{name}\nPid:\t{pid}\nPPid:\t{parent}\nCpus_allowed_list:\t{allowed}\n"
        machine.tree.add(f"/proc/{pid}/task/{thread}/status", constant(status))


def test_it_is_off_unless_allowed_but_a_journal_entry_finds_it():
    machine = machine_of(ryzen)
    captured = knob_on(machine).capture()
    knob_on(machine).write(2)
    found = find_cores_online(machine.files(), Wishes())
    assert found.knobs == ()
    (absence,) = found.absent
    assert "is not pinned again" in absence.reason
    assert absence.fix == 'allow it: [knobs."cpu.cores.online"] allow = true'
    assert found.reopen(KNOB_ID, captured).restore(captured) is RestoreOutcome.RESTORED
    assert machine.cpus.online == set(range(8))
    assert found.reopen("cpu.governor", {}) is None


def test_cpus_go_from_the_highest_and_one_without_a_switch_stays():
    machine = machine_of(ryzen)
    knob = knob_on(machine)
    assert knob.spec.values == tuple(range(1, 9))
    assert knob.spec.danger
    knob.write(3)
    assert machine.cpus.online == {0, 1, 2}
    knob.write(5)
    assert machine.cpus.online == {0, 1, 2, 3, 4}


def test_what_was_online_comes_back_exactly():
    machine = machine_of(orin)
    for cpu in (1, 4):
        machine.cpus.set_online(cpu, False)
    knob = knob_on(machine)
    captured = knob.capture()
    knob.write(6)
    assert machine.cpus.online == set(range(6))
    knob.write(1)
    assert machine.cpus.online == {0}
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert machine.cpus.online == {0, 2, 3, 5}


def test_writing_the_number_that_runs_keeps_those_that_run():
    machine = machine_of(orin)
    machine.cpus.set_online(2, False)
    knob = knob_on(machine)
    knob.write(knob.read())
    assert machine.cpus.online == {0, 1, 3, 4, 5}


@pytest.mark.parametrize("threads", [(), (900, 901)])
def test_a_process_that_may_run_only_on_what_goes_is_named(threads):
    machine = machine_of(ryzen)
    add_process(machine, 41, "spread", "0-7")
    add_process(machine, 42, "redis-server", "6-7", threads=threads)
    knob = knob_on(machine)
    with pytest.raises(RefusedError, match=r"process 42 \(redis-server\) may run on CPUs \[6, 7\] only"):
        knob.write(4)
    assert machine.cpus.online == set(range(8))
    knob.write(7)
    assert machine.cpus.online == set(range(7))


def test_one_pinned_thread_is_enough():
    machine = machine_of(ryzen)
    add_process(machine, 50, "server", "0-7")
    machine.tree.add("/proc/50/task/51/status", constant("Name:\tworker\nPid:\t51\nPPid:\t1\nCpus_allowed_list:\t7\n"))
    with pytest.raises(RefusedError, match=r"process 50 \(worker\)"):
        knob_on(machine).write(7)


def test_the_kernels_own_threads_do_not_keep_a_cpu():
    machine = machine_of(ryzen)
    add_process(machine, 2, "kthreadd", "0-7", parent=0)
    add_process(machine, 60, "migration/7", "7", parent=2)
    knob_on(machine).write(1)
    assert machine.cpus.online == {0}


def test_processes_that_end_meanwhile_are_passed_over():
    machine = machine_of(ryzen)
    add_process(machine, 70, "short", "7")
    with machine.failing("/proc/70/task/70/status", errno.ESRCH):
        knob_on(machine).write(4)
    assert machine.cpus.online == {0, 1, 2, 3}


def test_without_proc_nobody_can_tell_so_nothing_is_written():
    machine = ryzen()
    with pytest.raises(DeviceError, match="/proc"):
        knob_on(machine).write(4)
    assert machine.cpus.online == set(range(8))


def test_another_change_of_the_cpus_is_waited_for():
    machine, time = machine_of(ryzen), Time()
    machine.cpus.busy = True
    time.events.append((0.4, lambda: setattr(machine.cpus, "busy", False)))
    knob_on(machine, time).write(4)
    assert machine.cpus.online == {0, 1, 2, 3}


def test_where_the_kernel_stays_busy_nothing_has_changed():
    machine, time = machine_of(ryzen), Time()
    knob = knob_on(machine, time)
    with machine.failing(f"{CPU}/cpu5/online", errno.EBUSY, reads=False), pytest.raises(DeviceError, match="CPU 5"):
        knob.write(4)
    assert machine.cpus.online == set(range(8))
    assert 0 < time.now_s < 5


def test_threads_that_the_kernel_holds_down_are_not_offered():
    machine = machine_of(ryzen)
    for cpu in (4, 5, 6, 7):
        machine.cpus.set_online(cpu, False)
    machine.tree.add(f"{CPU}/smt/control", constant("off\n"))
    assert knob_on(machine).spec.values == (1, 2, 3, 4)
    machine.tree.add(f"{CPU}/smt/control", constant("on\n"))
    assert knob_on(machine).spec.values == tuple(range(1, 9))


@pytest.mark.parametrize("captured", [{}, {"online": []}, {"online": "0-7"}])
def test_a_damaged_journal_entry_is_an_error(captured):
    machine = machine_of(ryzen)
    with pytest.raises(DeviceError, match="journal entry"):
        knob_on(machine).restore(captured)
    assert machine.cpus.online == set(range(8))


def test_a_kernel_that_says_nonsense_gives_an_absence():
    machine = machine_of(ryzen)
    machine.tree.add(f"{CPU}/present", constant("all of them\n"))
    (absence,) = find_cores_online(machine.files(), ALLOWED).absent
    assert "which is none" in absence.reason


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(1, 5)), st.lists(st.integers(1, 6), max_size=6))
def test_any_sequence_is_restored(offline, counts):
    machine = machine_of(orin)
    for cpu in offline:
        machine.cpus.set_online(cpu, False)
    before = set(machine.cpus.online)
    knob = knob_on(machine)
    captured = knob.capture()
    for count in counts:
        knob.write(count)
        assert knob.read() == count
        assert 0 in machine.cpus.online
    assert knob_on(machine).restore(captured) is RestoreOutcome.RESTORED
    assert machine.cpus.online == before


def test_cpus_come_up_before_others_go_so_that_one_always_runs():
    machine = machine_of(orin)
    for cpu in range(5):
        machine.cpus.set_online(cpu, False)
    assert knob_on(machine).restore({"online": [0]}) is RestoreOutcome.RESTORED
    assert machine.cpus.online == {0}
