"""Which board this is, in which power mode: from files that NVIDIA's releases write differently."""

import pytest

from knobs.drivers.jetson.board import identify_board
from knobs.drivers.jetson.power_mode import PowerMode, fan_profile, parse_modes, present_power_mode
from tests.emulated.sysfs.tree import Folder
from tests.unit.knobs.jetson.silicon import Jetson

ORIN_TABLE = """\
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online

< PARAM TYPE=CLOCK NAME=GPU >
MAX_FREQ /sys/devices/platform/17000000.gpu/devfreq_dev/max_freq

< PARAM TYPE=CLOCK NAME=EMC >
MAX_FREQ /sys/kernel/nvpmodel_clk_cap/emc

###########################
# POWER_MODEL DEFINITIONS #
###########################

< POWER_MODEL ID=0 NAME=MAXN >
CPU_ONLINE CORE_0 1
TPC_POWER_GATING TPC_PG_MASK 0
GPU MIN_FREQ 0
GPU MAX_FREQ -1
EMC MAX_FREQ 0

< POWER_MODEL ID=2 NAME=MODE_30W >
CPU_ONLINE CORE_0 1
TPC_POWER_GATING TPC_PG_MASK 240
GPU MIN_FREQ 0
GPU MAX_FREQ 612000000
EMC MAX_FREQ 2133000000

# mandatory section to configure the default power mode
< PM_CONFIG DEFAULT=2 >
"""


def test_a_board_is_told_by_its_device_tree_whose_strings_end_with_a_nul():
    board = Jetson().with_text(
        "/etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic"
    )
    told = identify_board(board.files())
    assert (told.model, told.soc, told.release) == ("NVIDIA Jetson Orin Nano Developer Kit", "tegra234", "36.4.3")
    assert told.mode is None


def test_a_board_of_another_maker_is_no_jetson():
    board = Jetson(soc="not-a-chip")
    assert identify_board(board.files()) is None
    board.tree.remove("/proc/device-tree")
    assert identify_board(board.files()) is None


def test_a_container_that_hides_proc_is_told_by_the_firmware_folder():
    board = Jetson()
    board.tree.remove("/proc/device-tree")
    Folder(board.tree, "/sys/firmware/devicetree/base").add("compatible", "nvidia,p2771-0000\0nvidia,tegra186\0")
    assert identify_board(board.files()).soc == "tegra186"


def test_modes_are_read_from_the_table_and_nothing_above_them_is():
    maximum, middle = parse_modes(ORIN_TABLE)
    assert maximum == PowerMode(0, "MAXN", {})
    assert middle == PowerMode(2, "30W", {"GPU": 612_000_000, "EMC": 2_133_000_000})


def test_the_present_mode_is_the_one_in_the_status():
    board = Jetson().with_power_mode(2, ORIN_TABLE)
    assert str(present_power_mode(board.files())) == "30W (2)"
    assert identify_board(board.files()).mode.limits_hz["GPU"] == 612_000_000


@pytest.mark.parametrize("status", ["", "fmode:quiet", "pmode:", "\0\0\0"])
def test_a_damaged_status_tells_no_mode(status):
    assert (
        present_power_mode(
            Jetson().with_power_mode(2, ORIN_TABLE).with_text("/var/lib/nvpmodel/status", status).files()
        )
        is None
    )


def test_a_mode_that_the_table_does_not_know_has_a_number_and_no_limits():
    mode = present_power_mode(Jetson().with_power_mode(7, ORIN_TABLE).files())
    assert (str(mode), dict(mode.limits_hz)) == ("7", {})


@pytest.mark.parametrize(("limit", "highest"), [(850_000_000, 854_250_000), (600_000_000, 522_750_000)])
def test_a_mode_s_limit_is_a_rounded_figure_for_a_clock_of_the_table(limit, highest):
    table = (522_750_000, 726_750_000, 854_250_000, 930_750_000)
    assert PowerMode(1, "MAXQ", {"GPU": limit}).within("GPU", table)[-1] == highest


def test_a_mode_below_all_clocks_limits_nothing():
    assert PowerMode(1, "odd", {"GPU": 1}).within("GPU", (10, 20)) == (10, 20)


@pytest.mark.parametrize(
    ("path", "text", "profile"),
    [
        ("/var/lib/nvfancontrol/status", "FAN1:FAN_PROFILE:cool:FAN_GOVERNOR:cont:FAN_CONTROL:close_loop", "cool"),
        ("/etc/nvfancontrol.conf", "<FAN 1>\n\tFAN_DEFAULT_PROFILE quiet\n</FAN 1>", "quiet"),
        ("/var/lib/nvpmodel/status", "pmode:0000 fmode:quiet", "quiet"),
        ("/somewhere/else", "FAN_PROFILE:cool", ""),
    ],
)
def test_the_fan_s_profile_is_where_the_release_keeps_it(path, text, profile):
    assert fan_profile(Jetson().with_text(path, text).files()) == profile
