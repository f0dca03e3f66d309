"""The parts of a study that its charts show at first: the front, the landmarks and the SLO, with what lies near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.report.axes import Axis, axis_over, unit_for
from tuner.report.digest import Digest, measurement_of
from tuner.report.points import error_of, landmarks
from tuner.report.vocabulary import origin_text, quantile_title
from tuner.trial import Trial, Verdict

_SLO_REACH = 3.0
"""An SLO is shown up to this many spans away from the trials of interest, on a logarithmic scale."""
_LEAST_RATIO = 1.25
"""Trials that differ less than this are taken to span this much."""


@dataclass(frozen=True)
class View:
    """What a chart of energy shows at first, whatever draws it.

    Attributes:
        latency: The axis of latency.
        energy: The axis of energy per request.
        outside: Measured trials that lie outside.
    """

    latency: Axis
    energy: Axis
    outside: tuple[Trial, ...]


def front_view(digest: Digest) -> View:
    """Chooses the axes of energy against latency. Something must have been explored."""
    measured = (*digest.explored, *digest.confirmations)
    interest = _of_interest(digest)
    latencies = [latency_s(trial) for trial in interest]
    bound = [digest.slo.bound_s] if _is_near(digest.slo.bound_s, latencies) else []
    unit = unit_for(map(latency_s, digest.explored), "s")
    latency = axis_over([*latencies, *bound], map(latency_s, measured), unit)
    visible = [trial for trial in measured if latency.holds(latency_s(trial))]
    energy = axis_over(
        [end for trial in interest for end in _extent(trial)],
        [end for trial in visible for end in _extent(trial)],
        unit_for(map(energy_j, digest.explored), "J"),
    )
    return View(latency, energy, tuple(trial for trial in measured if not _is_shown(trial, latency, energy)))


def search_axis(digest: Digest) -> Axis:
    """Chooses the axis of energy over the course of the search, and over single parameters."""
    interest = [trial for trial in digest.explored if trial.is_feasible] or list(_of_interest(digest))
    unit = unit_for(map(energy_j, digest.explored), "J")
    return axis_over([energy_j(trial) for trial in interest], map(energy_j, digest.explored), unit)


def latency_title(digest: Digest, axis: Axis) -> str:
    """Returns the title of an axis of latency."""
    return f"{quantile_title(digest.slo)}, {axis.unit.symbol}{axis.scale_remark}"


def energy_title(digest: Digest, axis: Axis) -> str:
    """Returns the title of an axis of energy, in two lines: what it is, and provenance and scope."""
    origin = origin_text(digest.provenance, digest.scope)
    return f"Energy per request, {axis.unit.symbol}{axis.scale_remark}\n({origin})"


def outside_text(count: int) -> str:
    """Says how many trials a chart does not show at first; nothing if it shows all."""
    if count == 0:
        return ""
    return "1 trial lies outside" if count == 1 else f"{count} trials lie outside"


def latency_s(trial: Trial) -> float:
    """Returns a measured trial's latency at the percentile of the first SLO."""
    return measurement_of(trial).slo_latency_s


def energy_j(trial: Trial) -> float:
    """Returns a measured trial's energy per request."""
    return measurement_of(trial).energy.per_request_j


def _of_interest(digest: Digest) -> tuple[Trial, ...]:
    """Returns the front as far as it is not known to break the SLO, the landmarks, and what was measured again."""
    front = [trial for trial in digest.front if measurement_of(trial).verdict is not Verdict.INFEASIBLE]
    return (*(front or digest.front), *(trial for _, trial in landmarks(digest)), *digest.confirmations)


def _extent(trial: Trial) -> tuple[float, ...]:
    """Returns a trial's energy with both ends of its error bar, if the charts draw one."""
    if measurement_of(trial).energy.band is None or trial.purpose.is_another_look:
        return (energy_j(trial),)
    error = error_of(trial)
    return error.low, energy_j(trial), error.high


def _is_shown(trial: Trial, latency: Axis, energy: Axis) -> bool:
    return latency.holds(latency_s(trial)) and energy.holds(energy_j(trial))


def _is_near(bound_s: float, latencies: Sequence[float]) -> bool:
    low, high = min(latencies), max(latencies)
    if low <= 0:
        return True
    span = math.log(max(high / low, _LEAST_RATIO))
    return max(math.log(bound_s / high), math.log(low / bound_s)) <= _SLO_REACH * span
