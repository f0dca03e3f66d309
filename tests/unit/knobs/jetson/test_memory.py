"""The memory clock: a cap where there is one, a hold where there is none, and firmware that lies about both."""

import errno

import pytest

from knobs.contract import DeviceError, RefusedError, RestoreOutcome
from knobs.drivers.jetson.board import JetsonBoard
from knobs.drivers.jetson.memory import find_memory
from knobs.drivers.jetson.memory_rates import memory_rates
from knobs.drivers.jetson.power_mode import PowerMode
from knobs.found import Wishes
from tests.emulated.sysfs.tree import Attribute, Folder, kernel_error
from tests.unit.knobs.jetson.silicon import BPMP, CLK_CAP, EMC_HZ, ISO_CAP, Jetson

NOTHING = Wishes()
ORIN = JetsonBoard("NVIDIA Jetson AGX Orin Developer Kit", "tegra234", "36.4.3", None)
ALLOWED = Wishes(allowed=frozenset({"memory.max_mhz"}))
OVERRIDE = "/sys/kernel/debug/clk/override.emc"


def found(board, wishes=NOTHING, about=ORIN, *, is_root=True):
    return find_memory(board.files(is_root=is_root), wishes, about)


def only_knob(board, wishes=NOTHING, about=ORIN):
    (knob,) = found(board, wishes, about).knobs
    return knob


@pytest.mark.parametrize("path", [CLK_CAP, ISO_CAP])
def test_a_cap_is_preferred_and_leaves_the_clock_to_its_governor(path):
    board = Jetson().with_bpmp().with_text(path, "3199000000", mode=0o660)
    knob = only_knob(board)
    assert knob.spec.values == (665.6, 2133, 3199)
    knob.write(665.6)
    assert (board.texts[path], board.memory.locked, knob.read()) == ("665600000", 0, 665.6)


def test_no_cap_is_written_as_the_highest_clock_because_zero_means_the_lowest_since_jetpack_6():
    board = Jetson().with_bpmp().with_clk_cap()
    knob = only_knob(board)
    captured = knob.capture()
    for value in knob.spec.values:
        knob.write(value)
        assert knob.read() == value
    assert board.texts[CLK_CAP] == "3199000000"
    knob.write(665.6)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert board.texts[CLK_CAP] == "3199000000"


def test_a_documented_clock_that_this_module_does_not_have_is_rounded_and_found_out_by_reading_back():
    board = Jetson()
    board.memory.rates = EMC_HZ[:-1]
    knob = only_knob(board.with_clk_cap())
    knob.write(3199)
    assert knob.read() == 2133


def test_no_cap_of_an_older_release_reads_as_the_highest_clock_and_is_put_back_as_it_was():
    board = Jetson().with_bpmp().with_text(ISO_CAP, "0")
    knob = only_knob(board)
    captured = knob.capture()
    assert knob.read() == 3199
    knob.write(2133)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert board.texts[ISO_CAP] == "0"


def test_clocks_that_starve_a_display_are_left_out_unless_allowed():
    board = Jetson().with_bpmp().with_text(CLK_CAP, "3199000000")
    assert only_knob(board).spec.note == (
        "Lower clocks are left out: memory clocks below 600 MHz can starve a display or a camera. "
        'For all clocks set [knobs."memory.max_mhz"] allow = true.'
    )
    assert only_knob(board).spec.danger == ""
    with pytest.raises(RefusedError, match=r"cannot be 204: choose one of 665\.6, 2133, 3199"):
        only_knob(board).write(204)
    bold = only_knob(board, ALLOWED)
    assert bold.spec.values == (204, 665.6, 2133, 3199)
    assert bold.spec.danger == "memory clocks below 600 MHz can starve a display or a camera"


def test_the_power_mode_limits_the_memory_too():
    about = JetsonBoard(ORIN.model, ORIN.soc, ORIN.release, PowerMode(1, "15W", {"EMC": 2_133_000_000}))
    board = Jetson().with_bpmp().with_text(CLK_CAP, "2133000000")
    assert only_knob(board, about=about).spec.values == (665.6, 2133)
    assert "The power mode 15W (1) ends at 2133 MHz." in only_knob(board, about=about).spec.note
    assert only_knob(board, ALLOWED, about).spec.values[-1] == 3199


def test_without_a_cap_the_clock_is_held_and_let_go_again():
    board = Jetson().with_bpmp()
    knob = only_knob(board)
    captured = knob.capture()
    assert knob.read() == 3199
    knob.write(665.6)
    assert (board.memory.locked, board.memory.rate, knob.read()) == (1, 665_600_000, 665.6)
    assert "held" in knob.spec.note
    knob.write(3199)
    assert (board.memory.locked, board.memory.rate) == (0, 3_199_000_000)
    knob.write(2133)
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert (board.memory.locked, board.memory.rate) == (0, 204_000_000)


def test_while_jetson_clocks_holds_the_clock_a_cap_has_no_effect_so_the_hold_is_taken_over():
    board = Jetson().with_bpmp().with_text(CLK_CAP, "3199000000")
    board.memory.locked, board.memory.rate = 1, 3_199_000_000
    knob = only_knob(board)
    captured = knob.capture()
    assert knob.read() == 3199
    knob.write(2133)
    assert (board.memory.rate, board.texts[CLK_CAP]) == (2_133_000_000, "3199000000")
    assert knob.restore(captured) is RestoreOutcome.RESTORED
    assert (board.memory.locked, board.memory.rate) == (1, 3_199_000_000)


def test_an_entry_of_the_other_way_is_restored_in_that_way():
    board = Jetson().with_bpmp().with_text(CLK_CAP, "3199000000")
    board.memory.locked, board.memory.rate = 1, 3_199_000_000
    captured = only_knob(board).capture()
    board.memory.locked, board.memory.rate = 0, 204_000_000
    capped = only_knob(board)
    assert capped.restore(captured) is RestoreOutcome.RESTORED
    assert (board.memory.locked, board.memory.rate) == (1, 3_199_000_000)


def test_an_entry_of_a_way_that_is_gone_is_kept_with_the_fix():
    captured = only_knob(Jetson().with_bpmp()).capture()
    knob = only_knob(Jetson().with_text(CLK_CAP, "2133000000"))
    with pytest.raises(DeviceError, match="mount debugfs"):
        knob.restore(captured)


def test_firmware_that_drops_a_request_is_found_out_by_reading_back():
    board = Jetson().with_bpmp()
    knob = only_knob(board)
    captured = knob.capture()
    knob.write(2133)
    board.memory.deaf = True
    knob.write(665.6)
    assert knob.read() == 2133
    with pytest.raises(DeviceError, match="does not go back to being left to the governor"):
        knob.restore(captured)


def test_a_cap_that_is_rounded_away_does_not_count_as_restored():
    board = Jetson().with_text(CLK_CAP, "3199000000")
    knob = only_knob(board)
    captured = knob.capture()
    knob.write(2133)
    Folder(board.tree, CLK_CAP.rpartition("/")[0]).add("emc", "2133000000", lambda text: None)
    with pytest.raises(DeviceError, match="does not go back from 2133000000 to 3199000000"):
        knob.restore(captured)
    with pytest.raises(DeviceError, match="not written by Wattune"):
        knob.restore({"way": "cap"})


def test_tegra210_is_held_through_its_override_clock():
    board = Jetson("NVIDIA Jetson Nano Developer Kit", "tegra210")
    board.with_text(f"{OVERRIDE}/clk_state", "0").with_text(f"{OVERRIDE}/clk_rate", "1600000000")
    board.with_text(f"{OVERRIDE}/clk_update_rate", "1600000000")
    board.with_text("/sys/kernel/debug/clk/emc/clk_possible_rates", "204000 408000 800000 1600000 (kHz)")
    knob = only_knob(board, about=JetsonBoard("NVIDIA Jetson Nano", "tegra210", "32.7.4", None))
    knob.write(800)
    assert (board.texts[f"{OVERRIDE}/clk_state"], board.texts[f"{OVERRIDE}/clk_update_rate"]) == ("1", "800000000")


@pytest.mark.parametrize(
    ("model", "soc", "highest_hz"),
    [
        ("quill", "tegra186", 1_866_000_000),
        ("NVIDIA Jetson Xavier NX Developer Kit", "tegra194", 1_866_000_000),
        ("Jetson-AGX", "tegra194", 2_133_000_000),
        ("NVIDIA Jetson Orin Nano Developer Kit", "tegra234", 2_133_000_000),
        ("NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super", "tegra234", 3_199_000_000),
        ("NVIDIA Jetson AGX Orin Developer Kit", "tegra234", 3_199_000_000),
        ("NVIDIA Jetson Orin NX Developer Kit", "tegra234", 3_199_000_000),
    ],
)
def test_where_debugfs_is_closed_the_documented_clocks_are_offered_and_said_to_be(model, soc, highest_hz):
    about = JetsonBoard(model, soc, "", None)
    assert memory_rates(Jetson().files(), about).hertz[-1] == highest_hz
    knob = only_knob(Jetson().with_text(CLK_CAP, str(highest_hz)), about=about)
    assert f"these are the documented ones of {soc}" in knob.spec.note


def test_clocks_that_nobody_documents_are_not_guessed():
    board = Jetson().with_text(CLK_CAP, "1")
    memory = found(board, about=JetsonBoard("a new board", "tegra264", "", None))
    assert memory.knobs == ()
    assert "none are documented for tegra264" in memory.absent[0].reason


@pytest.mark.parametrize(
    ("lockdown", "fix"),
    [("none [integrity] confidentiality", "boot without kernel lockdown"), ("", "mount it as root")],
)
def test_a_kernel_that_shows_no_way_is_absent_with_the_fix(lockdown, fix):
    board = Jetson()
    if lockdown:
        board.with_text("/sys/kernel/security/lockdown", lockdown)
    (absence,) = found(board).absent
    assert absence.id == "memory.max_mhz"
    assert absence.fix.startswith(fix)


def test_without_root_a_cap_cannot_be_written():
    (absence,) = found(Jetson().with_text(CLK_CAP, "3199000000"), is_root=False).absent
    assert absence.reason == f"{CLK_CAP} may not be written"
    assert absence.fix.startswith("start the keeper as root")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPERM, errno.EIO])
def test_what_the_kernel_answers_reaches_the_caller(number):
    board = Jetson().with_bpmp()
    knob = only_knob(board)

    def fail(*_):
        raise kernel_error(number)

    board.tree.add(f"{BPMP}/clk/emc/mrq_rate_locked", Attribute(lambda: "0\n", fail))
    with pytest.raises(DeviceError):
        knob.write(2133)
