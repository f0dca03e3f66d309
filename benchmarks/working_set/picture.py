"""Time against working set, a panel a sweep, with the ends of the caches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from benchmarks.working_set.comparison import SWEEPS, Comparison
from benchmarks.working_set.row_file import Measured
from tuner.energy_model.working_set.levels import MemoryHierarchy, size_text
from tuner.report.picture_style import INK, PICTURE_STYLE, QUIET, RULE

_READ, _STATED = "#2f6fde", "#c9862b"
_TITLES = {
    "depth": "depth: ps a datum and parameter",
    "width": "width: ps a datum and parameter",
    "batch": "batch: ns a datum",
}
_READS_TITLE = "plain reads: ns a line of 64 bytes"
_DECADE = 10.0
_SCALES = {"depth": 1e12, "width": 1e12, "batch": 1e9}


def write_picture(path: Path, measured: Measured, comparison: Comparison) -> None:
    """Draws what was measured as a PNG."""
    with rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(11, 7.4), dpi=150, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        panels = list(figure.subplots(2, 2).flat)
        reads = measured.reads
        _draw(panels[0], _READS_TITLE, [each.n_bytes for each in reads], [each.line_s * 1e9 for each in reads])
        for panel, sweep in zip(panels[1:], SWEEPS, strict=True):
            rows = [row for row in measured.rows if row.sweep == sweep]
            costs = [row.cost * _SCALES[sweep] for row in rows]
            _draw(panel, _TITLES[sweep], [row.forward_bytes for row in rows], costs)
        for panel in panels:
            _mark(panel, measured.stated, comparison.levels.hierarchy)
        lines, labels = panels[0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(path, format="png")


def _draw(panel: Any, title: str, sizes: Sequence[float], costs: Sequence[float]) -> None:
    panel.set_title(title, loc="left", fontsize=11.5, fontweight="bold")
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.plot(sizes, costs, color=INK, lw=1.6, marker="o", ms=3.2, label="measured, the shortest of all turns")
    ticks = [1 << exponent for exponent in range(14, 29, 2) if min(sizes) <= 1 << exponent <= max(sizes)]
    panel.set_xticks(ticks, [size_text(tick) for tick in ticks])
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter("{x:g}" if max(costs) < _DECADE * min(costs) else NullFormatter())
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", which="both", color=RULE, lw=0.6)
    panel.tick_params(length=0, which="both")
    panel.set_axisbelow(True)
    panel.set_xlabel("working set", color=QUIET)


def _mark(panel: Any, stated: MemoryHierarchy, read: MemoryHierarchy) -> None:
    """Draws the ends of the caches that lie within the panel."""
    low, high = panel.get_xlim()
    for hierarchy, colour, dash, label in (
        (stated, _STATED, (0, (2, 2)), "end of a cache as the machine states it"),
        (read, _READ, "solid", "end of a cache as plain reads show it"),
    ):
        for level in hierarchy.levels[1:-1]:
            if low < level.bytes_per_unit < high:
                panel.axvline(level.bytes_per_unit, color=colour, ls=dash, lw=1.3, zorder=1, label=label)
                label = "_"
