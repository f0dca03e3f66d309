"""Measured tables: configurations with the latency and energy that somebody measured.

A table is a folder with ``points.csv`` (``device,workload,<knob columns>,latency_s,energy_j``) and
``dataset.toml`` (title, group, source, licence, and the unit of every knob column). Each pair of device
and workload is one task.
"""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from knobs.contract import RefusedError, Value

LEADING_COLUMNS = ("device", "workload")
TRAILING_COLUMNS = ("latency_s", "energy_j")
GROUPS = ("inference", "stress")


class TableError(RefusedError):
    """A measured table cannot be used. The message is one sentence that names the file."""


@dataclass(frozen=True)
class Point:
    """One configuration and what was measured with it.

    Attributes:
        values: Value by knob column; whole numbers are int, categories are str.
        latency_s: What the dataset's ``latency`` says, in seconds.
        energy_j: What the dataset's ``energy`` says, in joules.
    """

    values: Mapping[str, Value]
    latency_s: float
    energy_j: float


@dataclass(frozen=True)
class Dataset:
    """Where a table comes from.

    Attributes:
        name: The folder's name.
        group: ``inference`` or ``stress``: the two are reported apart.
        title: What was measured, in one line.
        source: Who published it.
        licence: Under which licence.
        latency: What a latency in the table is.
        energy: What an energy in the table is.
        note: What the reader should know.
    """

    name: str
    group: str
    title: str
    source: str
    licence: str
    latency: str
    energy: str
    note: str


@dataclass(frozen=True)
class Task:
    """All points of one workload on one device.

    Attributes:
        dataset: Where the points come from.
        device: The device that was measured.
        workload: The workload that it served.
        knobs: Unit by knob column, in the table's order.
        points: The points in the table's order, no configuration twice.
    """

    dataset: Dataset
    device: str
    workload: str
    knobs: Mapping[str, str]
    points: tuple[Point, ...]


def load_tables(directories: Sequence[Path]) -> list[Task]:
    """Reads measured tables.

    Args:
        directories: Folders that hold a ``points.csv`` and a ``dataset.toml`` each.

    Returns:
        The tasks of all tables, in the order of the folders and of the tables' rows.

    Raises:
        TableError: A file is missing or says something that cannot be used.
    """
    return [task for directory in directories for task in _load_table(directory)]


def _load_table(directory: Path) -> list[Task]:
    dataset, knobs = _read_dataset(directory)
    points_path = directory / "points.csv"
    rows = _read_rows(points_path, tuple(knobs))
    if not rows:
        raise TableError(f"The measured table {points_path} has no points.")
    return [
        Task(dataset, device, workload, knobs, _merge_repeats(points))
        for (device, workload), points in _by_task(rows).items()
    ]


def _read_dataset(directory: Path) -> tuple[Dataset, dict[str, str]]:
    path = directory / "dataset.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TableError(f"The measured table {directory} has no readable dataset.toml: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not TOML: {error}.") from error
    knobs = document.get("knobs")
    if not isinstance(knobs, dict) or not knobs or not all(isinstance(unit, str) for unit in knobs.values()):
        raise TableError(f"{path} needs a table [knobs] that gives every knob column its unit.")
    return _dataset_of(document, path), knobs


def _dataset_of(document: Mapping[str, object], path: Path) -> Dataset:
    texts = {
        name: document.get(name, "") for name in ("title", "group", "source", "licence", "latency", "energy", "note")
    }
    for name, text in texts.items():
        if not isinstance(text, str):
            raise TableError(f"{path} gives '{name}' as {text!r}: write a text.")
    if texts["group"] not in GROUPS:
        raise TableError(f"{path} puts the table in the group '{texts['group']}': write {' or '.join(GROUPS)}.")
    return Dataset(name=path.parent.resolve().name, **{name: str(text) for name, text in texts.items()})


def _read_rows(path: Path, knobs: tuple[str, ...]) -> list[tuple[str, str, Point]]:
    expected = [*LEADING_COLUMNS, *knobs, *TRAILING_COLUMNS]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            if sorted(reader.fieldnames or []) != sorted(expected):
                raise TableError(
                    f"{path} must have the columns {', '.join(expected)}, as dataset.toml names its knobs."
                )
            return [_read_row(row, knobs, f"{path}, line {reader.line_num},") for row in reader]
    except OSError as error:
        raise TableError(f"The measured table {path} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise TableError(f"{path} is not a CSV file: {error}.") from error


def _read_row(row: Mapping[str, str | None], knobs: tuple[str, ...], where: str) -> tuple[str, str, Point]:
    if None in row or None in row.values():
        raise TableError(f"{where} does not have as many fields as the table has columns.")
    fields = {name: text or "" for name, text in row.items()}
    values = {name: _value(fields[name]) for name in knobs}
    latency_s, energy_j = (_positive(fields[name], name, where) for name in TRAILING_COLUMNS)
    return fields["device"], fields["workload"], Point(values, latency_s, energy_j)


def _value(text: str) -> Value:
    """Returns a number where the text is one (int where whole), else the name of a category."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    return int(number) if number.is_integer() else number


def _positive(text: str, column: str, where: str) -> float:
    value = _value(text)
    if isinstance(value, str) or value <= 0:
        raise TableError(f"{where} has {column} = '{text}': it must be a number above zero.")
    return float(value)


def _by_task(rows: Sequence[tuple[str, str, Point]]) -> dict[tuple[str, str], list[Point]]:
    tasks: dict[tuple[str, str], list[Point]] = {}
    for device, workload, point in rows:
        tasks.setdefault((device, workload), []).append(point)
    return tasks


def _merge_repeats(points: Sequence[Point]) -> tuple[Point, ...]:
    """Returns one point a configuration: the mean of its repeats."""
    repeats: dict[tuple[Value, ...], list[Point]] = {}
    for point in points:
        repeats.setdefault(tuple(point.values.values()), []).append(point)
    return tuple(
        Point(
            values=same[0].values,
            latency_s=math.fsum(point.latency_s for point in same) / len(same),
            energy_j=math.fsum(point.energy_j for point in same) / len(same),
        )
        for same in repeats.values()
    )
