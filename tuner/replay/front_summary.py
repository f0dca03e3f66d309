"""How much of the Pareto fronts each method has found, after how many trials."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from simulation.measured_table import GROUPS
from tuner.replay.cells import Cells
from tuner.replay.front import LOOKS, FrontRow
from tuner.replay.methods import FRONT_METHODS


@dataclass(frozen=True)
class FrontSummary:
    """All runs of one method in one group.

    Attributes:
        group: ``inference`` or ``stress``.
        method: The proposer's name.
        runs: How many rows this sums up.
        within_slo: Mean share of the hypervolume within the SLO, after each of :data:`~tuner.replay.front.LOOKS`
            trials and at the stop.
        overall: The same of the whole front.
        mean_stopped_at: Mean of ``stopped_at``.
        violations_to_stop: Mean of the trials up to then that broke the SLO.
        seconds_per_proposal: Mean time of a proposal.
    """

    group: str
    method: str
    runs: int
    within_slo: tuple[float, ...]
    overall: tuple[float, ...]
    mean_stopped_at: float
    violations_to_stop: float
    seconds_per_proposal: float


def summarize_fronts(rows: Sequence[FrontRow]) -> list[FrontSummary]:
    """Returns a summary for each group and method that occurs."""
    cells = [(group, method) for group in GROUPS for method in FRONT_METHODS.names]
    selections = [[row for row in rows if (row.group, row.method) == cell] for cell in cells]
    return [_summary(selected) for selected in selections if selected]


def front_tables(rows: Sequence[FrontRow]) -> list[Cells]:
    """Returns the table within the SLO, that of the whole front, and that of the stops."""
    summaries = summarize_fronts(rows)
    return [
        _shares(
            "Share of the Pareto front's hypervolume within the SLO", summaries, [one.within_slo for one in summaries]
        ),
        _shares("Share of the whole Pareto front's hypervolume", summaries, [one.overall for one in summaries]),
        _stops(summaries),
    ]


def _summary(rows: Sequence[FrontRow]) -> FrontSummary:
    return FrontSummary(
        group=rows[0].group,
        method=rows[0].method,
        runs=len(rows),
        within_slo=_means([_at_looks(row.within_slo, row.stopped_at) for row in rows]),
        overall=_means([_at_looks(row.overall, row.stopped_at) for row in rows]),
        mean_stopped_at=statistics.fmean(row.stopped_at for row in rows),
        violations_to_stop=statistics.fmean(sum(row.is_violation[: row.stopped_at]) for row in rows),
        seconds_per_proposal=statistics.fmean(row.seconds_per_proposal for row in rows),
    )


def _at_looks(shares: Sequence[float], stopped_at: int) -> list[float]:
    """Returns the share at each look, and at the stop; a run that has tried everything keeps what it had."""
    return [shares[min(trials, len(shares)) - 1] for trials in (*LOOKS, stopped_at)]


def _means(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(statistics.fmean(column) for column in zip(*rows, strict=True))


def _shares(title: str, summaries: Sequence[FrontSummary], shares: Sequence[Sequence[float]]) -> Cells:
    return Cells(
        title=title,
        names=("group", "method"),
        figures=(*(f"{trials} trials" for trials in LOOKS), "at the stop"),
        rows=tuple(
            (summary.group, summary.method, *(f"{share:.1%}" for share in at_looks))
            for summary, at_looks in zip(summaries, shares, strict=True)
        ),
    )


def _stops(summaries: Sequence[FrontSummary]) -> Cells:
    return Cells(
        title="When it stops, and what that takes",
        names=("group", "method"),
        figures=("runs", "stops at", "broke SLO", "s each"),
        rows=tuple(
            (
                summary.group,
                summary.method,
                str(summary.runs),
                f"{summary.mean_stopped_at:.1f}",
                f"{summary.violations_to_stop:.1f}",
                f"{summary.seconds_per_proposal:.3f}",
            )
            for summary in summaries
        ),
    )
