"""Regret against trials as a PNG, a panel a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from tuner.errors import BadInputError
from tuner.replay.curves import Curve, curves_by_group
from tuner.replay.look import look_of
from tuner.replay.row import Row
from tuner.replay.scoring import NEARLY_OPTIMAL
from tuner.replay.search_run import TRIAL_CAP
from tuner.report.picture_style import PICTURE_STYLE, QUIET, RULE

_LINEAR_UP_TO_PERCENT = 1.0
_TICKS_PERCENT = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def regret_png(rows: Sequence[Row]) -> bytes:
    """Returns the picture: median and the band from the 25th to the 75th percentile of the runs, by method.

    Raises:
        BadInputError: Matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BadInputError(
            "The plot needs matplotlib, which is not installed: install it with 'pip install wattune[report]'."
        ) from error
    groups = curves_by_group(rows)
    file = BytesIO()
    with rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(5.4 * len(groups), 4.6), dpi=160, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(groups), squeeze=False)[0]
        for panel, (group, curves) in zip(panels, groups.items(), strict=True):
            draw_panel(panel, group, curves)
        panels[0].set_ylabel("energy above the optimum, %")
        lines, methods = panels[0].get_legend_handles_labels()
        figure.legend(lines[::-1], methods[::-1], loc="outside lower center", ncols=6, frameon=False, handlelength=2.6)
        figure.savefig(file, format="png")
    return file.getvalue()


def draw_panel(panel: Any, group: str, curves: Sequence[Curve]) -> None:
    """Draws one group on the axes of a Matplotlib figure."""
    panel.set_title(group, loc="left", fontsize=12.5, fontweight="bold")
    panel.set_xlabel("trials, the baseline included")
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(length=0)
    panel.grid(axis="y", color=RULE, lw=0.8)
    panel.set_axisbelow(True)
    top = _top_percent(curves)
    panel.set_yscale("symlog", linthresh=_LINEAR_UP_TO_PERCENT, linscale=0.25)
    panel.set(xlim=(1, TRIAL_CAP), ylim=(-0.05, top))
    ticks = [tick for tick in _TICKS_PERCENT if tick <= top]
    panel.set_yticks(ticks, [str(tick) for tick in ticks])
    panel.set_yticks([], minor=True)
    panel.axhline(100 * NEARLY_OPTIMAL, color=QUIET, lw=0.9)
    # The first method on top: it is the one that is looked for.
    for height, curve in enumerate(reversed(curves)):
        _draw_curve(panel, curve, top, height)


def _draw_curve(panel: Any, curve: Curve, top: float, height: int) -> None:
    look = look_of(curve.method)
    trials = range(1, len(curve.middle) + 1)
    low, middle, high = (_percents(values, top) for values in (curve.low, curve.middle, curve.high))
    panel.fill_between(trials, low, high, step="post", color=look.colour, alpha=0.13, lw=0, zorder=2)
    (line,) = panel.step(
        trials, middle, where="post", color=look.colour, lw=look.width, label=curve.method, zorder=3 + height
    )
    if look.dash:
        line.set_dashes(look.dash)


def _percents(values: Sequence[float], top: float) -> list[float]:
    """Returns regrets in per cent; what is infinite runs off the top."""
    return [min(100 * value, 10 * top) for value in values]


def _top_percent(curves: Sequence[Curve]) -> float:
    finite = [100 * value for curve in curves for value in curve.high if math.isfinite(value)]
    return max([*finite, 10.0]) * 1.15
