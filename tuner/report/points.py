"""What is drawn of a study, whatever draws it: colours, error bars, and the points that have a name."""

from __future__ import annotations

from tuner.report.digest import Digest, measurement_of
from tuner.trial import Interval, Trial, Verdict

VERDICT_COLOURS = {Verdict.FEASIBLE: "#0f9d76", Verdict.INFEASIBLE: "#d9573c", Verdict.UNDECIDED: "#c9931a"}
"""By verdict; each legible on white and on near-black, and apart for the colour-blind by lightness too."""
FRONT_COLOUR = "#5b7fd6"
SLO_COLOUR = "#8a8f98"


def error_of(trial: Trial) -> Interval:
    """Returns what the error bar shows: the band of an estimate, else the 95 % interval."""
    energy = measurement_of(trial).energy
    return energy.band or energy.interval


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
