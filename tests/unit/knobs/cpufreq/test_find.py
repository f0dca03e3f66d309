"""What is found on a machine, and why the rest is absent."""

import errno
import json
from functools import partial

import pytest

from knobs.contract import RestoreOutcome
from knobs.found import Wishes
from tests.emulated.sysfs.kernel.cpufreq_drivers import CPUFREQ_DT, table_driven
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import Cpus
from tests.emulated.sysfs.machines.machine import Machine
from tests.emulated.sysfs.machines.processors import acpi_server, ryzen, virtual_machine, xeon
from tests.emulated.sysfs.tree import Attribute, Tree, constant
from tests.unit.knobs.cpufreq.machines import (
    CPU,
    ORIN_KHZ,
    POLICY,
    found_in,
    found_on,
    knob_of,
    limits,
    orin,
    tx2_with_identified_cores,
)

SMALL = (orin, partial(xeon, cores=2), partial(ryzen, cores=2), partial(acpi_server, cores=2))
CLOCKS = ["cpu.core.max_mhz", "cpu.core.min_mhz", "cpu.governor"]


@pytest.mark.parametrize(
    ("make", "ids"),
    [
        (orin, CLOCKS),
        (acpi_server, [*CLOCKS, "cpu.boost"]),
        (xeon, [*CLOCKS, "cpu.energy_performance_preference", "cpu.boost"]),
        (ryzen, [*CLOCKS, "cpu.energy_performance_preference", "cpu.boost"]),
    ],
)
def test_the_knobs_of_a_machine(make, ids):
    found = found_on(make())
    assert [knob.spec.id for knob in found.knobs] == ids
    assert [absence.id for absence in found.absent] == ["cpu.cores.online"]
    assert len(found.monitors) == 1


@pytest.mark.parametrize("make", [orin, tx2_with_identified_cores, xeon, ryzen, acpi_server, virtual_machine])
def test_finding_writes_nothing(make):
    files = make().files()
    found_in(files, wishes=Wishes(allowed=frozenset({"cpu.cores.online"})))
    assert not files.writes


def test_a_virtual_machine_has_no_clocks_and_says_whose_they_are():
    found = found_on(virtual_machine())
    assert found.knobs == ()
    assert found.monitors == ()
    reasons = {absence.id: absence for absence in found.absent}
    assert set(CLOCKS) <= set(reasons)
    assert "the hypervisor controls the clocks" in reasons["cpu.core.max_mhz"].reason
    assert reasons["cpu.core.max_mhz"].fix.startswith("run on bare metal")


def test_intel_pstate_that_is_off_is_told_from_a_virtual_machine():
    machine = virtual_machine()
    machine.tree.add(f"{CPU}/intel_pstate/status", constant("off\n"))
    absence = found_on(machine).absent[0]
    assert absence.reason == "the driver intel_pstate is switched off"
    assert absence.fix == f"write active to {CPU}/intel_pstate/status"


@pytest.mark.parametrize("make", [orin, xeon, ryzen, acpi_server])
def test_who_is_not_root_gets_reasons_instead_of_knobs(make):
    found = found_in(make().files(is_root=False), wishes=Wishes(allowed=frozenset({"cpu.cores.online"})))
    assert found.knobs == ()
    absent = [absence for absence in found.absent if absence.fix.startswith("start the keeper as root")]
    assert "cpu.core.max_mhz" in [absence.id for absence in absent]
    assert len(found.monitors) == 1
    assert all("may not be written" in absence.reason for absence in absent)
    assert len(absent) == len(found.absent)


def test_a_governor_without_a_choice_is_absent():
    machine = orin()
    machine.tree.add(f"{POLICY}0/scaling_available_governors", constant("performance userspace \n"))
    absence = next(absence for absence in found_on(machine).absent if absence.id == "cpu.governor")
    assert "one governor only" in absence.reason


def test_a_policy_that_is_offline_is_named_where_its_cluster_cannot_be_known():
    machine = tx2_with_identified_cores()
    for cpu in (1, 2):
        machine.cpus.set_online(cpu, False)
    assert found_on(machine).knobs[0].spec.id == "cpu.core.max_mhz"


def test_a_percentage_below_everything_is_in_the_note():
    machine = xeon()
    machine.tree.add(f"{CPU}/intel_pstate/max_perf_pct", constant("70\n"))
    assert "max_perf_pct holds the clock at 70 %" in knob_of(found_on(machine), "cpu.core.max_mhz").spec.note


def test_a_journal_entry_finds_its_policies_although_clusters_are_numbered_otherwise_now():
    machine = tx2_with_identified_cores()
    knob = knob_of(found_on(machine), "cpu.cluster0.max_mhz")
    captured = json.loads(json.dumps(knob.capture()))
    knob.write(652.8)
    for cpu in (1, 2):
        machine.cpus.set_online(cpu, False)
    found = found_on(machine)
    again = found.reopen("cpu.cluster0.max_mhz", captured)
    assert again.restore(captured) is RestoreOutcome.RESTORED
    for cpu in (1, 2):
        machine.cpus.set_online(cpu, True)
    assert limits(machine) == [(345_600, 2_035_200)] * 2


def test_other_knobs_are_not_reopened():
    assert found_on(xeon()).reopen("gpu.core.max_mhz", {}) is None
    assert found_on(virtual_machine()).reopen("cpu.core.max_mhz", {"policies": {"policy0": [1, 2]}}) is None


def test_a_policy_that_is_offline_is_no_part_of_any_of_several_clusters():
    tree = Tree()
    cpus = Cpus(tree, 6, boot_cpu_stays=False)
    tables = [((0, 1), ORIN_KHZ), ((2, 3), ORIN_KHZ[:9]), ((4, 5), ORIN_KHZ)]
    frequency = table_driven(tree, Generation.K6_1, cpus, CPUFREQ_DT, tables)
    machine = Machine(name="dt", generation=Generation.K6_1, tree=tree, cpus=cpus, cpu_frequency=frequency)
    for cpu in (4, 5):
        cpus.set_online(cpu, False)
    absence = found_on(machine).absent[0]
    assert absence.id == "cpu.policy4.max_mhz"
    assert "all of its CPUs are offline" in absence.reason


@pytest.mark.parametrize("make", SMALL)
@pytest.mark.parametrize("number", [errno.EIO, errno.EBUSY, errno.EAGAIN, errno.EACCES, errno.ENOENT])
def test_no_file_that_fails_keeps_the_rest_from_being_found(make, number):
    machine = make()
    for path in [path for path in machine.tree.paths() if path.startswith(CPU)]:
        if isinstance(machine.tree.leaf(path), Attribute):
            with machine.failing(path, number):
                found = found_on(machine, wishes=Wishes(allowed=frozenset({"cpu.cores.online"})))
            assert found.knobs or "cpufreq" not in path
            for monitor in found.monitors:
                monitor.observe()


@pytest.mark.parametrize("make", SMALL)
def test_no_file_with_garbage_keeps_the_rest_from_being_found(make):
    machine = make()
    for path in [path for path in machine.tree.paths() if path.startswith(CPU)]:
        leaf = machine.tree.leaf(path)
        if isinstance(leaf, Attribute):
            machine.tree.add(path, Attribute(show=lambda: "\0garbage\n", store=leaf.store, mode=leaf.mode))
            found = found_on(machine, wishes=Wishes(allowed=frozenset({"cpu.cores.online"})))
            for monitor in found.monitors:
                monitor.observe()
            machine.tree.add(path, leaf)


def test_a_policy_that_is_not_described_in_full_is_absent():
    machine = orin()
    machine.tree.add(f"{POLICY}4/cpuinfo_max_freq", constant("<unknown>\n"))
    found = found_on(machine)
    assert found.absent[0].id == "cpu.policy4.max_mhz"
    assert "does not describe" in found.absent[0].reason
    knob_of(found, "cpu.core.max_mhz").write(960)
    assert limits(machine)[1][1] == 1_510_400
