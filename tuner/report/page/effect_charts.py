"""The chart of one parameter's effect: latency and energy along its line, relative to one trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tuner.configuration import Parameter, ParameterKind, Value
from tuner.effect_summary import HARDLY, knee
from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.report.axes import LOGARITHMIC_RATIO, Axis, Unit, axis_over
from tuner.report.digest import Digest, measurement_of
from tuner.report.page.figures import CLEAR, Figure, axis_layout, choice_ticks, points, small_layout
from tuner.report.points import FRONT_COLOUR, SLO_COLOUR
from tuner.report.vocabulary import TIMES, parameter_label, unit_text, value_text
from tuner.trial import Trial

LATENCY_COLOUR = "#b0679f"
ENERGY_COLOUR = FRONT_COLOUR
_BAND_OPACITY = 0.2
_MARGIN = 0.08
"""What is left free beside the first and the last choice, as a share of the range: their ticks need it."""


@dataclass(frozen=True)
class _Output:
    """One of the two that are drawn: its name and colour, and its ratios along the line."""

    name: str
    colour: str
    ratios: Sequence[Ratio]


def effect_chart(digest: Digest, effect: ParameterEffect, parameter: Parameter) -> Figure:
    """Returns the chart of one parameter's effect.

    Args:
        digest: The study; it holds the trial that the line goes through.
        effect: What the parameter does.
        parameter: The parameter.
    """
    outputs = (
        _Output("latency", LATENCY_COLOUR, effect.latency_ratios),
        _Output("energy", ENERGY_COLOUR, effect.energy_ratios),
    )
    unit = unit_text(parameter.unit)
    chart = small_layout(escape(parameter_label(parameter.id) + (f", {unit}" if unit else "")))
    chart["yaxis"] |= {**axis_layout(_axis(outputs)), "nticks": 5}
    chart["shapes"] = [_rule(y=1.0)]
    if parameter.kind is ParameterKind.CATEGORY:
        chart["xaxis"] |= {"type": "category", "tickangle": 0}
        chart |= {"scattermode": "group", "scattergap": 0.6}
        traces = [_bars(output, effect) for output in outputs]
    else:
        chart["xaxis"] |= _number_axis(effect.choices)
        found = knee(effect, parameter)
        chart["shapes"] += [] if found is None else [_rule(x=float(found.value))]
        traces = [trace for output in outputs for trace in (_band(output, effect), _line(output, effect))]
    return {"data": [*traces, *_dots(digest, effect)], "layout": chart}


def _axis(outputs: Sequence[_Output]) -> Axis:
    ratios = [ratio for output in outputs for ratio in output.ratios]
    ends = (end for ratio in ratios for end in (ratio.interval.low, ratio.interval.high))
    interest = [1.0 - HARDLY, 1.0 + HARDLY, *(ratio.median for ratio in ratios)]
    return axis_over(interest, ends, Unit(1.0, ""))


def _number_axis(choices: Sequence[Value]) -> Figure:
    """Returns the axis of numbers, logarithmic where their range is wide."""
    numbers = [float(choice) for choice in choices]
    is_logarithmic = numbers[0] > 0 and numbers[-1] / numbers[0] > LOGARITHMIC_RATIO / 2
    positions = [math.log10(number) if is_logarithmic else number for number in numbers]
    margin = _MARGIN * (positions[-1] - positions[0])
    return {
        "type": "log" if is_logarithmic else "linear",
        "range": [positions[0] - margin, positions[-1] + margin],
        "tickformat": "~r",
        "ticklabeloverflow": "allow",
        **choice_ticks(numbers, positions, [value_text(choice) for choice in choices]),
    }


def _rule(x: float | None = None, y: float | None = None) -> Figure:
    """Returns a line across the chart, at one number of either axis (shapes take numbers, also on logarithmic axes)."""
    ends = {"xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y}
    if x is not None:
        ends = {"yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1}
    dash = "dot" if x is not None else "solid"
    return {"type": "line", "layer": "below", "line": {"color": SLO_COLOUR, "width": 1, "dash": dash}, **ends}


def _band(output: _Output, effect: ParameterEffect) -> Figure:
    lows = [ratio.interval.low for ratio in output.ratios]
    highs = [ratio.interval.high for ratio in output.ratios]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*effect.choices, *reversed(effect.choices)],
        "y": [*highs, *reversed(lows)],
        "fill": "toself",
        "fillcolor": _faint(output.colour),
        "line": {"width": 0, "color": CLEAR},
        "hoverinfo": "skip",
    }


def _line(output: _Output, effect: ParameterEffect) -> Figure:
    line = {"color": output.colour, "width": 2}
    return _trace(output, effect) | {"mode": "lines", "x": list(effect.choices), "line": line}


def _bars(output: _Output, effect: ParameterEffect) -> Figure:
    error = {
        "type": "data",
        "symmetric": False,
        "array": [ratio.interval.high - ratio.median for ratio in output.ratios],
        "arrayminus": [ratio.median - ratio.interval.low for ratio in output.ratios],
        "thickness": 5,
        "width": 0,
        "color": _faint(output.colour),
    }
    marker = {"color": output.colour, "symbol": "line-ew-open", "size": 12, "line": {"width": 2}}
    categories = [escape(value_text(choice)) for choice in effect.choices]
    own = {"mode": "markers", "x": categories, "marker": marker, "error_y": error, "offsetgroup": output.name}
    return _trace(output, effect) | own


def _trace(output: _Output, effect: ParameterEffect) -> Figure:
    texts = [
        f"{escape(value_text(choice))}: {output.name} {TIMES}{ratio.median:.3g}, "
        f"95 % interval {ratio.interval.low:.3g} to {ratio.interval.high:.3g}"
        for choice, ratio in zip(effect.choices, output.ratios, strict=True)
    ]
    return {
        "type": "scatter",
        "name": output.name,
        "y": [ratio.median for ratio in output.ratios],
        "text": texts,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _dots(digest: Digest, effect: ParameterEffect) -> list[Figure]:
    """Returns the measured trials that differ from that of the line in this parameter alone, and that one."""
    through = next(trial for trial in digest.explored if trial.number == effect.through)
    others = through.configuration.keys() - {effect.parameter}
    trials = [
        trial for trial in digest.explored if trial.configuration.only(others) == through.configuration.only(others)
    ]
    places: list[float | str] = [_place(trial.configuration[effect.parameter]) for trial in trials]
    latencies = [measurement_of(trial).slo_latency_s / measurement_of(through).slo_latency_s for trial in trials]
    energies = [digest.levelled_j[trial.number] / digest.levelled_j[through.number] for trial in trials]
    return [
        _dotted(digest, trials, places, latencies, "latency", LATENCY_COLOUR),
        _dotted(digest, trials, places, energies, "energy", ENERGY_COLOUR),
    ]


def _dotted(
    digest: Digest,
    trials: Sequence[Trial],
    places: Sequence[float | str],
    ratios: Sequence[float],
    name: str,
    colour: str,
) -> Figure:
    dots = points(digest, trials, places, ratios, {"color": colour, "size": 7})
    return dots | {"name": f"{name}, measured", "offsetgroup": name}


def _place(value: Value) -> float | str:
    return escape(value) if isinstance(value, str) else value


def _faint(colour: str) -> str:
    """Returns a colour that lets others through."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {_BAND_OPACITY})"
