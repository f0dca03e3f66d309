"""The figures that tables show of a configuration, one a column or row: which ones a study has, and how they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner.report.digest import Digest, Figures
from tuner.report.vocabulary import NOTHING, interval_text, origin_text, quantity_text, share_text


@dataclass(frozen=True)
class ShownFigure:
    """One figure.

    Attributes:
        name: Its name, short enough for the head of a column.
        remark: What belongs beside the name: what joules are, what an abbreviation stands for.
        value: Finds it among the figures of a configuration; None where it is not known.
        text: Writes it.
        bound: What an SLO asks of it; empty if none does.
        title: Its name where it stands alone, if that is another.
    """

    name: str
    remark: str
    value: Callable[[Figures], float | None]
    text: Callable[[float], str]
    bound: str = ""
    title: str = ""

    def text_of(self, figures: Figures) -> str:
        """Returns the figure as it is shown."""
        value = self.value(figures)
        return NOTHING if value is None else self.text(value)


@dataclass(frozen=True)
class FigureRow:
    """One figure of several configurations side by side.

    Attributes:
        name: Its name.
        cells: The figure of each.
        remark: What belongs beside it.
    """

    name: str
    cells: tuple[str, ...]
    remark: str


def shown_figures(digest: Digest, *, only_bounded: bool = False) -> tuple[ShownFigure, ...]:
    """Returns the figures that the tables of a study show, in order; energy per request comes first.

    Args:
        digest: The study.
        only_bounded: Whether to leave out latencies that no SLO bounds.
    """
    origin = origin_text(digest.provenance, digest.scope)
    energy = ShownFigure("energy/request", origin, lambda figures: figures.per_request_j, _joules)
    per_token = ShownFigure("energy/token", origin, lambda figures: figures.per_token_j, _joules)
    idle = ShownFigure("idle", "", lambda figures: figures.idle_share, share_text)
    latencies = [_latency(digest, position) for position in range(len(digest.latencies))]
    return (
        energy,
        *([per_token] if digest.has_tokens else []),
        *(latency for latency in latencies if latency.bound or not only_bounded),
        *([idle] if digest.has_idle_time else []),
    )


def figure_rows(digest: Digest, *sides: Figures) -> tuple[FigureRow, ...]:
    """Returns the figures of several configurations side by side, the band of estimates among them."""
    energy, *others = (
        FigureRow(
            figure.title or figure.name,
            tuple(map(figure.text_of, sides)),
            f"objective {figure.bound}" if figure.bound else figure.remark,
        )
        for figure in shown_figures(digest)
    )
    bands = [side.band for side in sides if side.band is not None]
    if not bands or len(bands) < len(sides):
        return (energy, *others)
    band = FigureRow("band", tuple(interval_text(band, "J") for band in bands), "over all assumed power")
    return (energy, band, *others)


def _latency(digest: Digest, position: int) -> ShownFigure:
    latency = digest.latencies[position]
    return ShownFigure(
        latency.title if digest.has_tokens else latency.label,
        latency.meaning,
        lambda figures: figures.latencies_s[position],
        lambda seconds: quantity_text(seconds, "s"),
        latency.bound,
        latency.title,
    )


def _joules(joules: float) -> str:
    return quantity_text(joules, "J")
