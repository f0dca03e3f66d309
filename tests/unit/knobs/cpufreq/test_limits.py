"""The limits of the CPUs' clocks on kernels that mean different things by the same write."""

import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.contract import Delivery, DeviceError, RefusedError, RestoreOutcome
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.thermal import CoolingDevice
from tests.emulated.sysfs.machines.processors import acpi_server, ryzen, xeon
from tests.emulated.sysfs.tree import Attribute
from tests.unit.knobs.cpufreq.machines import (
    CPU,
    ORIN_KHZ,
    POLICY,
    LaggingFiles,
    Time,
    found_in,
    found_on,
    knob_of,
    limits,
    orin,
    orin_with_cooling,
    tx2_with_identified_cores,
)

MAX, MIN = "cpu.core.max_mhz", "cpu.core.min_mhz"
HIGHEST = (ORIN_KHZ[0], ORIN_KHZ[-1])


def test_the_values_are_the_tables_in_mhz_and_one_knob_sets_all_policies():
    machine = orin()
    knob = knob_of(found_on(machine), MAX)
    assert knob.spec.values[:2] == (115.2, 192)
    assert isinstance(knob.spec.values[1], int)
    assert knob.spec.delivery is Delivery.CEILING
    knob.write(960)
    assert limits(machine) == [(115_200, 960_000)] * 2


def test_texts_are_exact_table_values_in_decimal_khz():
    machine = orin()
    files = machine.files()
    knob = knob_of(found_in(files), MAX)
    for value in knob.spec.values:
        knob.write(value)
    assert {text for _, text in files.writes} == {str(khz) for khz in ORIN_KHZ}


def test_up_the_maximum_is_written_first_and_down_the_minimum():
    machine = orin(Generation.K4_9)
    files = machine.files()
    found = found_in(files)
    knob_of(found, MIN).write(960)
    files.writes.clear()
    knob_of(found, MAX).write(499.2)
    names = [path.rpartition("_")[0].rpartition("_")[2] for path, _ in files.writes]
    assert names == ["min", "max"] * 2
    files.writes.clear()
    knob_of(found, MAX).write(1036.8)
    names = [path.rpartition("_")[0].rpartition("_")[2] for path, _ in files.writes]
    assert names == ["max", "min"] * 2
    assert limits(machine) == [(960_000, 1_036_800)] * 2


def test_a_minimum_above_the_maximum_is_refused_before_anything_is_written():
    machine = orin()
    files = machine.files()
    found = found_in(files)
    knob_of(found, MAX).write(499.2)
    files.writes.clear()
    with pytest.raises(RefusedError, match=r"raise cpu\.core\.max_mhz first"):
        knob_of(found, MIN).write(960)
    assert not files.writes


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.EBUSY, errno.EIO])
def test_where_one_policy_refuses_the_others_get_their_limits_back(number):
    machine = orin()
    knob = knob_of(found_on(machine), MAX)
    knob.write(1344)
    before = limits(machine)
    with (
        machine.failing(f"{POLICY}4/scaling_max_freq", number, reads=False),
        pytest.raises(DeviceError, match="policy4"),
    ):
        knob.write(960)
    assert limits(machine) == before


def test_a_clamped_write_is_an_error_and_is_taken_back():
    machine = orin()
    knob = knob_of(found_on(machine), MAX)
    machine.cpu_frequency.policies[1].limits.cap("unseen", 960_000)
    with pytest.raises(DeviceError, match=r"policy4/scaling_max_freq was set to 1344000 but reads 960000"):
        knob.write(1344)
    machine.cpu_frequency.policies[1].limits.cap("unseen", None)
    assert limits(machine)[0] == HIGHEST


def test_an_error_under_a_thermal_cap_names_it():
    machine, cooling = orin_with_cooling()
    knob = knob_of(found_on(machine), MAX)
    cooling.set(3)
    with pytest.raises(DeviceError, match="thermal cap cpufreq-cpu0 is at state 3"):
        knob.write(1497.6)


def test_garbage_instead_of_a_limit_is_an_error():
    machine = orin()
    knob = knob_of(found_on(machine), MAX)
    machine.tree.add(f"{POLICY}0/scaling_max_freq", Attribute(show=lambda: "<unknown>\n", store=lambda _: None))
    with pytest.raises(DeviceError, match="instead of a number"):
        knob.read()
    with pytest.raises(DeviceError, match="instead of a number"):
        knob.capture()


def test_limits_that_come_into_force_a_moment_later_are_waited_for():
    machine, time = orin(), Time()
    files = LaggingFiles(machine.tree, time)
    found = found_in(files, time)
    knob = knob_of(found, MAX)
    captured = knob.capture()
    knob.write(960)
    assert knob.read() == 960
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert limits(machine) == [HIGHEST] * 2
    assert time.now_s < 1


def test_what_comes_into_force_late_is_taken_back_too():
    machine, time = orin(), Time()
    found = found_in(LaggingFiles(machine.tree, time), time)
    knob_of(found, MIN).write(960)
    before = limits(machine)
    refused = machine.failing(f"{POLICY}0/scaling_max_freq", errno.EINVAL, reads=False)
    with refused, pytest.raises(DeviceError, match="does not accept"):
        knob_of(found, MAX).write(499.2)
    assert [lowest for lowest, _ in limits(machine)] == [lowest for lowest, _ in before]


def test_a_policy_that_another_program_moves_shows():
    machine = orin()
    knob = knob_of(found_on(machine), MAX)
    knob.write(960)
    machine.tree.attribute(f"{POLICY}4/scaling_max_freq").write("499200")
    assert knob.read() == 499.2


def test_capture_waits_until_a_thermal_cap_is_gone():
    time = Time()
    machine, cooling = orin_with_cooling("thermal-cpufreq-0")
    knob = knob_of(found_on(machine, time), MAX)
    cooling.set(2)
    time.events.append((3.0, lambda: cooling.set(0)))
    assert knob.capture() == {"policies": {"policy0": list(HIGHEST), "policy4": list(HIGHEST)}}
    assert 3.0 <= time.now_s < 4.0


def test_capture_gives_up_where_the_cap_stays():
    time = Time()
    machine, cooling = orin_with_cooling("Processor")
    knob = knob_of(found_on(machine, time), MAX)
    cooling.set(1)
    with pytest.raises(DeviceError, match="thermal cap Processor is at state 1; try again when"):
        knob.capture()
    assert 5 < time.now_s < 30


def test_a_cap_that_hides_nothing_does_not_delay_the_capture():
    machine, time = orin(), Time()
    CoolingDevice(machine.tree, "idle-cpu0", 100).set(30)
    knob_of(found_on(machine, time), MAX).capture()
    assert time.now_s == 0


def test_a_fan_is_no_cap():
    machine, time = orin(), Time()
    CoolingDevice(machine.tree, "pwm-fan", 3).set(3)
    knob = knob_of(found_on(machine, time), MAX)
    knob.write(960)
    assert knob.capture()["policies"]["policy0"] == [115_200, 960_000]
    assert time.now_s == 0


@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize("knob_id", [MAX, MIN])
def test_what_a_cap_hides_is_pending_and_comes_back_once_it_is_gone(generation, knob_id):
    machine, cooling = orin_with_cooling(generation=generation)
    found = found_on(machine)
    knob_of(found, MIN).write(1344)
    before = limits(machine)
    knob = knob_of(found, knob_id)
    captured = knob.capture()
    knob.write(knob.spec.values[3])
    cooling.set(8)
    assert knob.restore(captured) is RestoreOutcome.PENDING
    cooling.set(0)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert limits(machine) == before


def test_a_captured_policy_whose_cpus_are_offline_is_pending_and_the_others_are_restored():
    machine = orin()
    knob = knob_of(found_on(machine), MAX)
    captured = knob.capture()
    knob.write(960)
    for cpu in (4, 5):
        machine.cpus.set_online(cpu, False)
    assert knob.read() == 960
    knob.write(499.2)
    assert knob.restore(captured) is RestoreOutcome.PENDING
    assert limits(machine)[0] == HIGHEST
    for cpu in (4, 5):
        machine.cpus.set_online(cpu, True)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert limits(machine) == [HIGHEST] * 2


def test_one_policy_that_fails_does_not_keep_the_others_from_being_restored():
    machine = orin()
    knob = knob_of(found_on(machine), MAX)
    captured = knob.capture()
    knob.write(960)
    with machine.failing(f"{POLICY}0/scaling_max_freq", errno.EIO), pytest.raises(DeviceError, match="policy0"):
        knob.restore(captured)
    assert limits(machine)[1] == HIGHEST


@pytest.mark.parametrize("captured", [{}, {"policies": {}}, {"policies": {"policy0": [1]}}, {"policies": [1, 2]}])
def test_a_damaged_journal_entry_is_an_error_and_writes_nothing(captured):
    files = orin().files()
    with pytest.raises(DeviceError, match="journal entry"):
        knob_of(found_in(files), MAX).restore(captured)
    assert not files.writes


@pytest.mark.parametrize("make", [xeon, ryzen])
def test_a_maximum_above_the_base_frequency_holds_once_boost_is_on(make):
    machine = make()
    found = found_on(machine)
    knob, boost = knob_of(found, MAX), knob_of(found, "cpu.boost")
    wanted = knob.spec.values[-2]
    boost.write("off")
    knob.write(wanted)
    assert knob.read() == wanted
    assert limits(machine)[0][1] < wanted * 1000
    boost.write("on")
    assert knob.read() == wanted
    assert limits(machine)[0][1] == wanted * 1000


def test_drivers_without_a_list_take_a_grid_with_both_ends():
    values = knob_of(found_on(ryzen()), MAX).spec.values
    assert (values[0], values[-1]) == (400, 5573)
    assert len(values) <= 27
    assert all(value % 100 == 0 for value in values[1:-1])


def test_a_favoured_core_takes_a_maximum_that_the_others_do_not_reach():
    machine = ryzen()
    machine.tree.add(f"{POLICY}0/cpuinfo_max_freq", Attribute(show=lambda: "5700000\n"))
    machine.cpu_frequency.policies[0].clocks.highest_khz = 5_700_000
    found = found_on(machine)
    assert MAX in [knob.spec.id for knob in found.knobs]
    knob = knob_of(found, MAX)
    captured = knob.capture()
    for value in (*knob.spec.values, *reversed(knob.spec.values)):
        knob.write(value)
        assert knob.read() == value
    assert knob.restore(captured) is RestoreOutcome.RESTORED


def test_boost_frequencies_are_listed_where_boost_can_be_had():
    machine = orin()
    for name in (0, 4):
        machine.tree.add(f"{POLICY}{name}/scaling_boost_frequencies", Attribute(show=lambda: "1600000 \n"))
    assert knob_of(found_on(machine), MAX).spec.values[-1] == 1600
    machine.tree.add(f"{CPU}/cpufreq/boost", Attribute(show=lambda: "0\n"))
    assert knob_of(found_on(machine), MAX).spec.values[-1] == 1510.4


def test_the_firmwares_limit_is_not_captured_as_the_users():
    machine, time = acpi_server(), Time()
    knob = knob_of(found_on(machine, time), MAX)
    for policy in range(4):
        machine.tree.add(f"{POLICY}{policy}/bios_limit", Attribute(show=lambda: "1600000\n"))
    machine.cpu_frequency.cap("firmware", 1_600_000)
    with pytest.raises(DeviceError, match="the firmware holds policy0 at 1600 MHz"):
        knob.capture()


@settings(max_examples=50, deadline=None)
@given(
    generation=st.sampled_from(Generation),
    floor=st.sampled_from(ORIN_KHZ),
    moves=st.lists(st.tuples(st.sampled_from([MAX, MIN]), st.sampled_from(ORIN_KHZ)), max_size=12),
)
def test_any_sequence_keeps_the_order_of_the_limits_and_is_restored(generation, floor, moves):
    machine = orin(generation)
    for policy in machine.cpu_frequency.policies:
        policy.limits.store_lowest(str(floor))
    before = limits(machine)
    found = found_on(machine)
    captured = knob_of(found, MAX).capture()
    for knob_id, khz in moves:
        try:
            knob_of(found, knob_id).write(khz / 1000)
        except RefusedError:
            assert knob_id == MIN
        assert all(lowest <= highest for lowest, highest in limits(machine))
    assert knob_of(found_on(machine), MAX).restore(captured) is RestoreOutcome.RESTORED
    assert limits(machine) == before


@settings(max_examples=50, deadline=None)
@given(
    generation=st.sampled_from(Generation),
    floor=st.sampled_from(ORIN_KHZ),
    maxima=st.lists(st.sampled_from(ORIN_KHZ), min_size=1, max_size=8),
)
def test_what_a_maximum_leads_to_does_not_depend_on_those_before(generation, floor, maxima):
    machine = orin(generation)
    for policy in machine.cpu_frequency.policies:
        policy.limits.store_lowest(str(floor))
    knob = knob_of(found_on(machine), MAX)
    for khz in maxima:
        knob.write(khz / 1000)
    assert limits(machine) == [(min(floor, maxima[-1]), maxima[-1])] * 2


def test_the_two_kinds_of_cores_of_a_tx2_are_set_apart():
    machine = tx2_with_identified_cores()
    found = found_on(machine)
    ids = [knob.spec.id for knob in found.knobs]
    assert ids[:4] == [f"cpu.cluster{n}.{bound}_mhz" for n in (0, 1) for bound in ("max", "min")]
    assert "CPUs 0, 3, 4, 5" in knob_of(found, "cpu.cluster0.max_mhz").spec.note
    knob_of(found, "cpu.cluster1.max_mhz").write(652.8)
    assert [highest for _, highest in limits(machine)] == [2_035_200, 652_800]
