"""Governor, energy performance preference and boost."""

import errno

import pytest

from knobs.contract import DeviceError, RefusedError, RestoreOutcome
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.machines.processors import acpi_server, ryzen, xeon
from tests.emulated.sysfs.tree import Attribute, constant
from tests.unit.knobs.cpufreq.machines import CPU, POLICY, found_in, found_on, knob_of, limits, orin

GOVERNOR, PREFERENCE, BOOST = "cpu.governor", "cpu.energy_performance_preference", "cpu.boost"
PREFERENCE_FILE = "energy_performance_preference"


def preferences(machine):
    files = machine.files()
    return [files.read_text(path) for path in files.glob(f"{POLICY}*/{PREFERENCE_FILE}")]


def test_governors_are_those_of_every_policy_without_userspace():
    machine = orin()
    machine.tree.add(f"{POLICY}4/scaling_available_governors", constant("performance schedutil userspace \n"))
    assert knob_of(found_on(machine), GOVERNOR).spec.values == ("performance", "schedutil")


def test_different_governors_are_captured_and_restored_one_by_one():
    machine = orin()
    machine.cpu_frequency.policies[1].governor = "userspace"
    knob = knob_of(found_on(machine), GOVERNOR)
    captured = knob.capture()
    assert captured == {"policies": {"policy0": "schedutil", "policy4": "userspace"}}
    knob.write("powersave")
    assert {policy.governor for policy in machine.cpu_frequency.policies} == {"powersave"}
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert [policy.governor for policy in machine.cpu_frequency.policies] == ["schedutil", "userspace"]


def test_a_governor_is_set_on_all_policies_or_on_none():
    machine = orin()
    knob = knob_of(found_on(machine), GOVERNOR)
    with machine.failing(f"{POLICY}4/scaling_governor", errno.EINVAL, reads=False), pytest.raises(DeviceError):
        knob.write("powersave")
    assert {policy.governor for policy in machine.cpu_frequency.policies} == {"schedutil"}


def test_a_power_daemon_that_holds_the_governor_is_an_error():
    machine = orin()
    machine.tree.add(f"{POLICY}0/scaling_governor", Attribute(show=lambda: "schedutil\n", store=lambda _: None))
    with pytest.raises(DeviceError, match=r"set to powersave but reads schedutil: .* power daemon"):
        knob_of(found_on(machine), GOVERNOR).write("powersave")


def test_a_policy_that_departs_shows():
    machine = xeon()
    knob = knob_of(found_on(machine), GOVERNOR)
    machine.cpu_frequency.policies[5].governor = "performance"
    assert knob.read() == "performance"


def test_restoring_is_pending_while_a_policy_is_offline():
    machine = orin()
    knob = knob_of(found_on(machine), GOVERNOR)
    captured = knob.capture()
    knob.write("powersave")
    for cpu in (4, 5):
        machine.cpus.set_online(cpu, False)
    assert knob.restore(captured) is RestoreOutcome.PENDING
    for cpu in (4, 5):
        machine.cpus.set_online(cpu, True)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert {policy.governor for policy in machine.cpu_frequency.policies} == {"schedutil"}


def test_default_is_no_preference_because_it_never_reads_back():
    spec = knob_of(found_on(xeon()), PREFERENCE).spec
    assert spec.values == ("performance", "balance_performance", "balance_power", "power")
    assert GOVERNOR in spec.after


@pytest.mark.parametrize("make", [xeon, ryzen])
def test_the_governor_performance_leaves_no_choice_of_a_preference(make):
    machine = make()
    files = machine.files()
    found = found_in(files)
    knob_of(found, GOVERNOR).write("performance")
    files.writes.clear()
    with pytest.raises(RefusedError, match=r"cannot be power while cpu\.governor is performance"):
        knob_of(found, PREFERENCE).write("power")
    assert not files.writes
    knob_of(found, PREFERENCE).write("performance")
    assert set(preferences(machine)) == {"performance"}


def test_a_raw_preference_is_captured_and_restored():
    machine = xeon()
    machine.tree.attribute(f"{POLICY}3/{PREFERENCE_FILE}").write("77")
    knob = knob_of(found_on(machine), PREFERENCE)
    captured = knob.capture()
    before = preferences(machine)
    assert before[3] == "77"
    knob.write("power")
    assert set(preferences(machine)) == {"power"}
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert preferences(machine) == before


def test_a_driver_without_preferences_has_no_such_knob_and_no_absence():
    found = found_on(acpi_server())
    assert PREFERENCE not in [knob.spec.id for knob in found.knobs] + [absence.id for absence in found.absent]


@pytest.mark.parametrize("make", [xeon, ryzen, acpi_server])
def test_boost_is_switched_whichever_way_round_the_file_is(make):
    machine = make()
    knob = knob_of(found_on(machine), BOOST)
    assert knob.read() == "on"
    captured = knob.capture()
    knob.write("off")
    assert machine.cpu_frequency.boost.on is False
    assert knob.read() == "off"
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert machine.cpu_frequency.boost.on is True


def test_boost_that_the_firmware_forbids_is_an_error_that_says_so():
    machine = xeon()
    machine.cpu_frequency.boost.set(False)
    machine.cpu_frequency.boost.forbidden = True
    knob = knob_of(found_on(machine), BOOST)
    assert knob.read() == "off"
    with pytest.raises(DeviceError, match="The firmware may have switched boost off"):
        knob.write("on")


def test_boost_that_only_seems_to_be_taken_is_an_error():
    machine = acpi_server()
    machine.tree.add(f"{CPU}/cpufreq/boost", Attribute(show=lambda: "1\n", store=lambda _: None))
    with pytest.raises(DeviceError, match="does not take off"):
        knob_of(found_on(machine), BOOST).write("off")


def test_boost_of_single_policies_is_switched_and_restored_as_it_was():
    machine = orin()
    states = {0: "1", 4: "0"}
    for policy in states:
        machine.tree.add(
            f"{POLICY}{policy}/boost",
            Attribute(
                show=lambda policy=policy: f"{states[policy]}\n",
                store=lambda text, policy=policy: states.update({policy: text}),
            ),
        )
    knob = knob_of(found_on(machine), BOOST)
    assert knob.read() == "off"
    captured = knob.capture()
    knob.write("on")
    assert states == {0: "1", 4: "1"}
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert states == {0: "1", 4: "0"}


def test_limits_that_switching_boost_resets_are_set_again():
    machine = orin(Generation.K6_12)
    on = [True]

    def store(text):
        on[0] = text == "1"
        for policy in machine.cpu_frequency.policies:
            policy.limits.store_highest(str(policy.clocks.highest_khz))

    machine.tree.add(f"{CPU}/cpufreq/boost", Attribute(show=lambda: f"{int(on[0])}\n", store=store))
    for policy in (0, 4):
        machine.tree.add(f"{POLICY}{policy}/scaling_boost_frequencies", constant("1510400 \n"))
    found = found_on(machine)
    knob_of(found, "cpu.core.max_mhz").write(960)
    knob_of(found, BOOST).write("off")
    assert limits(machine) == [(115_200, 960_000)] * 2


@pytest.mark.parametrize("captured", [{}, {"switches": 1}, {"switches": {"a": 1}}, {"switches": {"a": ["on"]}}])
def test_a_damaged_journal_entry_is_an_error(captured):
    files = xeon().files()
    found = found_in(files)
    with pytest.raises(DeviceError, match="journal entry"):
        knob_of(found, BOOST).restore(captured)
    with pytest.raises(DeviceError, match="journal entry"):
        knob_of(found, GOVERNOR).restore(captured)
    assert not files.writes


def test_boost_is_set_before_the_limits_that_it_bounds():
    for knob_id in ("cpu.core.max_mhz", "cpu.core.min_mhz"):
        assert knob_of(found_on(xeon()), knob_id).spec.after == (BOOST, "cpu.cores.online")
