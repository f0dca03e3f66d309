"""``python -m benchmarks.search.cross_validation``: constants chosen on some devices, scored on another.

Kept rows of the ablation are read, nothing is run. Each device is left out in turn: whichever setting of the constants
and draw of the imagined devices needs the fewest trials on all *other* devices is scored on it. What that loses or
gains beside the constants as they stand tells how far these hang on the tables that were in sight.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.search.changes import CHANGES, OURS, Sort
from tuner.errors import BadInputError, WattuneError
from tuner.replay.cells import Cells, print_tables
from tuner.replay.row import Row
from tuner.replay.row_file import read_rows
from tuner.replay.summary import by_group

KEPT = Path(__file__).parents[1] / "results" / "ablation"
_CHOICES = (Sort.OURS, Sort.DRAW, Sort.SCALE, Sort.DEVICES)


def main() -> int:
    """Prints the tables; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search.cross_validation",
        description="Chooses the search's constants on some devices, and scores them on another.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help=f"rows (default: all of {KEPT})")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    try:
        rows = [row for path in arguments.files or sorted(KEPT.glob("*.jsonl.gz")) for row in read_rows(path)]
        print_tables(cross_validation_tables(rows), arguments.markdown)
    except WattuneError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def cross_validation_tables(rows: Sequence[Row]) -> list[Cells]:
    """Returns what was chosen without each device, and both ways' means over the tasks of each group.

    Args:
        rows: Of the ablation; a row's method is its change.

    Raises:
        BadInputError: There are rows of one device only, or of no setting that could be chosen.
    """
    choosable = [row for row in rows if row.method in CHANGES and CHANGES[row.method].sort in _CHOICES]
    devices = list(dict.fromkeys(row.device for row in choosable))
    if len(devices) < 2 or OURS not in {row.method for row in choosable}:
        raise BadInputError("Rows of at least two devices are needed, with the search as it is among them.")
    chosen = {device: chosen_without(device, choosable) for device in devices}
    left_out = [row for row in choosable if row.method == chosen[row.device]]
    ours = [row for row in choosable if row.method == OURS]
    return [_by_device(chosen, left_out, ours), _by_group(left_out, ours)]


def chosen_without(device: str, rows: Sequence[Row]) -> str:
    """Returns the setting of the fewest mean trials on the other devices, each of which counts the same."""
    others = [row for row in rows if row.device != device]

    def mean_trials(method: str) -> float:
        by_device: dict[str, list[Row]] = {}
        for row in others:
            if row.method == method:
                by_device.setdefault(row.device, []).append(row)
        return statistics.fmean(_mean_trials(of_device) for of_device in by_device.values())

    return min(dict.fromkeys(row.method for row in others), key=mean_trials)


def _by_device(chosen: dict[str, str], left_out: Sequence[Row], ours: Sequence[Row]) -> Cells:
    return Cells(
        title="Settings chosen on all other devices, and mean trials on the device left out",
        names=("device", "chosen"),
        figures=("tasks", "trials", "as it is"),
        rows=tuple(
            (device, method, str(len(_of(device, ours))), _shown(_of(device, left_out)), _shown(_of(device, ours)))
            for device, method in chosen.items()
        ),
    )


def _by_group(left_out: Sequence[Row], ours: Sequence[Row]) -> Cells:
    as_it_is = by_group(ours)
    return Cells(
        title="Mean over all tasks",
        names=("group",),
        figures=("trials, cross-validated", "broke SLO", "trials, as it is", "broke SLO"),
        rows=tuple(
            (group, _shown(rows), _violations(rows), _shown(as_it_is[group]), _violations(as_it_is[group]))
            for group, rows in by_group(left_out).items()
        ),
    )


def _of(device: str, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.device == device]


def _mean_trials(rows: Iterable[Row]) -> float:
    return statistics.fmean(row.trials_to_5pct for row in rows)


def _shown(rows: Iterable[Row]) -> str:
    return f"{_mean_trials(rows):.2f}"


def _violations(rows: Iterable[Row]) -> str:
    return f"{statistics.fmean(row.violations for row in rows):.2f}"


if __name__ == "__main__":
    sys.exit(main())
