"""``python -m benchmarks.search.growth``: what a proposal costs as trials and spaces grow, beside stock BoTorch."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.search.cell import METHODS, OURS, STOCK, Cell
from benchmarks.search.roofline_device import SIZES

TRIALS = (10, 30, 100, 200)

_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
_HEADER = f"{'points':>9} {'trials':>6}   {'time of a proposal':^30}   {'memory at most':^30}"


def main() -> int:
    """Prints a row for each size of space and number of trials."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search.growth", description="Measures what a proposal costs."
    )
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, and nothing else there")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw time and memory")
    parser.add_argument("--limit", type=float, default=120.0, metavar="S", help="how long a figure may take (120)")
    parser.add_argument("--points", type=int, nargs="+", choices=SIZES, default=SIZES, help="sizes of space")
    parser.add_argument("--trials", type=int, nargs="+", default=TRIALS, help="numbers of trials (10 30 100 200)")
    arguments = parser.parse_args()
    if min(arguments.trials) < 5 or arguments.limit <= 0:
        parser.error("--trials must be at least 5, and --limit above 0")
    output = sys.stderr if arguments.json else sys.stdout
    print(_HEADER, file=output, flush=True)
    cells = []
    for row in _rows(sorted(arguments.points), sorted(arguments.trials), arguments.limit):
        cells += row.values()
        print(_line(row), file=output, flush=True)
    if arguments.json:
        print(json.dumps([asdict(cell) for cell in cells], indent=1))
    if arguments.plot is not None:
        from benchmarks.search.growth_plot import growth_png

        arguments.plot.write_bytes(growth_png(cells))
    return 0


def _rows(sizes: list[int], counts: list[int], limit_s: float) -> Iterator[dict[str, Cell]]:
    """Yields the cells by method; a method is not tried again where less was too much for it."""
    too_much: list[tuple[str, int, int]] = []
    for points, trials in [(points, trials) for points in sizes for trials in counts if trials < points]:
        row = {}
        for method in METHODS:
            if any(method == one and points >= size and trials >= count for one, size, count in too_much):
                continue
            cell = _cell(method, points, trials, limit_s)
            if cell is None:
                too_much.append((method, points, trials))
            else:
                row[method] = cell
        yield row


def _cell(method: str, points: int, trials: int, limit_s: float) -> Cell | None:
    """Measures in a process of its own; None if that takes too long."""
    command = [sys.executable, "-m", "benchmarks.search.cell", method, str(points), str(trials)]
    try:
        done = subprocess.run(
            command, env={**os.environ, **_ONE_THREAD}, timeout=limit_s, check=True, stdout=subprocess.PIPE, text=True
        )
    except subprocess.TimeoutExpired:
        return None
    return Cell(**json.loads(done.stdout))


def _line(row: Mapping[str, Cell]) -> str:
    if not row:
        return "      neither method came to an end"
    one = next(iter(row.values()))
    time = _compared({method: cell.proposal_s for method, cell in row.items()}, "{:.3g} s")
    memory = _compared({method: cell.peak_mib for method, cell in row.items()}, "{:.0f} MiB")
    return f"{one.points:>9,} {one.trials:>6}   {time:<30}   {memory:<30}"


def _compared(figures: Mapping[str, float], form: str) -> str:
    shown = {method: form.format(figure) for method, figure in figures.items()}
    ours, stock = shown.get(OURS, "too long"), shown.get(STOCK, "too long")
    ratio = f" = {figures[OURS] / figures[STOCK]:.2f} x" if len(figures) == 2 else ""
    return f"{ours} / {stock}{ratio}"


if __name__ == "__main__":
    sys.exit(main())
