"""``python -m benchmarks.serving``: measures everything, and prints each section when it is done."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from benchmarks.hardware.figures import Section
from benchmarks.serving.pace import pace_section
from benchmarks.serving.punctuality import punctuality_section
from benchmarks.serving.two_timers import two_timers_section


def main() -> int:
    """Prints the figures; one above its limit is marked and changes nothing about the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description="Measures the load generators.")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, and nothing else there")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each load flows")
    parser.add_argument("--queries", type=int, default=1000, help="how many queries two timers see")
    arguments = parser.parse_args()
    if arguments.seconds < 1.0 or arguments.queries < 100:
        parser.error("--seconds must be at least 1, and --queries at least 100")
    sections = []
    for section in _sections(arguments.seconds, arguments.queries):
        sections.append(section)
        print(f"{section}\n", file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.json:
        print(json.dumps([section.as_json() for section in sections], indent=1))
    return 0


def _sections(seconds: float, queries: int) -> Iterator[Section]:
    yield pace_section(seconds)
    yield punctuality_section(seconds)
    yield two_timers_section(queries)


if __name__ == "__main__":
    sys.exit(main())
