"""The names in a chart of energy against latency: those of the landmarks, and the SLO's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuner.report.digest import Digest
from tuner.report.placement import Canvas, Name, Obstacle, Offset, Place, line_obstacles, place_names, point_obstacles
from tuner.report.points import error_of, landmarks
from tuner.report.view import View, energy_j, latency_s
from tuner.report.vocabulary import slo_text
from tuner.trial import Trial

_EDGE = 0.12
"""Share of the width at either edge within which the SLO's name is not centred."""


@dataclass(frozen=True)
class LandmarkLabel:
    """The name of a landmark: its trial, and the way from the point to the middle of the name."""

    name: str
    trial: Trial
    offset: Offset


@dataclass(frozen=True)
class SloLabel:
    """The name of the SLO, above the chart.

    Attributes:
        text: The bound, with an arrow if it lies outside.
        share: Where the name stands, as a share of the width.
        alignment: ``left``, ``center`` or ``right``: the part of the name that stands there.
        is_inside: Whether the bound lies inside.
    """

    text: str
    share: float
    alignment: str
    is_inside: bool


def landmark_labels(digest: Digest, view: View, canvases: Sequence[Canvas]) -> tuple[LandmarkLabel, ...]:
    """Finds places for the names of the landmarks.

    Args:
        digest: The study.
        view: What the chart shows.
        canvases: The sizes at which it may be drawn.
    """
    named = landmarks(digest)
    names = [Name(name, _place(trial, view)) for name, trial in named]
    offsets = place_names(names, _obstacles(digest, view), canvases)
    return tuple(LandmarkLabel(name, trial, offset) for (name, trial), offset in zip(named, offsets, strict=True))


def slo_label(digest: Digest, view: View) -> SloLabel:
    """Returns the name of the SLO and where it goes."""
    text, share = slo_text(digest.slo), view.latency.share(digest.slo.bound_s)
    if share < 0:
        return SloLabel(f"\N{LEFTWARDS ARROW} {text}", 0.0, "left", is_inside=False)
    if share > 1:
        return SloLabel(f"{text} \N{RIGHTWARDS ARROW}", 1.0, "right", is_inside=False)
    alignment = "left" if share < _EDGE else "right" if share > 1 - _EDGE else "center"
    return SloLabel(text, share, alignment, is_inside=True)


def _place(trial: Trial, view: View) -> Place:
    return view.latency.share(latency_s(trial)), view.energy.share(energy_j(trial))


def _obstacles(digest: Digest, view: View) -> list[Obstacle]:
    """Returns every point, the steps of the front, the error bars of the landmarks, and the line of the SLO."""
    measured = [trial for trial in (*digest.explored, *digest.confirmations) if trial not in view.outside]
    places = [_place(trial, view) for trial in measured]
    bound = view.latency.share(digest.slo.bound_s)
    lines = [_steps([_place(trial, view) for trial in digest.front if trial not in view.outside])]
    lines += [_error_bar(trial, view) for _, trial in landmarks(digest)]
    lines += [[(bound, 0.0), (bound, 1.0)]] if 0 <= bound <= 1 else []
    return [*point_obstacles(places), *(obstacle for line in lines for obstacle in line_obstacles(line))]


def _steps(places: Sequence[Place]) -> list[Place]:
    corners = [(after[0], before[1]) for before, after in pairwise(places)]
    return [point for pair in zip(places, corners, strict=False) for point in pair] + list(places[-1:])


def _error_bar(trial: Trial, view: View) -> list[Place]:
    error, latency = error_of(trial), view.latency.share(latency_s(trial))
    ends = (min(1.0, max(0.0, view.energy.share(end))) for end in (error.low, error.high))
    return [(latency, end) for end in ends]
