"""Time and memory of a proposal against the size of the space and the number of trials, as a PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.search.cell import METHODS, OURS, STOCK, Cell
from tuner.report.picture_style import PICTURE_STYLE, RULE

_COLOURS = {OURS: "#0072B2", STOCK: "#E69F00"}  # by Okabe and Ito: the colour-blind tell them apart

_Figure = Callable[[Cell], float]


def growth_png(cells: Sequence[Cell]) -> bytes:
    """Returns the picture: solid for the largest number of trials or points, dashed for the smallest."""
    file = BytesIO()
    with rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(13.5, 4.6), dpi=160, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        by_points, by_trials, memory = figure.subplots(1, 3)
        _draw(by_points, cells, _points, _trials, _seconds)
        _label(by_points, "A larger space", "legal configurations", "CPU time of a proposal, s")
        _draw(by_trials, cells, _trials, _points, _seconds)
        _label(by_trials, "More trials", "trials so far", "CPU time of a proposal, s")
        _draw(memory, cells, _points, _trials, _mebibytes)
        _label(memory, "Memory", "legal configurations", "peak of the whole process, MiB")
        memory.set_yscale("linear")
        memory.set_ylim(bottom=0)
        for panel in (by_points, by_trials, memory):
            panel.legend(frameon=False, fontsize=9, handlelength=2.6)
        figure.savefig(file, format="png")
    return file.getvalue()


def _draw(panel: Any, cells: Sequence[Cell], along: _Figure, fixed: _Figure, shown: _Figure) -> None:
    settings = sorted({fixed(cell) for cell in cells})
    unit = "trials" if fixed is _trials else "points"
    for method in METHODS:
        for setting, line in {settings[0]: "--", settings[-1]: "-"}.items():
            curve = sorted(
                (along(cell), shown(cell)) for cell in cells if cell.method == method and fixed(cell) == setting
            )
            if curve:
                label = f"{method}, {setting:,.0f} {unit}"
                panel.plot(*zip(*curve, strict=True), line, color=_COLOURS[method], marker="o", ms=3.5, label=label)


def _label(panel: Any, title: str, along: str, shown: str) -> None:
    panel.set_title(title, loc="left", fontsize=12.5, fontweight="bold")
    panel.set(xscale="log", yscale="log", xlabel=along, ylabel=shown)
    panel.spines[["top", "right", "left"]].set_visible(False)
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_formatter(lambda tick, _: f"{tick:,.10g}")
    panel.tick_params(length=0, which="both")
    panel.grid(axis="y", color=RULE, lw=0.8)
    panel.set_axisbelow(True)


def _points(cell: Cell) -> float:
    return cell.points


def _trials(cell: Cell) -> float:
    return cell.trials


def _seconds(cell: Cell) -> float:
    return cell.proposal_s


def _mebibytes(cell: Cell) -> float:
    return cell.peak_mib
