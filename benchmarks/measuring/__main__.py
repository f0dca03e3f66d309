"""``python -m benchmarks.measuring``: tries the statistics of the measuring procedure on streams of known truth."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from benchmarks.hardware.figures import Section
from benchmarks.measuring.energies import STREAMS, energy_section
from benchmarks.measuring.recorded import record
from benchmarks.measuring.streams import Resampled, synthetic_streams
from benchmarks.measuring.verdict_figures import needed_section, verdict_section
from benchmarks.measuring.warming import warming_section


def main() -> int:
    """Prints the figures; one above its limit is marked and changes nothing about the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring", description="Tries verdicts and intervals.")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, and nothing else there")
    parser.add_argument(
        "--trials", type=int, default=45, help="trials of each stream, percentile and bound (21 a stream)"
    )
    parser.add_argument("--windows", type=int, default=2001, help="windows whose energy interval is tried, a stream")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    arguments = parser.parse_args()
    if min(arguments.trials, arguments.windows) < 1:
        parser.error("--trials and --windows must be at least 1")
    sections = []
    for section in _sections(arguments.trials, arguments.windows, arguments.seed):
        sections.append(section)
        print(f"{section}\n", file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.json:
        print(json.dumps([section.as_json() for section in sections], indent=1))
    return 0


def _sections(trials: int, windows: int, seed: int) -> Iterator[Section]:
    yield needed_section()
    for energy_stream in STREAMS:
        yield energy_section(energy_stream, windows, seed)
    yield warming_section(100, seed)
    for stream in (*synthetic_streams(), Resampled("recorded on this machine's CPU, resampled", record())):
        yield verdict_section(stream, trials, seed)


if __name__ == "__main__":
    sys.exit(main())
