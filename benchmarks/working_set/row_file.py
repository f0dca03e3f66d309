"""Rows and read costs in a file, so that they can be shown and fitted again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.working_set.sweeps import Row
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.energy_model.working_set.probe import ReadCost
from tuner.errors import BadInputError


@dataclass(frozen=True)
class Measured:
    """One measurement of a machine.

    Attributes:
        stated: The levels of memory that served one core, as the machine states them.
        reads: What reading memory cost.
        rows: What networks cost.
    """

    stated: MemoryHierarchy
    reads: tuple[ReadCost, ...]
    rows: tuple[Row, ...]


def write_measured(path: Path, measured: Measured) -> None:
    """Writes a measurement, a line of JSON each for the levels, the reads and the rows."""
    lines = [asdict(measured.stated), *map(asdict, measured.reads), *map(asdict, measured.rows)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def read_measured(path: Path) -> Measured:
    """Reads a measurement.

    Raises:
        BadInputError: The file holds none.
    """
    try:
        first, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        levels = tuple(MemoryLevel(**level) for level in first.pop("levels"))
        stated = MemoryHierarchy(levels=levels, **{**first, "remarks": tuple(first["remarks"])})
        reads = tuple(ReadCost(**line) for line in lines if "line_s" in line)
        return Measured(stated, reads, tuple(Row(**line) for line in lines if "sweep" in line))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInputError(f"{path} holds no measurement of this benchmark: {error}.") from error
