"""A table before it is known where it is shown: on the terminal, or as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tuner.report.plain_table import plain_table

_WIDTH_OF_A_FILE = 160
"""Columns where no terminal says how many it has."""


@dataclass(frozen=True)
class Cells:
    """A table before it is known where it is shown.

    Attributes:
        title: What it shows.
        names: Headings of the columns that name something, aligned left.
        figures: Headings of the columns of figures, aligned right.
        rows: A text for each column.
    """

    title: str
    names: tuple[str, ...]
    figures: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def terminal(self) -> Table:
        """Returns it as a table of Rich."""
        table = plain_table(self.title, *self.names)
        for heading in self.figures:
            table.add_column(heading, justify="right", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """Returns it as a table of GitHub's Markdown under its title."""
        rule = ["---"] * len(self.names) + ["--:"] * len(self.figures)
        lines = [(*self.names, *self.figures), rule, *self.rows]
        return "\n".join([f"{self.title}:", "", *(f"| {' | '.join(cells)} |" for cells in lines)])


def print_tables(tables: Sequence[Cells], as_markdown: bool) -> None:
    """Prints tables on standard output."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    for cells in tables:
        if as_markdown:
            console.print(cells.markdown(), markup=False, highlight=False, soft_wrap=True)
        else:
            console.print(cells.terminal())
        console.print()
