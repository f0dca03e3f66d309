"""The table from arrival rate to configuration."""

from __future__ import annotations

from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, join, typeset
from tuner.report.page.trials import Heading, heading_text, number_cell, table
from tuner.report.rates import RateRow, rate_rows
from tuner.report.shown_figures import shown_figures
from tuner.report.vocabulary import NOTHING


def rate_table(digest: Digest) -> Markup:
    """Returns which configuration is recommended for which arrival rate; nothing where there is no such table."""
    rows = rate_rows(digest)
    if not rows:
        return Markup("")
    figures = shown_figures(digest)
    headings = (
        Heading("Arrival rate", "requests/s", is_numeric=True),
        Heading("Configuration"),
        Heading("Saving", is_numeric=True),
        Heading("95 % interval", is_numeric=True),
        *(Heading(heading_text(figure.name), figure.remark, is_numeric=True) for figure in figures),
        Heading("Found in trial", is_numeric=True),
    )
    note = "Figures are those at the upper end of each range, measured again."
    shown = table(headings, (_row(digest, row) for row in rows))
    return join((element("h2", "From rate to configuration"), element("p", note, class_="quiet"), shown))


def _row(digest: Digest, row: RateRow) -> Markup:
    texts = (figure.text_of(row.figures) if row.figures else NOTHING for figure in shown_figures(digest))
    cells = (
        number_cell(row.rates),
        element("td", typeset(row.configuration), class_="wrap"),
        number_cell(typeset(row.saving or NOTHING)),
        number_cell(typeset(row.interval or NOTHING)),
        *map(number_cell, texts),
        number_cell(str(row.trial)),
    )
    return element("tr", *cells)
