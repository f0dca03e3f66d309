"""How charts stand on the page: an element that the script draws in, its figure as JSON, and what is said about it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tuner.report.digest import Digest
from tuner.report.page.figures import Figure
from tuner.report.page.markup import Markup, element, join, typeset


def chart_name(digest: Digest, kind: str) -> str:
    """Returns the name of a chart, which is its own where there is one of a kind for each arrival rate."""
    return f"{kind}-at-{digest.study.objective.arrival_rate_hz:g}" if digest.at_rate else kind


def chart(name: str, figure: Figure) -> Markup:
    """Returns the place of a chart, and the chart."""
    data = Markup(json.dumps(figure).replace("<", "\\u003c"))
    return join(
        (
            element("div", element("noscript", "The chart needs JavaScript."), class_="chart", id=name),
            element("script", data, type="application/json", id=f"{name}-figure"),
        )
    )


def small_charts(charts: Sequence[Markup]) -> Markup:
    """Returns small charts side by side."""
    return element("div", *charts, class_="small-charts", style=f"--columns: {_columns(len(charts))}")


def note(text: str) -> Markup:
    """Returns what is said about a chart."""
    return element("p", typeset(text.strip()), class_="quiet")


def _columns(count: int) -> int:
    """Returns in how many columns the small charts leave the fewest places empty: up to five, and rather more."""
    return count if count <= 5 else min((5, 4, 3), key=lambda columns: -count % columns)
