"""The chart of energy against latency: all trials, the Pareto front, the SLO and the landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tuner.report.digest import Digest, measurement_of
from tuner.report.labels import LandmarkLabel, SloLabel, landmark_labels, slo_label
from tuner.report.page.figures import CLEAR, Figure, axis_layout, coordinate, layout, line, points
from tuner.report.placement import Canvas
from tuner.report.points import FRONT_COLOUR, SLO_COLOUR, VERDICT_COLOURS, error_of
from tuner.report.view import View, energy_j, energy_title, latency_s, latency_title
from tuner.trial import Trial, Verdict

FRONT_CANVASES = tuple(Canvas(width, 380, character_width=7.6, line_height=21) for width in (1100, 340))
"""The area between the axes in a wide window and on a telephone, in pixels."""

_FAINT = "rgba(128, 134, 146, 0.38)"
_HEIGHT = 500


def front_chart(digest: Digest, view: View) -> Figure:
    """Returns the chart.

    Args:
        digest: The study.
        view: What is shown at first.
    """
    traces = [_front_line(digest, view)]
    if any(measurement_of(trial).energy.band for trial in digest.explored):
        traces.insert(0, _bands(digest, view))
    traces += [trace for verdict in Verdict if (trace := _verdict_points(digest, view, verdict))]
    if digest.confirmations:
        traces.append(_confirmations(digest, view))
    slo = slo_label(digest, view)
    chart = layout(latency_title(digest, view.latency), energy_title(digest, view.energy), _HEIGHT)
    chart["xaxis"] |= axis_layout(view.latency)
    chart["yaxis"] |= axis_layout(view.energy)
    # Above the chart the SLO has a line for its name, and the legend the next.
    chart["margin"] |= {"t": 64}
    chart["legend"] = {"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom"}
    chart["shapes"] = [_slo_line(digest, view)]
    landmarks = landmark_labels(digest, view, FRONT_CANVASES)
    chart["annotations"] = [_slo_name(slo, digest, view), *(_landmark(label, view) for label in landmarks)]
    return {"data": traces, "layout": chart}


def _front_line(digest: Digest, view: View) -> Figure:
    return line(_latencies(digest.front, view), _energies(digest.front, view), "Pareto front")


def _bands(digest: Digest, view: View) -> Figure:
    energies = _energies(digest.explored, view)
    ends = [error_of(trial) for trial in digest.explored]
    above = [view.energy.number(end.high) - energy for end, energy in zip(ends, energies, strict=True)]
    below = [energy - view.energy.number(end.low) for end, energy in zip(ends, energies, strict=True)]
    return {
        **points(digest, digest.explored, _latencies(digest.explored, view), energies, {"color": CLEAR}),
        "name": "band of the estimate",
        "hoverinfo": "skip",
        "hovertemplate": None,
        "marker": {"color": _FAINT, "symbol": "line-ns-open", "size": 10, "opacity": 1},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": above,
            "arrayminus": below,
            "color": _FAINT,
            "thickness": 1,
            "width": 3,
        },
    }


def _verdict_points(digest: Digest, view: View, verdict: Verdict) -> Figure | None:
    trials = [trial for trial in digest.explored if measurement_of(trial).verdict is verdict]
    if not trials:
        return None
    marker = {"color": VERDICT_COLOURS[verdict], "size": 11}
    return {**points(digest, trials, _latencies(trials, view), _energies(trials, view), marker), "name": verdict.value}


def _confirmations(digest: Digest, view: View) -> Figure:
    trials = digest.confirmations
    marker = {"color": FRONT_COLOUR, "size": 9, "symbol": "diamond-open", "line": {"width": 1.5}}
    again = points(digest, trials, _latencies(trials, view), _energies(trials, view), marker)
    return {**again, "name": "measured again"}


def _slo_line(digest: Digest, view: View) -> Figure:
    bound = view.latency.number(digest.slo.bound_s)
    style = {"color": SLO_COLOUR, "width": 1.5, "dash": "dash"}
    return {"type": "line", "yref": "paper", "x0": bound, "x1": bound, "y0": 0, "y1": 1, "line": style}


def _slo_name(label: SloLabel, digest: Digest, view: View) -> Figure:
    # Beside its line the name moves with it when zooming; an arrow to a line outside stays at the edge.
    bound = coordinate(view.latency, digest.slo.bound_s)
    return {
        "x": bound if label.is_inside else label.share,
        "y": 1,
        "xref": "x" if label.is_inside else "paper",
        "yref": "paper",
        "xanchor": label.alignment,
        "yanchor": "bottom",
        "yshift": 3,
        "showarrow": False,
        "text": escape(label.text),
    }


def _landmark(label: LandmarkLabel, view: View) -> Figure:
    rightwards, upwards = label.offset
    return {
        "x": coordinate(view.latency, latency_s(label.trial)),
        "y": coordinate(view.energy, energy_j(label.trial)),
        "text": f"<b>{escape(label.name)}</b>",
        "ax": rightwards,
        "ay": -upwards,
        # Opaque, so that grid and lines do not strike a name through; the page's theme chooses the colour.
        "bgcolor": "white",
        "borderpad": 1,
        "standoff": 7,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "arrowcolor": SLO_COLOUR,
    }


def _latencies(trials: Sequence[Trial], view: View) -> list[float]:
    return [view.latency.number(latency_s(trial)) for trial in trials]


def _energies(trials: Sequence[Trial], view: View) -> list[float]:
    return [view.energy.number(energy_j(trial)) for trial in trials]
