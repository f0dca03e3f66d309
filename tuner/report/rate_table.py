"""The table from arrival rate to configuration on the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from tuner.report.digest import Digest
from tuner.report.plain_table import plain_table
from tuner.report.rates import rate_rows
from tuner.report.shown_figures import shown_figures
from tuner.report.vocabulary import NOTHING


def rate_table(digest: Digest) -> Table:
    """Returns which configuration is recommended for which arrival rate.

    Args:
        digest: The whole study; it recommends something.
    """
    figures = shown_figures(digest, only_bounded=True)
    table = plain_table("From rate to configuration")
    table.add_column("requests/s", justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    table.add_column("saving", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right")
    for figure in figures:
        table.add_column(figure.name, justify="right")
    for row in rate_rows(digest):
        cells = (figure.text_of(row.figures) if row.figures else NOTHING for figure in figures)
        table.add_row(row.rates, escape(row.configuration), row.saving or NOTHING, row.interval or NOTHING, *cells)
    return table
