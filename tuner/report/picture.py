"""``pareto.png``: the Pareto front as a picture, for documents and chats."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from tuner.errors import BadInputError
from tuner.report.axes import Axis, logarithmic_ticks
from tuner.report.digest import Digest, measurement_of
from tuner.report.labels import landmark_labels, slo_label
from tuner.report.picture_style import INK, PICTURE_STYLE, QUIET, RULE
from tuner.report.placement import Canvas
from tuner.report.points import FRONT_COLOUR, SLO_COLOUR, VERDICT_COLOURS, error_of
from tuner.report.view import View, energy_j, energy_title, front_view, latency_s, latency_title, outside_text
from tuner.report.vocabulary import share_text
from tuner.study_record import Study
from tuner.trial import Trial, Verdict

_LEGEND = {"borderaxespad": 0.4, "borderpad": 0, "columnspacing": 1.4, "handletextpad": 0.5, "handlelength": 1.4}
_CANVAS = Canvas(495, 235, character_width=7.0, line_height=14)
"""The area between the axes, in points."""
_MARKS = {Verdict.FEASIBLE: "o", Verdict.INFEASIBLE: "X", Verdict.UNDECIDED: "D"}


def pareto_png(study: Study) -> bytes:
    """Returns the picture of all trials, energy against latency, with front, SLO and landmarks; one for each rate.

    Raises:
        BadInputError: Matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BadInputError(
            "The report needs matplotlib, which is not installed: install the extra 'wattune[report]'."
        ) from error
    file = BytesIO()
    parts = Digest(study).by_rate
    with rc_context(PICTURE_STYLE):
        figure = Figure(figsize=(8, 5 * len(parts)), dpi=160, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        for place, digest in zip(figure.subfigures(len(parts), squeeze=False)[:, 0], parts, strict=True):
            draw(place, digest)
        figure.savefig(file, format="png")
    return file.getvalue()


def draw(figure: Any, digest: Digest) -> None:
    """Draws the picture on a Matplotlib figure, or on a part of one."""
    plot = figure.add_subplot()
    plot.set_title(_title(digest), loc="left", fontsize=12.5, fontweight="bold", pad=48, parse_math=False)
    plot.spines[["top", "right", "left"]].set_visible(False)
    plot.tick_params(length=0)
    if not digest.explored:
        return
    view = front_view(digest)
    _frame(plot, digest, view)
    _draw_slo(plot, digest, view)
    _draw_front(plot, digest, view)
    _draw_bands(plot, digest, view)
    for verdict in Verdict:
        _draw_points(plot, digest, view, verdict)
    _draw_landmarks(plot, digest, view)
    plot.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1.07), ncols=5, labelcolor=INK, **_LEGEND)


def _title(digest: Digest) -> str:
    recommendation = digest.study.recommendation
    workload = f"{digest.study.request.workload}{digest.at_rate}"
    if recommendation is None or recommendation.comparison is None:
        return workload
    return f"{workload}: saves {share_text(recommendation.comparison.saving)} ({digest.provenance})"


def _frame(plot: Any, digest: Digest, view: View) -> None:
    _set_axis(plot, "x", view.latency)
    _set_axis(plot, "y", view.energy)
    plot.set_xlabel(latency_title(digest, view.latency))
    plot.set_ylabel(energy_title(digest, view.energy))
    plot.grid(axis="y", color=RULE, lw=0.8)
    plot.set_axisbelow(True)
    outside = sum(trial in view.outside for trial in digest.explored)
    plot.annotate(
        outside_text(outside), (1, 0), xycoords="axes fraction", xytext=(0, -30),
        textcoords="offset points", ha="right", va="center", fontsize=8.5, color=QUIET,
    )  # fmt: skip


def _set_axis(plot: Any, name: str, axis: Axis) -> None:
    if axis.logarithmic:
        ticks = logarithmic_ticks(axis.low, axis.high)
        plot.set(**{f"{name}scale": "log"})
        plot.set(**{f"{name}ticks": ticks, f"{name}ticklabels": [f"{tick:.10g}" for tick in ticks]})
        plot.tick_params(axis=name, which="minor", length=0, labelleft=False, labelbottom=False)
    plot.set(**{f"{name}lim": (axis.low, axis.high)})


def _draw_slo(plot: Any, digest: Digest, view: View) -> None:
    label = slo_label(digest, view)
    if label.is_inside:
        plot.axvline(view.latency.number(digest.slo.bound_s), color=SLO_COLOUR, lw=1.3, ls=(0, (4, 3)), zorder=1)
    plot.annotate(
        label.text, (label.share, 1), xycoords="axes fraction", xytext=(0, 3),
        textcoords="offset points", ha=label.alignment, va="bottom", color=QUIET,
    )  # fmt: skip


def _draw_front(plot: Any, digest: Digest, view: View) -> None:
    places = [_position(trial, view) for trial in digest.front]
    plot.step(*zip(*places, strict=True), where="post", color=FRONT_COLOUR, lw=1.8, label="Pareto front", zorder=2)


def _draw_bands(plot: Any, digest: Digest, view: View) -> None:
    banded = [trial for trial in digest.explored if measurement_of(trial).energy.band]
    if not banded:
        return
    plot.vlines(
        [view.latency.number(latency_s(trial)) for trial in banded],
        [view.energy.number(error_of(trial).low) for trial in banded],
        [view.energy.number(error_of(trial).high) for trial in banded],
        color=SLO_COLOUR,
        alpha=0.35,
        lw=1,
        label="band of the estimate",
        zorder=1,
    )


def _draw_points(plot: Any, digest: Digest, view: View, verdict: Verdict) -> None:
    trials = [trial for trial in digest.explored if measurement_of(trial).verdict is verdict]
    if not trials:
        return
    plot.scatter(
        *zip(*(_position(trial, view) for trial in trials), strict=True),
        s=58,
        marker=_MARKS[verdict],
        color=VERDICT_COLOURS[verdict],
        edgecolor="white",
        linewidth=0.8,
        label=verdict.value,
        zorder=4,
    )


def _draw_landmarks(plot: Any, digest: Digest, view: View) -> None:
    for label in landmark_labels(digest, view, (_CANVAS,)):
        plot.annotate(
            label.name,
            _position(label.trial, view),
            xytext=label.offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            arrowprops={"arrowstyle": "-", "color": SLO_COLOUR, "shrinkA": 0, "shrinkB": 5, "lw": 0.9},
            zorder=6,
        )


def _position(trial: Trial, view: View) -> tuple[float, float]:
    return view.latency.number(latency_s(trial)), view.energy.number(energy_j(trial))
