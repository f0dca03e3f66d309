"""``python -m benchmarks.working_set``: measures, compares, and prints the tables of ``docs/working_set.md``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.working_set.comparison import Comparison, KneeRow, compare
from benchmarks.working_set.row_file import Measured, read_measured, write_measured
from benchmarks.working_set.sweeps import measured, planned
from knobs.sysfs import KernelFiles
from tuner.energy_model.working_set.cost_model import Accuracy
from tuner.energy_model.working_set.cpu_levels import cpu_hierarchy
from tuner.energy_model.working_set.knees import Knee
from tuner.energy_model.working_set.levels import size_text
from tuner.energy_model.working_set.probe import read_costs
from tuner.errors import WattuneError

_TURNS = 9


def main() -> int:
    """Measures or reads, and prints; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.working_set", description="Looks for the caches' knees."
    )
    parser.add_argument(
        "--turns", type=int, default=_TURNS, help="how often everything is measured (default %(default)s)"
    )
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help="show rows that were kept")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="keep the rows there")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them as .png")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, and nothing else there")
    arguments = parser.parse_args()
    try:
        _run(arguments)
    except WattuneError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def _run(arguments: argparse.Namespace) -> None:
    found = read_measured(arguments.source) if arguments.source else _measured(max(1, arguments.turns))
    if arguments.rows is not None:
        write_measured(arguments.rows, found)
    comparison = compare(found)
    if arguments.picture is not None:
        from benchmarks.working_set.picture import write_picture

        write_picture(arguments.picture, found, comparison)
    if arguments.json:
        print(json.dumps(asdict(comparison)))
    else:
        print("\n".join(_lines(found, comparison)))


def _measured(turns: int) -> Measured:
    """Measures on one core, reads and networks in turns."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    stated = cpu_hierarchy(KernelFiles()).used_by(1)
    return Measured(stated, read_costs(stated, turns, time.perf_counter), measured(planned(), turns))


def _lines(found: Measured, comparison: Comparison) -> Iterator[str]:
    yield f"{found.stated.device}, one core, {len(found.rows)} batches of fully-connected networks\n"
    yield "| sweep | level | stated | plain reads | time per datum | ratio to reads |\n|---|---|--:|--:|--:|--:|"
    yield from map(_knee_line, comparison.knees)
    yield "\nAll knees, with how much the cost of a byte rises at each, and the evidence (difference of the BIC)\n"
    for sweep, knees in comparison.found.items():
        texts = [f"{_knee_text(knee)} +{knee.rise:.0%}, {knee.evidence:.0f}" for knee in knees.knees]
        yield f"- {sweep}: {'; '.join(texts) or 'none'} (fitted within {knees.error:.1%})"
    yield "\n| time of a network that the fit has not seen, from | mean error | median | bias |\n|---|--:|--:|--:|"
    for name, accuracy in comparison.errors.items():
        yield _accuracy_line(name, accuracy)
    yield _accuracy_line("the first, with caches as stated", comparison.errors_as_stated)
    yield "\n| price | value | 95 % interval |\n|---|--:|--:|"
    for each in comparison.prices.coefficients:
        yield f"| {each.name} | {each.value * 1e9:.3g} ns | {each.low * 1e9:.3g} to {each.high * 1e9:.3g} |"


def _knee_line(row: KneeRow) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    cells = (row.sweep, row.level, size_text(row.stated_bytes), _knee_text(row.read), _knee_text(row.network), ratio)
    return f"| {' | '.join(cells)} |"


def _knee_text(knee: Knee | None) -> str:
    if knee is None:
        return "none"
    return f"{size_text(knee.n_bytes)} ({size_text(knee.low_bytes)} to {size_text(knee.high_bytes)})"


def _accuracy_line(name: str, accuracy: Accuracy) -> str:
    return f"| {name} | {accuracy.mean_error:.1%} | {accuracy.median_error:.1%} | {accuracy.bias:+.1%} |"


if __name__ == "__main__":
    sys.exit(main())
