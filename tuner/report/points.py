"""What is drawn of a study, whatever draws it: marks, colours, axes, the points and their names."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tuner.report.digest import Digest, measurement_of
from tuner.report.vocabulary import origin_text
from tuner.trial import Interval, Trial, Verdict

VERDICT_COLOURS = {Verdict.FEASIBLE: "#0f9d76", Verdict.INFEASIBLE: "#d9573c", Verdict.UNDECIDED: "#c9931a"}
"""By verdict; each legible on white and on near-black, and apart for the colour-blind by lightness too."""
FRONT_COLOUR = "#5b7fd6"
SLO_COLOUR = "#8a8f98"


@dataclass(frozen=True)
class Scale:
    """The unit of an axis.

    Attributes:
        factor: What a number in SI units is divided by.
        unit: The unit, with its prefix.
    """

    factor: float
    unit: str


@dataclass(frozen=True)
class Axes:
    """Units and titles of the chart of energy against latency."""

    latency: Scale
    energy: Scale
    latency_title: str
    energy_title: str


def axes_of(digest: Digest) -> Axes:
    """Chooses units in which most figures lie above one."""
    latency = _scale([measurement_of(trial).slo_latency_s for trial in digest.explored], "s")
    energy = _scale([measurement_of(trial).energy.per_request_j for trial in digest.explored], "J")
    return Axes(
        latency=latency,
        energy=energy,
        latency_title=f"p{digest.slo.percentile:g} latency, {latency.unit}",
        energy_title=f"Energy per request, {energy.unit}\n({origin_text(digest.provenance, digest.scope)})",
    )


def error_of(trial: Trial) -> Interval:
    """Returns what the error bar shows: the band of an estimate, else the 95 % interval."""
    energy = measurement_of(trial).energy
    return energy.band or energy.interval


def spans_decades(digest: Digest) -> bool:
    """Whether latencies differ so much that only a logarithmic axis shows them all."""
    latencies = [measurement_of(trial).slo_latency_s for trial in digest.explored]
    return bool(latencies) and max(latencies) > 8 * min(latencies)


def logarithmic_ticks(low: float, high: float) -> list[float]:
    """Returns the ticks 1, 2 and 5 of every decade between two positive numbers, and the nearest outside."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**decade for decade in decades for step in (1, 2, 5)]


def landmarks(digest: Digest) -> tuple[tuple[str, Trial], ...]:
    """Returns the trials that are named in a chart, each once: baseline, recommended or incumbent."""
    named: list[tuple[str, Trial]] = []
    if digest.recommended is not None and digest.recommended.measurement:
        named.append(("recommended", digest.recommended))
    elif digest.incumbent is not None:
        named.append(("incumbent", digest.incumbent))
    elif digest.closest is not None:
        named.append(("closest", digest.closest))
    baseline = digest.study.baseline
    if baseline is not None and baseline not in [trial for _, trial in named]:
        return (("baseline", baseline), *named)
    return tuple((f"baseline, {name}" if trial is baseline else name, trial) for name, trial in named)


def _scale(values: list[float], unit: str) -> Scale:
    smallest = min(values, default=1.0)
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "µ")):
        if smallest >= factor:
            return Scale(factor, prefix + unit)
    return Scale(1e-9, f"n{unit}")
