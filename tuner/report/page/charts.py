"""The interactive charts of the page, as Plotly figures in JSON. Colours of text and grid come from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from tuner.configuration import Parameter
from tuner.errors import BadInputError
from tuner.report.digest import Digest, measurement_of
from tuner.report.points import (
    FRONT_COLOUR,
    SLO_COLOUR,
    VERDICT_COLOURS,
    Axes,
    Scale,
    axes_of,
    error_of,
    landmarks,
    logarithmic_ticks,
    spans_decades,
)
from tuner.report.sentences import latency_text
from tuner.report.vocabulary import energy_text, interval_text, parameter_label, slo_text, value_text
from tuner.trial import Trial, Verdict

Figure = dict[str, Any]
_FAINT = "rgba(128, 134, 146, 0.38)"
_CLEAR = "rgba(0, 0, 0, 0)"


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


def front_chart(digest: Digest) -> Figure:
    """Returns the chart of all trials, energy against latency, with front, SLO and landmarks."""
    axes = axes_of(digest)
    traces = [_front_line(digest, axes)]
    if any(measurement_of(trial).energy.band for trial in digest.explored):
        traces.insert(0, _bands(digest, axes))
    traces += [trace for verdict in Verdict if (trace := _verdict_points(digest, axes, verdict))]
    if digest.confirmations:
        traces.append(_confirmations(digest, axes))
    logarithmic = spans_decades(digest)
    bound = digest.slo.bound_s / axes.latency.factor
    layout = _layout(axes.latency_title, axes.energy_title, height=480)
    layout["xaxis"] |= _logarithmic(digest, axes) if logarithmic else {"rangemode": "tozero"}
    layout["yaxis"] |= {"rangemode": "tozero"}
    layout["shapes"] = [
        {
            "type": "line",
            "yref": "paper",
            "x0": bound,
            "x1": bound,
            "y0": 0,
            "y1": 1,
            "line": {"color": SLO_COLOUR, "width": 1.5, "dash": "dash"},
        }
    ]
    layout["annotations"] = [
        {
            "x": math.log10(bound) if logarithmic else bound,
            "y": 1,
            "yref": "paper",
            "yanchor": "top",
            "xanchor": "left",
            "xshift": 6,
            "showarrow": False,
            "text": escape(slo_text(digest.slo)),
        },
        *(_landmark(name, trial, axes, logarithmic) for name, trial in landmarks(digest)),
    ]
    return {"data": traces, "layout": layout}


def progress_chart(digest: Digest) -> Figure:
    """Returns the chart of energy over the course of the search, with the best so far."""
    axes = axes_of(digest)
    line = _line(*_best_so_far(digest, axes.energy), "best feasible so far")
    points = _points_by_verdict(digest, axes, lambda trial: trial.number)
    layout = _layout("Trial", axes.energy_title, height=300)
    layout["xaxis"] |= {"dtick": max(1, len(digest.study.trials) // 12), "zeroline": False}
    return {"data": [line, *points], "layout": layout | {"showlegend": False}}


def _best_so_far(digest: Digest, scale: Scale) -> tuple[list[float], list[float]]:
    """Returns the numbers of the trials from the first feasible one on, and the least feasible energy by then."""
    numbers: list[float] = []
    energies: list[float] = []
    least = math.inf
    for trial in digest.explored:
        if trial.is_feasible:
            least = min(least, measurement_of(trial).energy.per_request_j / scale.factor)
        if math.isfinite(least):
            numbers.append(trial.number)
            energies.append(least)
    return numbers, energies


def parameter_charts(digest: Digest) -> tuple[Figure, ...]:
    """Returns a small chart of energy against each parameter that was varied."""
    return tuple(_parameter_chart(digest, parameter) for parameter in digest.varied)


def _parameter_chart(digest: Digest, parameter: Parameter) -> Figure:
    axes = axes_of(digest)
    choices = [value_text(choice) for choice in parameter.choices]
    unit = value_text("", parameter.unit).strip()
    title = parameter_label(parameter.id) + (f", {unit}" if unit else "")
    layout = _layout(escape(title), "", height=210)
    layout["xaxis"] |= {"type": "category", "categoryorder": "array", "categoryarray": choices}
    layout["yaxis"] |= {"ticksuffix": f" {axes.energy.unit}", "nticks": 5}
    layout |= {"showlegend": False, "margin": {"l": 62, "r": 8, "t": 8, "b": 44}}

    def position(trial: Trial) -> str:
        return value_text(trial.configuration[parameter.id])

    return {"data": _points_by_verdict(digest, axes, position, parameter.id), "layout": layout}


def _points_by_verdict(
    digest: Digest, axes: Axes, position: Callable[[Trial], float | str], needs: str = ""
) -> list[Figure]:
    traces = []
    for verdict in Verdict:
        trials = [
            trial
            for trial in digest.explored
            if measurement_of(trial).verdict is verdict and (not needs or needs in trial.configuration)
        ]
        marker = {"color": VERDICT_COLOURS[verdict], "size": 9, "opacity": 0.9}
        energies = _energies(trials, axes.energy)
        trace = _points(digest, trials, list(map(position, trials)), energies, marker)
        traces.append(trace | {"name": verdict.value})
    return [trace for trace in traces if trace["x"]]


def _bands(digest: Digest, axes: Axes) -> Figure:
    energies = _energies(digest.explored, axes.energy)
    ends = [error_of(trial) for trial in digest.explored]
    return {
        **_points(digest, digest.explored, _latencies(digest.explored, axes.latency), energies, {"color": _CLEAR}),
        "name": "band of the estimate",
        "hoverinfo": "skip",
        "hovertemplate": None,
        "marker": {"color": _FAINT, "symbol": "line-ns-open", "size": 10, "opacity": 1},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [end.high / axes.energy.factor - energy for end, energy in zip(ends, energies, strict=True)],
            "arrayminus": [energy - end.low / axes.energy.factor for end, energy in zip(ends, energies, strict=True)],
            "color": _FAINT,
            "thickness": 1,
            "width": 3,
        },
    }


def _front_line(digest: Digest, axes: Axes) -> Figure:
    return _line(_latencies(digest.front, axes.latency), _energies(digest.front, axes.energy), "Pareto front")


def _line(x: Sequence[float], y: Sequence[float], name: str) -> Figure:
    line = {"color": FRONT_COLOUR, "width": 2, "shape": "hv"}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": line, "hoverinfo": "skip"}


def _verdict_points(digest: Digest, axes: Axes, verdict: Verdict) -> Figure | None:
    trials = [trial for trial in digest.explored if measurement_of(trial).verdict is verdict]
    if not trials:
        return None
    marker = {"color": VERDICT_COLOURS[verdict], "size": 11}
    points = _points(digest, trials, _latencies(trials, axes.latency), _energies(trials, axes.energy), marker)
    return {**points, "name": verdict.value}


def _confirmations(digest: Digest, axes: Axes) -> Figure:
    trials = digest.confirmations
    marker = {"color": FRONT_COLOUR, "size": 9, "symbol": "diamond-open", "line": {"width": 1.5}}
    points = _points(digest, trials, _latencies(trials, axes.latency), _energies(trials, axes.energy), marker)
    return {**points, "name": "measured again"}


def _points(
    digest: Digest, trials: Sequence[Trial], x: Sequence[float | str], y: Sequence[float], marker: Figure
) -> Figure:
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
    units = {parameter.id: parameter.unit for parameter in digest.study.space.parameters}
    figures = (
        energy_text(measurement.energy),
        *([f"band {interval_text(measurement.energy.band, 'J')}"] if measurement.energy.band else []),
        f"{latency_text(digest, measurement.slo_latency_s)}, {measurement.verdict.value}",
    )
    settings = (
        f"{parameter_label(name)} {value_text(value, units.get(name, ''))}"
        for name, value in trial.configuration.items()
    )
    lines = [f"<b>Trial {trial.number}</b> · {trial.purpose.value}", *map(escape, figures), "", *map(escape, settings)]
    return "<br>".join(lines)


def _landmark(name: str, trial: Trial, axes: Axes, logarithmic: bool) -> Figure:
    measurement = measurement_of(trial)
    latency = measurement.slo_latency_s / axes.latency.factor
    return {
        "x": math.log10(latency) if logarithmic else latency,
        "y": measurement.energy.per_request_j / axes.energy.factor,
        "text": f"<b>{escape(name)}</b>",
        # Below a point of the front there is none: the place for a name.
        "ax": 0,
        "ay": 40,
        "standoff": 9,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": SLO_COLOUR,
    }


def _logarithmic(digest: Digest, axes: Axes) -> Figure:
    latencies = _latencies(digest.explored, axes.latency)
    ticks = logarithmic_ticks(min(latencies), max(latencies))
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _latencies(trials: Sequence[Trial], scale: Scale) -> list[float]:
    return [measurement_of(trial).slo_latency_s / scale.factor for trial in trials]


def _energies(trials: Sequence[Trial], scale: Scale) -> list[float]:
    return [measurement_of(trial).energy.per_request_j / scale.factor for trial in trials]


def _layout(x_title: str, y_title: str, height: int) -> Figure:
    title = {"standoff": 12, "font": {"size": 13}}
    axis = {"zeroline": False, "ticks": "", "automargin": True, "showline": False}
    return {
        "height": height,
        "margin": {"l": 64, "r": 20, "t": 12, "b": 52},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "font": {"family": "inherit", "size": 13},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"size": 12.5}},
        "legend": {"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom"},
        "xaxis": {**axis, "title": {"text": x_title, **title}, "showgrid": False},
        "yaxis": {**axis, "title": {"text": y_title.replace("\n", "<br>"), **title}},
    }
