"""The look of all tables on the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table


def plain_table(title: str, *headings: str) -> Table:
    """Returns an empty table without rules, as all tables of ours are.

    Args:
        title: What it shows; empty for none.
        headings: Columns aligned left, to begin with.
    """
    table = Table(
        title=escape(title) or None,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
