"""Recordings in CSV files: units, empty cells, two clocks, and whatever else a file may hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.energy_model.calibration.meter_recordings import (
    BASE_W,
    FACTOR,
    Faults,
    Machine,
    counter_readings,
    power_readings,
)
from tuner.energy_model.calibration.fit import calibrate
from tuner.energy_model.calibration.recording import read_recording
from tuner.errors import BadInputError

TABLE = """time_s,device_j,reference_w
0,0,100
1,10,110
2,20,120
3,40,130
4,60,140
"""


def write(folder: Path, text: str | bytes, name: str = "recording.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def complaint(*paths: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        read_recording(paths)
    return str(caught.value)


def test_joules_and_watts_are_read(tmp_path: Path) -> None:
    device, reference = read_recording([write(tmp_path, TABLE)])
    assert device.at(4.0) - device.at(1.0) == pytest.approx(50.0)
    assert reference.at(4.0) - reference.at(1.0) == pytest.approx(120.0 + 130.0 + 140.0)


@pytest.mark.parametrize(
    ("header", "scale"),
    [
        ("time_ms,device_mj,reference_mw", (1e3, 1e3, 1e3)),
        ("TIME_S , Device_kJ,reference_kw", (1.0, 1e-3, 1e-3)),
        ("time_s,device_wh,reference_w", (1.0, 1 / 3600, 1.0)),
        ("time_s,device_kwh,reference_w", (1.0, 1 / 3.6e6, 1.0)),
    ],
)
def test_units_stand_in_the_header(header: str, scale: tuple[float, float, float], tmp_path: Path) -> None:
    rows = [[float(cell) for cell in line.split(",")] for line in TABLE.splitlines()[1:]]
    scaled = "".join(",".join(repr(cell * by) for cell, by in zip(row, scale, strict=True)) + "\n" for row in rows)
    found = read_recording([write(tmp_path, f"{header}\n{scaled}", "scaled.csv")])
    plain = read_recording([write(tmp_path, TABLE)])
    for one, other in zip(found, plain, strict=True):
        assert one.times_s == pytest.approx(other.times_s)
        assert one.energy_j == pytest.approx(other.energy_j)


def test_other_columns_empty_cells_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    text = "\ufeffnote,time_s,reference_w,device_j\n" + "".join(
        f"x,{number / 2},{'' if number % 2 else 100 + number},{number * 5}\n\n" for number in range(12)
    )
    device, reference = read_recording([write(tmp_path, text)])
    assert len(device.times_s) == 11, "the first reading of a counter may be late"
    assert reference.times_s == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


def test_two_files_with_a_clock_each_are_joined(tmp_path: Path) -> None:
    """The plug's clock runs 1.3 s ahead, its file has other instants, and both count from 1970."""
    machine = Machine(120.0, seed=3)
    device = counter_readings(machine.device_j, 120.0, Faults(0.1, quantum=0.5), 1)
    reference = power_readings(machine.reference_j, 120.0, Faults(1.0, noise=0.01), 2)
    epoch_s = 1.7e9
    one = "time_s,device_j\n" + "".join(
        f"{time_s + epoch_s:.3f},{value}\n" for time_s, value in zip(*device, strict=True)
    )
    other = "time_ms,reference_w\n" + "".join(
        f"{(time_s + epoch_s + 1.3) * 1e3:.0f},{value:.3f}\n" for time_s, value in zip(*reference, strict=True)
    )
    paths = [write(tmp_path, one, "gpu.csv"), write(tmp_path, other, "plug.csv")]
    for order in (paths, paths[::-1]):
        fit = calibrate(*read_recording(order))
        assert (fit.factor, fit.base_w) == pytest.approx((FACTOR, BASE_W), rel=0.015)
        assert fit.lag_s == pytest.approx(1.3, abs=0.05)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "lacks columns: its header must name time_s, device_j or device_w"),
        ("time_s,reference_w\n0,1\n1,2\n2,3\n", "There is no column of the device"),
        ("device_j,reference_w\n0,1\n", "lacks columns"),
        ("time_s,device_j,device_w,reference_w\n0,1,1,1\n", "has two columns of the device"),
        (
            "time_s,device_hp,reference_w\n0,1,1\n",
            "'device_hp' has no unit that is known (j, mj, kj, wh, kwh, w, mw, kw)",
        ),
        ("time_min,device_w,reference_w\n0,1,1\n", "'time_min' has no unit that is known (s, ms)"),
        (TABLE.replace("120", "many"), "line 4: reference_w is 'many', which is no number"),
        (TABLE.replace("120", "nan"), "line 4: reference_w is 'nan', which is no number"),
        (TABLE.replace("120", "inf"), "line 4: reference_w is 'inf'"),
        (TABLE.replace("120", "1e200"), "line 4: reference_w is '1e200', which is no number"),
        (TABLE.replace("2,20", ",20"), "line 4: time_s is empty"),
        (TABLE.replace("2,20", "1,20"), "The clock of the device (recording.csv) does not go on from 1 s to 1 s"),
        (TABLE.replace("2,20", "2,5"), "The joules of the device (recording.csv) run backwards"),
        (TABLE.replace("120", "-1"), "-1 W, which is no power"),
        ("time_s,device_j,reference_w\n0,1,1\n", "changed 0 times only"),
        (b"\xff\xfe\x00\x01", "is no CSV file in UTF-8"),
        ('time_s,device_j,reference_w\n0,"1\n' + "x" * 200_000, "is no CSV file in UTF-8"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_file_and_line(text: str | bytes, sentence: str, tmp_path: Path) -> None:
    assert sentence in complaint(write(tmp_path, text))


def test_a_file_that_is_not_there_and_one_that_is_a_folder(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in complaint(tmp_path / "none.csv")
    assert "cannot be read: Is a directory" in complaint(tmp_path)


def test_a_meter_that_is_recorded_twice_is_refused(tmp_path: Path) -> None:
    assert "holds device readings a second time" in complaint(write(tmp_path, TABLE), write(tmp_path, TABLE, "two.csv"))


@given(st.integers(0, 10**9))
def test_no_damage_to_a_file_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    damaged = bytearray(TABLE.encode())
    for _ in range(chance.randint(1, 6)):
        damaged[chance.randrange(len(damaged))] = chance.choice(b'0123456789,.-eE"\n\r\x00\xff_jw ')
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(damaged)
    try:
        device, reference = read_recording([path])
    except BadInputError as error:
        assert str(error).count("\n") == 0
    else:
        assert len(device.times_s) >= 3
        assert len(reference.times_s) >= 3
