import errno

import pytest

from knobs.contract import DeviceError, NoValueError, RestoreClass, RestoreOutcome
from knobs.found import Wishes
from knobs.sysfs import NotAcceptedError
from tests.emulated.sysfs.machines import radeon
from tests.emulated.sysfs.tree import Attribute, kernel_error
from tests.unit.knobs.amdgpu.machine import Machine

CORE, MEMORY, POWER = "gpu.core.max_mhz", "gpu.memory.max_mhz", "gpu.power.limit_w"
EVERY_KNOB = [
    (radeon.VEGA_56, CORE),
    (radeon.VEGA_56, MEMORY),
    (radeon.VEGA_56, POWER),
    (radeon.RX_7900_XTX, CORE),
    (radeon.PHOENIX, "igpu.performance_level"),
]


def fail(number):
    raise kernel_error(number)


def test_a_ceiling_is_a_list_of_levels_at_the_level_manual():
    machine = Machine(radeon.VEGA_56)
    machine.knob(CORE).write(1138)
    assert machine.written("power_dpm_force_performance_level") == ["manual"]
    assert machine.written("pp_dpm_sclk") == ["0 1 2"]
    assert machine.gpu.core_mhz == 1138
    assert machine.gpu.memory_mhz == 920


def test_what_a_pinned_level_held_down_is_let_go_first():
    machine = Machine(radeon.VEGA_56)
    machine.gpu.level = "low"
    machine.knob(CORE).write(1138)
    assert machine.written("power_dpm_force_performance_level") == ["auto", "manual"]


def test_the_value_in_force_follows_from_the_level():
    machine = Machine(radeon.VEGA_56)
    core, memory = machine.knob(CORE), machine.knob(MEMORY)
    for level, core_mhz, memory_mhz in [
        ("auto", 1590, 920),
        ("low", 852, 167),
        ("profile_min_sclk", 852, 920),
        ("profile_min_mclk", 1590, 167),
    ]:
        machine.gpu.level = level
        assert (core.read(), memory.read()) == (core_mhz, memory_mhz)


@pytest.mark.parametrize("set_first", [CORE, MEMORY])
@pytest.mark.parametrize("restored_first", [CORE, MEMORY])
@pytest.mark.parametrize("facts", [radeon.VEGA_56, radeon.RX_7900_XTX])
@pytest.mark.parametrize("captured_late", [False, True])
def test_two_ceilings_share_the_level_and_both_come_back(facts, set_first, restored_first, captured_late):
    machine = Machine(facts)
    before = machine.gpu.state
    set_second = MEMORY if set_first == CORE else CORE
    knobs = {knob_id: machine.knob(knob_id) for knob_id in (CORE, MEMORY)}
    entries = {set_first: knobs[set_first].capture()}
    if not captured_late:
        entries[set_second] = knobs[set_second].capture()
    knobs[set_first].write(knobs[set_first].spec.values[1])
    if captured_late:
        entries[set_second] = knobs[set_second].capture()
    knobs[set_second].write(knobs[set_second].spec.values[0])
    for knob_id in sorted(entries, key=lambda knob_id: knob_id != restored_first):
        assert machine.knob(knob_id).restore(entries[knob_id]) is RestoreOutcome.RESTORED
    assert machine.gpu.state == before


def test_a_level_that_another_program_left_at_manual_stays_there():
    machine = Machine(radeon.VEGA_56)
    machine.gpu.level = "manual"
    knob = machine.knob(CORE)
    captured = knob.capture()
    knob.write(852)
    knob.restore(captured)
    assert machine.gpu.level == "manual"
    assert machine.gpu.core_mhz == 1590


def test_the_operator_says_which_ceiling_another_program_had_set():
    machine = Machine(radeon.VEGA_56)
    machine.gpu.level = "manual"
    found = machine.find(Wishes(restore_to={CORE: 1138}))
    knob = next(knob for knob in found.knobs if knob.spec.id == CORE)
    captured = knob.capture()
    knob.write(852)
    knob.restore(captured)
    assert machine.gpu.core_mhz == 1138


def test_a_ceiling_without_a_getter_does_not_claim_to_be_exact():
    assert Machine(radeon.VEGA_56).knob(CORE).spec.restore_class is RestoreClass.RESET
    assert Machine(radeon.RX_7900_XTX).knob(CORE).spec.restore_class is RestoreClass.EXACT


def test_overdrive_is_committed():
    machine = Machine(radeon.RX_7900_XTX)
    machine.knob(CORE).write(1500)
    assert machine.written("pp_od_clk_voltage") == ["s 1 1500", "c"]
    assert machine.gpu.committed_mhz == 1500


def test_overdrive_never_goes_above_what_was_found():
    values = Machine(radeon.RX_7900_XTX).knob(CORE).spec.values
    assert (values[0], values[-1]) == (500, 2735)
    assert 1500 in values


def test_an_edit_that_was_not_committed_is_taken_back():
    machine = Machine(radeon.RX_7900_XTX)
    knob = machine.knob(CORE)
    captured, before = knob.capture(), machine.gpu.state
    path = f"{machine.gpu.pci.folder.path}/pp_od_clk_voltage"
    real = machine.tree.attribute(path)

    def refuse_to_commit(text):
        if text == "c":
            fail(errno.EINVAL)
        real.write(text)

    machine.tree.add(path, Attribute(real.show, refuse_to_commit))
    with pytest.raises(NotAcceptedError):
        knob.write(1500)
    machine.tree.add(path, real)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert machine.gpu.state == before


def test_a_performance_level_behind_which_more_lies_is_not_captured():
    machine = Machine(radeon.PHOENIX)
    machine.gpu.level = "manual"
    with pytest.raises(DeviceError, match="cannot be read back"):
        machine.knob("igpu.performance_level").capture()


def test_a_power_limit_is_written_in_microwatts():
    machine = Machine(radeon.RX_7900_XTX)
    knob = machine.knob(POWER)
    assert (knob.spec.values[0], knob.spec.values[-1]) == (261, 290)
    knob.write(275)
    assert machine.gpu.cap_microwatts == 275_000_000


@pytest.mark.parametrize(("facts", "knob_id"), EVERY_KNOB)
def test_in_reset_there_is_no_value_and_no_talk_of_rights(facts, knob_id):
    machine = Machine(facts)
    knob = machine.knob(knob_id)
    captured = knob.capture()
    machine.gpu.in_reset = True
    for action in (knob.read, knob.capture, lambda: knob.write(knob.spec.values[0]), lambda: knob.restore(captured)):
        with pytest.raises(NoValueError, match="in reset or suspended"):
            action()


@pytest.mark.parametrize(("facts", "knob_id"), [pair for pair in EVERY_KNOB if not pair[0].integrated])
def test_a_sleeping_gpu_is_not_woken_by_a_look_but_by_a_restore(facts, knob_id):
    machine = Machine(facts)
    knob = machine.knob(knob_id)
    before, captured = machine.gpu.state, knob.capture()
    knob.write(knob.spec.values[0])
    machine.gpu.pci.asleep = True
    for action in (knob.read, knob.capture, lambda: knob.write(knob.spec.values[0])):
        with pytest.raises(NoValueError, match="asleep"):
            action()
    assert machine.gpu.pci.woken == 0
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert machine.gpu.pci.woken == 1
    assert machine.gpu.state == before


@pytest.mark.parametrize(("facts", "knob_id"), EVERY_KNOB)
def test_a_gpu_that_was_unplugged_is_gone(facts, knob_id):
    machine = Machine(facts)
    knob = machine.knob(knob_id)
    captured = knob.capture()
    machine.gpu.pci.unplug()
    for action in (knob.read, knob.capture, lambda: knob.write(knob.spec.values[0]), lambda: knob.restore(captured)):
        with pytest.raises(DeviceError):
            action()


@pytest.mark.parametrize(("facts", "knob_id"), EVERY_KNOB)
@pytest.mark.parametrize("captured", [{}, {"level": 3}, {"microwatts": "much"}, {"level": "", "highest_mhz": None}])
def test_a_damaged_journal_entry_changes_nothing(facts, knob_id, captured):
    machine = Machine(facts)
    before = machine.gpu.state
    with pytest.raises(DeviceError, match="not written by Wattune"):
        machine.knob(knob_id).restore(captured)
    assert machine.gpu.state == before


@pytest.mark.parametrize("facts", [radeon.VEGA_56, radeon.RX_7900_XTX])
def test_a_limit_that_does_not_come_back_is_reported(facts):
    machine = Machine(facts)
    knob = machine.knob(POWER)
    captured = knob.capture()
    knob.write(knob.spec.values[0])
    path = f"{machine.gpu.pci.folder.path}/hwmon/hwmon3/power1_cap"
    machine.tree.add(path, Attribute(lambda: str(machine.gpu.cap_microwatts), lambda text: None))
    with pytest.raises(DeviceError, match="after"):
        knob.restore(captured)


def test_garbage_in_place_of_a_limit_is_no_limit():
    machine = Machine(radeon.VEGA_56)
    knob = machine.knob(POWER)
    machine.tree.add(
        f"{machine.gpu.pci.folder.path}/hwmon/hwmon3/power1_cap", Attribute(lambda: "lots", lambda _: None)
    )
    with pytest.raises(DeviceError, match="instead of a number"):
        knob.read()
