"""Durations come from a monotonic clock: the wall clock is read in one place, for the record only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.checkout import ROOMS, ROOT, sources

WALL_CLOCK = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}

MAY_READ_THE_WALL_CLOCK = {"tuner/clock.py": "gives logic its clock; utc_now() is for the record"}


def wall_clock_reads(path: Path) -> Iterator[int]:
    """Yields the lines that name a function of the wall clock, called at once or passed on."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                if (owner, name) in WALL_CLOCK:
                    yield node.lineno
            case ast.ImportFrom(module="time", names=names):
                if any(alias.name in {"time", "time_ns"} for alias in names):
                    yield node.lineno


def test_only_the_clock_reads_the_wall_clock() -> None:
    reads = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources(*ROOMS)
        if str(path.relative_to(ROOT)) not in MAY_READ_THE_WALL_CLOCK
        for line in wall_clock_reads(path)
    }
    assert not reads, "take a clock as an argument, or use time.monotonic()"


def test_reading_the_wall_clock_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "logic.py"
    source.write_text("import time\nstart = time.time()\nclock = datetime.datetime.now\nfrom time import time\n")
    assert sorted(wall_clock_reads(source)) == [2, 3, 4]
