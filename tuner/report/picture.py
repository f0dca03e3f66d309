"""``pareto.png``: the Pareto front as a picture, for documents and chats."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from tuner.errors import BadInputError
from tuner.report.digest import Digest, measurement_of
from tuner.report.points import (
    FRONT_COLOUR,
    SLO_COLOUR,
    VERDICT_COLOURS,
    Axes,
    axes_of,
    error_of,
    landmarks,
    logarithmic_ticks,
    spans_decades,
)
from tuner.report.vocabulary import share_text, slo_text
from tuner.study_record import Study
from tuner.trial import Trial, Verdict

_INK = "#1b1e24"
_QUIET = "#666c78"
_RULE = "#e4e4df"
_LEGEND = {"borderaxespad": 0.4, "borderpad": 0, "columnspacing": 1.4, "handletextpad": 0.5, "handlelength": 1.4}
_MARKS = {Verdict.FEASIBLE: "o", Verdict.INFEASIBLE: "X", Verdict.UNDECIDED: "D"}
_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "DejaVu Sans"],
    "font.size": 10.5,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _QUIET,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
}


def pareto_png(study: Study) -> bytes:
    """Returns the picture of all trials, energy against latency, with front, SLO and landmarks.

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
    digest = Digest(study)
    file = BytesIO()
    with rc_context(_STYLE):
        figure = Figure(figsize=(8, 5), dpi=160, facecolor="white", layout="constrained")
        _draw(figure.add_subplot(), digest)
        FigureCanvasAgg(figure).print_png(file)
    return file.getvalue()


def _draw(plot: Any, digest: Digest) -> None:
    axes = axes_of(digest)
    _frame(plot, digest, axes)
    front = [_position(trial, axes) for trial in digest.front]
    if front:
        plot.step(*zip(*front, strict=True), where="post", color=FRONT_COLOUR, lw=1.8, label="Pareto front", zorder=2)
    for verdict in Verdict:
        _draw_points(plot, digest, axes, verdict)
    _draw_errors(plot, digest, axes)
    for name, trial in landmarks(digest):
        plot.annotate(
            name,
            _position(trial, axes),
            # Below a point of the front there is none: the place for a name.
            xytext=(0, -34),
            textcoords="offset points",
            ha="center",
            fontweight="bold",
            arrowprops={"arrowstyle": "-", "color": SLO_COLOUR, "shrinkB": 6, "lw": 0.9},
            zorder=6,
        )
    if digest.explored:
        plot.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=5, labelcolor=_INK, **_LEGEND)


def _frame(plot: Any, digest: Digest, axes: Axes) -> None:
    bound = digest.slo.bound_s / axes.latency.factor
    if spans_decades(digest):
        plot.set_xscale("log")
        latencies = [_position(trial, axes)[0] for trial in digest.explored]
        ticks = logarithmic_ticks(min(latencies), max(latencies))
        plot.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        plot.set_xticks([], minor=True)
        plot.set_xlim(min(latencies) * 0.8, max(*latencies, bound) * 1.2)
    else:
        plot.set_xlim(left=0, auto=True)
    plot.axvline(bound, color=SLO_COLOUR, lw=1.3, ls=(0, (4, 3)), zorder=1)
    plot.annotate(
        slo_text(digest.slo), (bound, 0.96), xycoords=("data", "axes fraction"), xytext=(5, 0),
        textcoords="offset points", color=_QUIET,
    )  # fmt: skip
    plot.set_xlabel(axes.latency_title)
    plot.set_ylabel(axes.energy_title)
    plot.set_title(_title(digest), loc="left", fontsize=12.5, fontweight="bold", pad=34, parse_math=False)
    plot.grid(axis="y", color=_RULE, lw=0.8)
    plot.set_axisbelow(True)
    plot.spines[["top", "right", "left"]].set_visible(False)
    plot.tick_params(length=0)


def _title(digest: Digest) -> str:
    workload, recommendation = digest.study.request.workload, digest.study.recommendation
    if recommendation is None or recommendation.comparison is None:
        return workload
    return f"{workload}: saves {share_text(recommendation.comparison.saving)} ({digest.provenance})"


def _draw_points(plot: Any, digest: Digest, axes: Axes, verdict: Verdict) -> None:
    trials = [trial for trial in digest.explored if measurement_of(trial).verdict is verdict]
    if not trials:
        return
    plot.scatter(
        *zip(*(_position(trial, axes) for trial in trials), strict=True),
        s=58,
        marker=_MARKS[verdict],
        color=VERDICT_COLOURS[verdict],
        edgecolor="white",
        linewidth=0.8,
        label=verdict.value,
        zorder=4,
    )


def _draw_errors(plot: Any, digest: Digest, axes: Axes) -> None:
    bands = [trial for trial in digest.explored if measurement_of(trial).energy.band]
    if bands:
        ends = [error_of(trial) for trial in bands]
        plot.vlines(
            [_position(trial, axes)[0] for trial in bands],
            [end.low / axes.energy.factor for end in ends],
            [end.high / axes.energy.factor for end in ends],
            color=SLO_COLOUR,
            alpha=0.35,
            lw=1,
            label="band of the estimate",
            zorder=1,
        )
    if digest.explored:
        plot.set_ylim(bottom=0)


def _position(trial: Trial, axes: Axes) -> tuple[float, float]:
    measurement = measurement_of(trial)
    return measurement.slo_latency_s / axes.latency.factor, measurement.energy.per_request_j / axes.energy.factor
