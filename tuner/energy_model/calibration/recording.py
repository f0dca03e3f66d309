"""Recordings of a meter and a reference in CSV files, in one file or in two.

The header names columns and units: ``time_s``, ``device_j`` or ``device_w``, ``reference_j`` or ``reference_w``. Other
columns are not looked at. A cell may be empty where a meter has no reading at that time.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.energy_model.calibration.series import EnergySeries
from tuner.errors import BadInputError

_LONGEST_BYTES = 256 << 20
_LARGEST_NUMBER = 1e18
"""No time since 1970 and no energy is as large; squares of it can still be added up."""

_COLUMN = re.compile(r"(time|device|reference)_(\w+)")
_UNITS = {
    "time": {"s": 1.0, "ms": 1e-3},
    "energy": {"j": 1.0, "mj": 1e-3, "kj": 1e3, "wh": 3600.0, "kwh": 3.6e6},
    "power": {"w": 1.0, "mw": 1e-3, "kw": 1e3},
}
_WANTED = "time_s, device_j or device_w, reference_j or reference_w"


@dataclass(frozen=True)
class _Column:
    """One column of numbers: what it is of, where it stands, and what its numbers are multiplied by."""

    title: str
    whose: str
    position: int
    quantity: str
    factor: float


def read_recording(paths: Sequence[Path]) -> tuple[EnergySeries, EnergySeries]:
    """Returns the joules of the device and those of the reference.

    Args:
        paths: The file that holds both, or two files that hold one each, both with a clock of their own.

    Raises:
        BadInputError: A file cannot be read, is no such table, or a meter is missing or there twice.
    """
    found: dict[str, EnergySeries] = {}
    for path in paths:
        for whose, series in _read_file(path):
            if whose in found:
                raise BadInputError(f"{path} holds {whose} readings a second time: name each meter's recording once.")
            found[whose] = series
    missing = [whose for whose in ("device", "reference") if whose not in found]
    if missing:
        names = " and ".join(map(str, paths))
        raise BadInputError(f"There is no column of the {missing[0]} in {names}: the header must name {_WANTED}.")
    return found["device"], found["reference"]


def _read_file(path: Path) -> Iterator[tuple[str, EnergySeries]]:
    try:
        if path.stat().st_size > _LONGEST_BYTES:
            raise BadInputError(f"{path} is longer than {_LONGEST_BYTES >> 20} MiB: cut it.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _read_table(path, csv.reader(file))
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} is no CSV file in UTF-8: {error}.") from error


def _read_table(path: Path, rows: Iterator[list[str]]) -> Iterator[tuple[str, EnergySeries]]:
    columns = list(_columns(path, next(rows, [])))
    time = next((column for column in columns if column.whose == "time"), None)
    meters = [column for column in columns if column.whose != "time"]
    if time is None or not meters:
        raise BadInputError(f"{path} lacks columns: its header must name {_WANTED}.")
    readings: dict[str, tuple[list[float], list[float]]] = {meter.whose: ([], []) for meter in meters}
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        time_s = _number(path, line, row, time)
        if time_s is None:
            raise BadInputError(f"{path}, line {line}: {time.title} is empty.")
        for meter in meters:
            value = _number(path, line, row, meter)
            if value is not None:
                readings[meter.whose][0].append(time_s)
                readings[meter.whose][1].append(value)
    for meter in meters:
        make = EnergySeries.of_counter if meter.quantity == "energy" else EnergySeries.of_power
        yield meter.whose, make(f"the {meter.whose} ({path.name})", *readings[meter.whose])


def _columns(path: Path, header: Iterable[str]) -> Iterator[_Column]:
    seen: set[str] = set()
    for position, cell in enumerate(header):
        match = _COLUMN.fullmatch(title := cell.strip().lower())
        if match is None:
            continue
        whose, unit = match.groups()
        if whose in seen:
            raise BadInputError(f"{path} has two columns of the {whose}: keep one of them.")
        seen.add(whose)
        quantity, factor = _unit(path, title, whose, unit)
        yield _Column(title, whose, position, quantity, factor)


def _unit(path: Path, title: str, whose: str, unit: str) -> tuple[str, float]:
    quantities = ("time",) if whose == "time" else ("energy", "power")
    for quantity in quantities:
        if unit in _UNITS[quantity]:
            return quantity, _UNITS[quantity][unit]
    known = ", ".join(name for quantity in quantities for name in _UNITS[quantity])
    raise BadInputError(f"{path}: the column '{title}' has no unit that is known ({known}).")


def _number(path: Path, line: int, row: Sequence[str], column: _Column) -> float | None:
    cell = row[column.position].strip() if column.position < len(row) else ""
    if not cell:
        return None
    try:
        value = float(cell) * column.factor
    except ValueError:
        value = math.nan
    if not abs(value) < _LARGEST_NUMBER:
        raise BadInputError(f"{path}, line {line}: {column.title} is {cell[:40]!r}, which is no number.")
    return value
