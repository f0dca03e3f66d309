"""Measured tables: what is read, what is averaged, and what is refused with which sentence."""

import os
from collections import defaultdict
from pathlib import Path

import pytest

from knobs.contract import RefusedError
from simulation.measured_table import Point, TableError, load_tables

SHARED = Path(os.environ.get("WATTUNE_SHARED", Path(__file__).resolve().parents[4] / "shared"))

DATASET = """
title = "A small table"
source = "made up"
group = "inference"
licence = "none"

[knobs]
gpu_mhz = "MHz"
governor = ""
"""
HEADER = "device,workload,gpu_mhz,governor,latency_s,energy_j\n"
ROWS = "one,net,612,fast,0.5,2.0\none,net,1300.5,fast,0.25,3.0\ntwo,net,612,slow,1.5,4.0\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "dataset.toml").write_text(DATASET)
    (folder / "points.csv").write_text(HEADER + ROWS)
    return folder


def test_each_pair_of_device_and_workload_is_a_task(table: Path) -> None:
    one, two = load_tables([table])
    assert [(task.device, task.workload) for task in (one, two)] == [("one", "net"), ("two", "net")]
    assert (one.dataset.name, one.dataset.group, one.dataset.title) == ("small", "inference", "A small table")
    assert one.knobs == {"gpu_mhz": "MHz", "governor": ""}
    assert one.points == (
        Point({"gpu_mhz": 612, "governor": "fast"}, 0.5, 2.0),
        Point({"gpu_mhz": 1300.5, "governor": "fast"}, 0.25, 3.0),
    )
    assert [type(value) for value in one.points[0].values.values()] == [int, str]


def test_repeats_of_a_configuration_are_averaged_within_their_task_only(table: Path) -> None:
    (table / "points.csv").write_text(
        HEADER + "one,net,612,fast,1.0,2.0\ntwo,net,612,fast,9.0,9.0\none,net,612.0,fast,3.0,6.0\n"
    )
    one, two = load_tables([table])
    assert one.points == (Point({"gpu_mhz": 612, "governor": "fast"}, 2.0, 4.0),)
    assert two.points == (Point({"gpu_mhz": 612, "governor": "fast"}, 9.0, 9.0),)


def test_columns_may_stand_in_any_order(table: Path) -> None:
    (table / "points.csv").write_text("energy_j,gpu_mhz,workload,device,governor,latency_s\n3,408,net,one,fast,0.5\n")
    (task,) = load_tables([table])
    assert task.points == (Point({"gpu_mhz": 408, "governor": "fast"}, 0.5, 3.0),)


def test_tables_come_in_the_order_asked_for(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("dataset.toml", "points.csv"):
        (other / name).write_bytes((table / name).read_bytes())
    assert [task.dataset.name for task in load_tables([other, table])] == ["other"] * 2 + ["small"] * 2


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ("", "must have the columns device, workload, gpu_mhz, governor, latency_s, energy_j"),
        (HEADER.replace("gpu_mhz", "cpu_mhz") + ROWS, "must have the columns"),
        (HEADER.replace("governor", "gpu_mhz") + ROWS, "must have the columns"),
        (HEADER, "has no points"),
        (HEADER + ROWS + "one,net,612,fast,0.5\n", "line 5, does not have as many fields"),
        (HEADER + "one,net,612,fast,0.5,2.0,7\n", "line 2, does not have as many fields"),
        (HEADER + "one,net,612,fast,quick,2.0\n", "line 2, has latency_s = 'quick'"),
        (HEADER + "one,net,612,fast,,2.0\n", "line 2, has latency_s = ''"),
        (HEADER + "one,net,612,fast,0.5,-2.0\n", "line 2, has energy_j = '-2.0': it must be a number above zero"),
        (HEADER + "one,net,612,fast,0.5,nan\n", "has energy_j = 'nan'"),
        (HEADER + "one,net,612,fast,inf,1\n", "has latency_s = 'inf'"),
        (HEADER + 'one,"net,612,fast,0.5,2\n', "is not a CSV file"),
    ],
)
def test_a_bad_points_file_gets_one_sentence(points: str, sentence: str, table: Path) -> None:
    (table / "points.csv").write_text(points)
    with pytest.raises(TableError, match=r"points\.csv") as refusal:
        load_tables([table])
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        ("title = ", "is not TOML"),
        ('group = "inference"', "needs a table [knobs]"),
        ('group = "inference"\n[knobs]\n', "needs a table [knobs]"),
        ('group = "inference"\n[knobs]\ngpu_mhz = 1', "needs a table [knobs]"),
        (DATASET.replace("inference", "leisure"), "in the group 'leisure': write inference or stress"),
        (DATASET.replace('"A small table"', "7"), "gives 'title' as 7"),
    ],
)
def test_a_bad_dataset_file_gets_one_sentence(dataset: str, sentence: str, table: Path) -> None:
    (table / "dataset.toml").write_text(dataset)
    with pytest.raises(TableError, match=r"dataset\.toml") as refusal:
        load_tables([table])
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("name", ["points.csv", "dataset.toml"])
def test_a_missing_file_is_named(name: str, table: Path) -> None:
    (table / name).unlink()
    with pytest.raises(TableError, match=name):
        load_tables([table])


@pytest.mark.parametrize("name", ["points.csv", "dataset.toml"])
def test_bytes_that_are_no_text_are_refused(name: str, table: Path) -> None:
    (table / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match=name):
        load_tables([table])


def test_a_table_error_is_a_refusal() -> None:
    assert issubclass(TableError, RefusedError)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with measured tables is not here")
def test_the_shared_tables_have_the_points_that_their_readme_counts() -> None:
    directories = sorted(path.parent for path in (SHARED / "data/replay").glob("*/points.csv"))
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for task in load_tables(directories):
        counts[task.dataset.name][task.device].append(len(task.points))
    assert counts["energyllm-agx-orin"] == {"Jetson AGX Orin": [3871]}
    assert counts["loudva-jetson"] == {"Jetson Xavier NX": [267], "Jetson Nano": [143]}
    assert counts["translucence-jetson"] == {"Jetson TX1": [736]}
    assert counts["flexibo-tx2"] == {"Jetson TX2": [768] * 4}
    zeus = [count for of_device in counts["zeus-nsdi23"].values() for count in of_device]
    assert (len(zeus), min(zeus), max(zeus)) == (11, 24, 105)
