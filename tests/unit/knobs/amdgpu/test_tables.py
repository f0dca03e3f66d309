import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.drivers.amdgpu.tables import Levels, Overdrive, parse_levels, parse_overdrive

VEGA = "0: 852Mhz *\n1: 991Mhz \n2: 1138Mhz \n3: 1269Mhz \n"
SNAPSHOTS = os.environ.get("WATTUNE_AMD_SNAPSHOTS", "")
"""A folder with copies of the sysfs folders of real GPUs, one a model."""


def test_levels_are_read_whichever_one_is_in_force():
    assert parse_levels(VEGA) == Levels((852, 991, 1138, 1269))
    assert parse_levels(VEGA.replace(" *", "").replace("1138Mhz ", "1138Mhz *")) == Levels((852, 991, 1138, 1269))


def test_deep_sleep_is_no_level():
    assert parse_levels("S: 19Mhz *\n" + VEGA.replace(" *", "")) == Levels((852, 991, 1138, 1269))


def test_the_present_clock_between_two_ends_is_no_level():
    assert parse_levels("0: 500Mhz\n1: 31Mhz *\n2: 2219Mhz\n") is None
    assert parse_levels("0: 500Mhz\n1: 1200Mhz *\n2: 2219Mhz\n") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "0: 1Mhz\n2: 2Mhz\n3: 3Mhz\n4: 4Mhz\n",
        "0: 4Mhz\n1: 3Mhz\n2: 5Mhz\n3: 6Mhz\n",
        "0: 8.0GT/s, x16 *\n" * 4,
    ],
)
def test_what_is_no_ascending_numbered_list_is_no_list_of_levels(text):
    assert parse_levels(text) is None


def test_a_mask_names_all_levels_up_to_a_clock():
    levels = Levels((852, 991, 1138, 1269))
    assert levels.mask_up_to(852) == "0"
    assert levels.mask_up_to(1138) == "0 1 2"
    assert levels.mask_up_to(1269) == "0 1 2 3"


@given(mhz=st.lists(st.integers(1, 10_000), min_size=4, max_size=32, unique=True), present=st.integers(0, 31))
def test_every_list_that_a_kernel_prints_is_read(mhz, present):
    clocks = sorted(mhz)
    text = "".join(f"{row}: {clock}Mhz {'*' if row == present else ''}\n" for row, clock in enumerate(clocks))
    assert parse_levels(text) == Levels(tuple(clocks))


@given(
    low=st.integers(0, 3000),
    span=st.integers(0, 3000),
    title=st.sampled_from(["OD_SCLK", "GFXCLK"]),
    unit=st.sampled_from(["Mhz", "MHz"]),
)
def test_every_overdrive_table_of_two_rows_is_read(low, span, title, unit):
    text = (
        f"{title}:\n0: {low}{unit}\n1: {low + span}{unit}\nOD_MCLK:\n0: 97Mhz\n1: 1250MHz\n"
        f"OD_RANGE:\nSCLK:     {low}{unit}       {low + 2 * span}{unit}\nMCLK:      97Mhz       1500Mhz\n"
    )
    assert parse_overdrive(text) == Overdrive(low, low + span, (low, low + 2 * span))


def test_a_table_that_pairs_clocks_with_voltages_is_left_alone():
    text = "OD_SCLK:\n0:        852Mhz        800mV\n1:        991Mhz        900mV\nOD_RANGE:\nSCLK: 852MHz 2400MHz\n"
    assert parse_overdrive(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "OD_SCLK:\n0: 500Mhz\n1: 2735Mhz\n",
        "OD_RANGE:\nSCLK:     500Mhz       5000Mhz\n",
        "OD_SCLK:\n0: 500Mhz\nOD_RANGE:\nSCLK:     500Mhz       5000Mhz\n",
        "OD_SCLK:\n0: 900Mhz\n1: 800Mhz\nOD_RANGE:\nSCLK:     500Mhz       5000Mhz\n",
        "OD_SCLK:\n0: 500Mhz\n1: 800Mhz\nOD_RANGE:\nSCLK:     5000Mhz       500Mhz\n",
    ],
)
def test_a_table_with_a_part_missing_or_upside_down_is_not_used(text):
    assert parse_overdrive(text) is None


KERNEL_LIKE = st.text(alphabet="0123456789:SMhz *\n_ODCLKRANGEmV\0S", max_size=200)


@given(st.one_of(st.text(max_size=200), KERNEL_LIKE))
def test_garbage_is_nothing_and_breaks_nothing(text):
    levels, table = parse_levels(text), parse_overdrive(text)
    assert levels is None or list(levels.mhz) == sorted(set(levels.mhz))
    assert table is None or table.lowest_mhz <= table.highest_mhz


@pytest.mark.skipif(not SNAPSHOTS, reason="WATTUNE_AMD_SNAPSHOTS names no folder with snapshots of real GPUs")
def test_real_files_are_read():
    vega, navi = (Path(SNAPSHOTS) / model / "card0/device" for model in ("vega56", "rx7900xtx"))
    core = parse_levels((vega / "pp_dpm_sclk").read_text())
    assert core == Levels((852, 991, 1138, 1269, 1312, 1474, 1538, 1590))
    assert parse_levels((vega / "pp_dpm_mclk").read_text()) == Levels((167, 500, 700, 920))
    assert parse_overdrive((vega / "pp_od_clk_voltage").read_text()) is None
    assert parse_levels((navi / "pp_dpm_sclk").read_text()) is None
    assert parse_levels((navi / "pp_dpm_mclk").read_text()) == Levels((96, 456, 772, 1249))
    overdrive = parse_overdrive((navi / "pp_od_clk_voltage").read_text().replace("\0", ""))
    assert overdrive == Overdrive(500, 2735, (500, 5000))
