"""Regret against trials as a page to look at closely, a panel a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tuner.errors import BadInputError
from tuner.replay.curves import Curve, curves_by_group
from tuner.replay.look import look_of
from tuner.replay.row import Row
from tuner.replay.scoring import NEARLY_OPTIMAL
from tuner.report.picture_style import INK, QUIET, RULE

_BAND_ALPHA = "22"


def regret_html(rows: Sequence[Row]) -> str:
    """Returns the page, which needs nothing but itself.

    Raises:
        BadInputError: Plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure
        from plotly.subplots import make_subplots
    except ImportError as error:
        raise BadInputError(
            "The plot needs plotly, which is not installed: install it with 'pip install wattune[report]'."
        ) from error
    groups = curves_by_group(rows)
    figure: Figure = make_subplots(rows=1, cols=len(groups), subplot_titles=list(groups))
    for column, curves in enumerate(groups.values(), start=1):
        for curve in curves:
            for trace in _traces(curve, is_first=column == 1):
                figure.add_trace(trace, row=1, col=column)
    figure.add_hline(100 * NEARLY_OPTIMAL, line={"color": QUIET, "width": 1})
    figure.update_xaxes(title="trials, the baseline included", showgrid=False)
    figure.update_yaxes(title="energy above the optimum, %", gridcolor=RULE, rangemode="tozero")
    figure.update_layout(template="plotly_white", font={"color": INK}, hovermode="x unified")
    page: str = figure.to_html(include_plotlyjs=True, full_html=True)
    return page


def _traces(curve: Curve, is_first: bool) -> list[dict[str, Any]]:
    """Returns the lower edge, the band above it and the median; a legend entry switches all three."""
    look = look_of(curve.method)
    shared = {
        "type": "scatter",
        "x": list(range(1, len(curve.middle) + 1)),
        "legendgroup": curve.method,
        "name": curve.method,
    }
    edge = {**shared, "mode": "lines", "showlegend": False, "hoverinfo": "skip"}
    hidden = {"width": 0, "shape": "hv"}
    line = {"color": look.colour, "width": look.width, "shape": "hv", "dash": _dash(look.dash)}
    return [
        {**edge, "y": _percents(curve.low), "line": hidden},
        {**edge, "y": _percents(curve.high), "line": hidden, "fill": "tonexty", "fillcolor": look.colour + _BAND_ALPHA},
        {**shared, "y": _percents(curve.middle), "mode": "lines", "line": line, "showlegend": is_first},
    ]


def _dash(lengths: tuple[int, ...]) -> str:
    return ",".join(f"{length}px" for length in lengths) or "solid"


def _percents(values: Sequence[float]) -> list[float | None]:
    """Returns regrets in per cent; where nothing feasible has been found there is nothing to draw."""
    return [100 * value if math.isfinite(value) else None for value in values]
