"""``python -m benchmarks.search``: the tables and the plot of kept rows, without running anything again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tuner.errors import BadInputError, WattuneError
from tuner.replay.cells import print_tables
from tuner.replay.plot import check_plot, write_plot
from tuner.replay.row import Row
from tuner.replay.row_file import read_rows
from tuner.replay.tables import tables_of

KEPT = Path(__file__).parents[1] / "results" / "replay"


def main() -> int:
    """Prints the tables; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description="Shows kept rows of replays.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help=f"rows (default: all of {KEPT})")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw regret against trials as .png or .html")
    arguments = parser.parse_args()
    try:
        _show(arguments.files or sorted(KEPT.glob("*.jsonl.gz")), arguments.markdown, arguments.plot)
    except WattuneError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def _show(paths: Sequence[Path], as_markdown: bool, plot: Path | None) -> None:
    if plot is not None:
        check_plot(plot)
    rows = _rows_in(paths)
    print_tables(tables_of(rows), as_markdown)
    if plot is not None:
        write_plot(plot, rows)


def _rows_in(paths: Sequence[Path]) -> list[Row]:
    rows = [row for path in paths for row in read_rows(path)]
    if not rows:
        raise BadInputError("There are no rows: name a file that 'wattune bench replay --json FILE' wrote.")
    if len({(row.key, row.disturbance) for row in rows}) < len(rows):
        raise BadInputError("The files hold the same run twice: name one of them.")
    if len({row.disturbance for row in rows}) > 1:
        raise BadInputError("The files were made with different --noise or --outliers: show one at a time.")
    return rows


if __name__ == "__main__":
    sys.exit(main())
