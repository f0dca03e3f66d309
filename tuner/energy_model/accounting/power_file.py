"""Power or joules of devices over time, from a CSV file.

The header names columns, devices and units: ``time_s``, then ``cpu_w`` or ``cpu_j``, ``gpu0_w`` … A column of a wider
scope (``board``, ``soc``, ``wall``) counts the joules of all devices of the trace. Other columns are not looked at, and
a cell may be empty where a meter has no reading at that time.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from knobs.contract import Provenance, Scope
from tuner.energy_model.accounting.power import PowerSeries, of_counter, of_power
from tuner.errors import BadInputError

_COLUMN = re.compile(r"(time|cpu|gpu:?\d*|soc|board|wall)_(\w+)")
_TIMES_NS = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0}
_ENERGIES_J = {"j": 1.0, "mj": 1e-3, "uj": 1e-6, "kj": 1e3, "wh": 3600.0}
_POWERS_W = {"w": 1.0, "mw": 1e-3, "kw": 1e3}
_LARGEST_TIME_NS = 1 << 62
_WANTED = "time_s and cpu_w, gpu0_w or board_w (or joules: cpu_j)"


@dataclass
class _Column:
    """A meter's column: what it is of, where it stands, its unit, and what was read from it."""

    title: str
    whose: str
    position: int
    is_energy: bool
    factor: float
    times_ns: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


def read_power(path: Path, devices: Sequence[str]) -> list[PowerSeries]:
    """Returns what each meter showed, on the clock of the file.

    Args:
        path: The file.
        devices: The devices of the trace: ``cpu``, ``gpu:0`` …

    Raises:
        BadInputError: The file cannot be read, is no such table, or a device has no meter or two of them.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            columns = _read(path, csv.reader(file))
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} is no CSV file in UTF-8: {error}.") from error
    meters = [series for column in columns if (series := _series(path, column, devices)) is not None]
    _require_one_each(path, meters, devices)
    return meters


def _read(path: Path, rows: Iterator[list[str]]) -> list[_Column]:
    time, meters = _columns(path, next(rows, []))
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        time_ns = _number(path, line, row, time)
        if time_ns is None or abs(time_ns) > _LARGEST_TIME_NS:
            raise BadInputError(f"{path}, line {line}: {time.title} holds no time; was the file cut short?")
        for meter in meters:
            if (value := _number(path, line, row, meter)) is not None:
                meter.times_ns.append(round(time_ns))
                meter.values.append(value)
    return meters


def _columns(path: Path, header: Sequence[str]) -> tuple[_Column, list[_Column]]:
    found: dict[str, _Column] = {}
    for position, title in enumerate(cell.strip().lower() for cell in header):
        match = _COLUMN.fullmatch(title)
        if match is None:
            continue
        whose, unit = match.groups()
        if whose in found:
            raise BadInputError(f"{path} has two columns of {whose}: keep one of them.")
        units = _TIMES_NS if whose == "time" else _ENERGIES_J | _POWERS_W
        if unit not in units:
            raise BadInputError(f"{path}: the column '{title}' has no unit that is known ({', '.join(units)}).")
        found[whose] = _Column(title, whose, position, unit in _ENERGIES_J, units[unit])
    time = found.pop("time", None)
    if time is None or not found:
        raise BadInputError(f"{path} lacks columns: its header must name {_WANTED}.")
    return time, list(found.values())


def _number(path: Path, line: int, row: Sequence[str], column: _Column) -> float | None:
    cell = row[column.position].strip() if column.position < len(row) else ""
    if not cell:
        return None
    try:
        value = float(cell) * column.factor
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInputError(f"{path}, line {line}: {column.title} is {cell[:40]!r}, which is no number.")
    return value


def _series(path: Path, column: _Column, devices: Sequence[str]) -> PowerSeries | None:
    covered, scope = _covered(column.whose, devices)
    if not covered:
        return None
    make = of_counter if column.is_energy else of_power
    name = f"{column.title} ({path.name})"
    return make(name, covered, column.times_ns, column.values, Provenance.MEASURED, scope)


def _covered(whose: str, devices: Sequence[str]) -> tuple[tuple[str, ...], Scope]:
    """Returns the devices whose joules a column counts, and its scope."""
    if whose == "cpu":
        return tuple(device for device in devices if device == "cpu"), Scope.CPU
    if whose.startswith("gpu"):
        number = whose.removeprefix("gpu").removeprefix(":")
        wanted = f"gpu:{number}" if number else "gpu:"
        matching = (device for device in devices if (device == wanted if number else device.startswith(wanted)))
        return tuple(matching), Scope.GPU
    return tuple(devices), Scope(whose)


def _require_one_each(path: Path, meters: Sequence[PowerSeries], devices: Sequence[str]) -> None:
    counts = {device: sum(device in meter.devices for meter in meters) for device in devices}
    if not any(counts.values()):
        raise BadInputError(f"{path} has no column of a device of the trace ({', '.join(devices)}).")
    twice = [device for device, count in counts.items() if count > 1]
    if twice:
        raise BadInputError(
            f"{path} has several columns that count the joules of {twice[0]}: keep one, or they would count twice."
        )
