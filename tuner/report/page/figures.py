"""What the charts of the page are made of: Plotly's figures as JSON. Colours of text and grid come from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from tuner.errors import BadInputError
from tuner.report.axes import Axis, logarithmic_ticks
from tuner.report.digest import Digest, measurement_of
from tuner.report.points import FRONT_COLOUR
from tuner.report.sentences import latency_text
from tuner.report.vocabulary import energy_text, interval_text, settings, share_text
from tuner.trial import Trial

Figure = dict[str, Any]
_ROOM_FOR_CHOICES = 20
"""How many characters stand side by side below a small chart, air between them included."""
_AIR = 2
CLEAR = "rgba(0, 0, 0, 0)"


def plotly_source() -> str:
    """Returns the chart library's own JavaScript.

    Raises:
        BadInputError: Plotly is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise BadInputError(
            "The report needs plotly, which is not installed: install the extra 'wattune[report]'."
        ) from error
    return str(get_plotlyjs())


def layout(x_title: str, y_title: str, height: int) -> Figure:
    """Returns the layout that all charts begin with.

    Args:
        x_title: Title of the horizontal axis.
        y_title: Title of the vertical axis, in one or more lines.
        height: Of the whole, in pixels.
    """
    title = {"standoff": 12, "font": {"size": 13}}
    axis = {"zeroline": False, "ticks": "", "automargin": True, "showline": False}
    return {
        "height": height,
        "margin": {"l": 64, "r": 20, "t": 12, "b": 52},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": "inherit", "size": 13},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"size": 12.5}},
        "xaxis": {**axis, "title": {"text": x_title, **title}, "showgrid": False},
        "yaxis": {**axis, "title": {"text": y_title.replace("\n", "<br>"), **title}},
    }


def axis_layout(axis: Axis) -> Figure:
    """Returns the range of an axis, its scale and its ticks."""
    if not axis.logarithmic:
        return {"range": [axis.low, axis.high]}
    return {
        "type": "log",
        "range": [math.log10(axis.low), math.log10(axis.high)],
        "tickvals": logarithmic_ticks(axis.low, axis.high),
        # Whole numbers at every tick; left alone, Plotly shortens them to digits and powers of ten.
        "tickformat": "~r",
    }


def small_layout(x_title: str) -> Figure:
    """Returns the layout that all small charts begin with."""
    chart = layout(x_title, "", height=220)
    return chart | {
        "showlegend": False,
        "margin": {"l": 36, "r": 8, "t": 8, "b": 44},
        "font": {**chart["font"], "size": 12},
    }


def choice_ticks(choices: Sequence[float | str], positions: Sequence[float], texts: Sequence[str]) -> Figure:
    """Returns the ticks of a small chart's choices: as many as have room, the first and the last among them.

    Args:
        choices: The choices as the axis knows them.
        positions: Where they lie along it, ascending, on whatever scale.
        texts: What is written at each.
    """
    room = max(2, _ROOM_FOR_CHOICES // (max(map(len, texts)) + _AIR) + 1)
    steps = max(1, min(len(texts), room) - 1)
    wanted = (positions[0] + step * (positions[-1] - positions[0]) / steps for step in range(steps + 1))
    places = sorted({min(range(len(texts)), key=lambda place: abs(positions[place] - one)) for one in wanted})
    ticks: Figure = {"tickvals": [choices[place] for place in places]}
    return ticks | ({"tickangle": 0} if max(map(len, texts)) <= _ROOM_FOR_CHOICES // 2 else {})


def coordinate(axis: Axis, value: float) -> float:
    """Returns a value in SI units as annotations want it on an axis; shapes take the number as it is."""
    number = axis.number(value)
    return math.log10(number) if axis.logarithmic else number


def line(x: Sequence[float], y: Sequence[float], name: str) -> Figure:
    """Returns a line of steps, each held until the next."""
    style = {"color": FRONT_COLOUR, "width": 2, "shape": "hv"}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": style, "hoverinfo": "skip"}


def points(
    digest: Digest, trials: Sequence[Trial], x: Sequence[float | str], y: Sequence[float], marker: Figure
) -> Figure:
    """Returns one point a trial, which tells of it when pointed at."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": y,
        "marker": marker,
        "text": [_hover_text(digest, trial) for trial in trials],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _hover_text(digest: Digest, trial: Trial) -> str:
    measurement = measurement_of(trial)
    figures = (
        energy_text(measurement.energy),
        *([f"band {interval_text(measurement.energy.band, 'J')}"] if measurement.energy.band else []),
        f"{latency_text(digest, measurement)}, {measurement.verdict.value}",
        *([f"idle {share_text(measurement.idle_share or 0.0)}"] if digest.has_idle_time else []),
        *([f"cut short: {measurement.ended_early}"] if measurement.ended_early else []),
    )
    values = settings(trial.configuration, digest.study.space.parameters)
    lines = [f"<b>Trial {trial.number}</b> · {trial.purpose.value}", *map(escape, figures), "", *map(escape, values)]
    return "<br>".join(lines)
