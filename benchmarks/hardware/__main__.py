"""``python -m benchmarks.hardware``: measures everything, and prints each section when it is done."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from benchmarks.hardware.accuracy import accuracy_section
from benchmarks.hardware.figures import Section
from benchmarks.hardware.footprint import footprint_section
from benchmarks.hardware.machines import THIS_MACHINE, UnavailableError, emulated_a100, emulated_orin
from benchmarks.hardware.metering import metering_section
from benchmarks.hardware.probing import probe_section
from benchmarks.hardware.setting import setting_section

_Machine = TypeVar("_Machine")


def main() -> int:
    """Prints the figures; one above its limit is marked and changes nothing about the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hardware", description="Measures the hardware side.")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, and nothing else there")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each meter and each keeper is sampled")
    arguments = parser.parse_args()
    if arguments.seconds < 1.0:
        parser.error("--seconds must be at least 1")
    sections = []
    for section in _sections(arguments.seconds):
        sections.append(section)
        print(f"{section}\n", file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.json:
        print(json.dumps([section.as_json() for section in sections], indent=1))
    return 0


def _sections(seconds: float) -> Iterator[Section]:
    with ExitStack() as machines:
        skipped: list[str] = []
        a100 = _if_available(emulated_a100, machines, skipped)
        orin = _if_available(emulated_orin, machines, skipped)
        known = [machine for machine in (THIS_MACHINE, a100, orin) if machine is not None]
        yield probe_section(known, skipped)
        yield footprint_section(known, skipped, seconds)
        yield setting_section(a100, orin, tuple(skipped))
    yield metering_section(seconds)
    yield accuracy_section()


def _if_available(
    opened: Callable[[], AbstractContextManager[_Machine]], machines: ExitStack, skipped: list[str]
) -> _Machine | None:
    try:
        return machines.enter_context(opened())
    except UnavailableError as error:
        skipped.append(str(error))
        return None


if __name__ == "__main__":
    sys.exit(main())
