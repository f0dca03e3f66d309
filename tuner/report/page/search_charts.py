"""The charts of the search: energy over its course, and against each parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from tuner.configuration import Parameter
from tuner.report.axes import Axis
from tuner.report.digest import Digest, measurement_of
from tuner.report.page.figures import Figure, axis_layout, choice_ticks, layout, line, points, small_layout
from tuner.report.points import VERDICT_COLOURS
from tuner.report.view import energy_j, energy_title
from tuner.report.vocabulary import parameter_label, unit_text, value_text
from tuner.trial import Trial, Verdict

_DRAWN_FIRST = (Verdict.INFEASIBLE, Verdict.UNDECIDED, Verdict.FEASIBLE)


def progress_chart(digest: Digest, energy: Axis) -> Figure:
    """Returns the chart of energy over the course of the search, with the best so far.

    Args:
        digest: The study.
        energy: The axis of energy.
    """
    traces = _points_by_verdict(digest, energy, lambda trial: trial.number)
    best = line(*_best_so_far(digest, energy), "best feasible so far")
    chart = layout("Trial", energy_title(digest, energy), height=300)
    last = digest.explored[-1].number
    chart["xaxis"] |= {"dtick": max(1, math.ceil(last / 20)), "range": [-0.6, last + 0.6]}
    chart["yaxis"] |= axis_layout(energy)
    return {"data": [best, *traces], "layout": chart | {"showlegend": False}}


def parameter_charts(digest: Digest, energy: Axis) -> tuple[Figure, ...]:
    """Returns a small chart of energy against each parameter that was varied, all with the same axis of energy."""
    return tuple(_parameter_chart(digest, parameter, energy) for parameter in digest.varied)


def _parameter_chart(digest: Digest, parameter: Parameter, energy: Axis) -> Figure:
    choices = [value_text(choice) for choice in parameter.choices]
    unit = unit_text(parameter.unit)
    chart = small_layout(escape(parameter_label(parameter.id) + (f", {unit}" if unit else "")))
    chart["xaxis"] |= {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": choices,
        "range": [-0.5, len(choices) - 0.5],
        **choice_ticks(choices, range(len(choices)), choices),
    }
    chart["yaxis"] |= {**axis_layout(energy), "nticks": 5}

    def position(trial: Trial) -> str:
        return value_text(trial.configuration[parameter.id])

    return {"data": _points_by_verdict(digest, energy, position, parameter.id), "layout": chart}


def _best_so_far(digest: Digest, energy: Axis) -> tuple[list[float], list[float]]:
    """Returns the numbers of the trials from the first feasible one on, and the energy of the best by then.

    Which one is best was decided with the drift removed; its energy is shown as it was measured.
    """
    numbers: list[float] = []
    energies: list[float] = []
    best: Trial | None = None
    for trial in digest.explored:
        if trial.is_feasible and (best is None or digest.levelled_j[trial.number] < digest.levelled_j[best.number]):
            best = trial
        if best is not None:
            numbers.append(trial.number)
            energies.append(energy.number(energy_j(best)))
    return numbers, energies


def _points_by_verdict(
    digest: Digest, energy: Axis, position: Callable[[Trial], float | str], needs: str = ""
) -> list[Figure]:
    traces = []
    for verdict in _DRAWN_FIRST:
        trials = [
            trial
            for trial in digest.explored
            if measurement_of(trial).verdict is verdict and (not needs or needs in trial.configuration)
        ]
        marker = {"color": VERDICT_COLOURS[verdict], "size": 9, "opacity": 0.9}
        energies = [energy.number(energy_j(trial)) for trial in trials]
        traces.append(points(digest, trials, list(map(position, trials)), energies, marker) | {"name": verdict.value})
    return [trace for trace in traces if trace["x"]]
