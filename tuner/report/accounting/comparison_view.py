"""Two accounts side by side on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.energy_model.accounting.comparison import Comparison, Difference
from tuner.report.accounting.words import comparison_summary, remarks, unit_text
from tuner.report.plain_table import plain_table
from tuner.report.vocabulary import NOTHING, quantity_text, signed_share_text

_INDENT = "  "
_MOST_OPERATORS = 12


def comparison_view(comparison: Comparison, least_share: float) -> RenderableType:
    """Returns the whole view.

    Args:
        comparison: The comparison.
        least_share: Places with a smaller share of the joules in both are left out.
    """
    whole_j = max(comparison.first_j, comparison.second_j)
    places = [one for one in comparison.places if max(one.first_j, one.second_j) >= least_share * whole_j]
    return Group(
        Text(comparison_summary(comparison), "bold"),
        *(Text(remark, "dim") for one in (comparison.first, comparison.second) for remark in remarks(one)),
        Text(),
        _table(
            f"By module, joules {unit_text(comparison)}; ? where the difference is not certain", places, is_tree=True
        ),
        Text(),
        _table("By operator", comparison.operators[:_MOST_OPERATORS], is_tree=False),
        Text(),
        _table("By operator and shapes of its inputs", comparison.shapes[:_MOST_OPERATORS], is_tree=False),
    )


def _table(title: str, rows: Sequence[Difference], *, is_tree: bool) -> Table:
    table = plain_table(title, "Where")
    for heading in ("first", "second", "difference", "change"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in rows:
        name = _INDENT * (len(one.path) - 1) + one.path[-1] if is_tree else " ".join(one.path)
        table.add_row(
            Text(name, overflow="ellipsis", no_wrap=True),
            quantity_text(one.first_j, "J"),
            quantity_text(one.second_j, "J"),
            quantity_text(one.difference_j, "J") + ("" if one.is_certain else " ?"),
            signed_share_text(one.difference_j / one.first_j) if one.first_j else NOTHING,
        )
    return table
