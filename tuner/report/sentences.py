"""The result of a study in sentences: the same on the terminal and on the page."""

from __future__ import annotations

from knobs.contract import Provenance
from tuner.report.digest import Digest, measurement_of
from tuner.report.vocabulary import (
    energy_text,
    origin_text,
    quantity_text,
    share_interval_text,
    share_text,
    slos_text,
)
from tuner.study_record import Comparison, StudyState
from tuner.trial import Interval, Measurement, Trial, Verdict

_ABOUT_PROVENANCE = {
    Provenance.MEASURED: "Joules are measured by the machine's own meters.",
    Provenance.ESTIMATED: "Joules are estimated, not measured: measured time, multiplied by assumed power.",
    Provenance.SIMULATED: "Joules are simulated: this device does not exist; the figures are its model's.",
}


def result_sentence(digest: Digest) -> str:
    """Returns the study's result in one sentence, with the saving, its interval and the provenance."""
    study = digest.study
    if study.recommendation is not None:
        return _recommended(digest, study.recommendation.comparison)
    if study.state is StudyState.INFEASIBLE:
        return _infeasible(digest)
    opening = {
        StudyState.RUNNING: "The study is still running",
        StudyState.CANCELLED: "The study was cancelled",
        StudyState.FAILED: "The study failed",
        StudyState.DONE: "The study ended without a recommendation",
    }[study.state]
    return f"{opening}{_so_far(digest)}."


def knobs_sentence(digest: Digest) -> str:
    """Says what the knobs save by themselves; empty where the saving belongs to one kind of parameter anyway."""
    comparison = digest.study.recommendation.comparison if digest.study.recommendation else None
    if comparison is None or comparison.knob_saving is None or comparison.knob_saving_interval is None:
        return ""
    interval = comparison.knob_saving_interval
    saving = share_text(comparison.knob_saving)
    if interval.low <= 0 <= interval.high:
        saving = "nothing that can be told from zero"
    return (
        f"With the recommended serving parameters in both, the knobs by themselves save {saving} "
        f"(95 % interval {share_interval_text(interval)}); the rest comes from the serving parameters."
    )


def provenance_sentence(digest: Digest) -> str:
    """Says in one sentence where the joules come from."""
    return _ABOUT_PROVENANCE[digest.provenance]


def baseline_sentence(digest: Digest) -> str:
    """Says in one sentence what the baseline, trial 0, does."""
    baseline = digest.study.baseline
    if baseline is None:
        return "The baseline has not been measured yet."
    return f"The baseline is {_trial_figures(digest, baseline)}."


def latency_texts(digest: Digest, measurement: Measurement) -> tuple[str, ...]:
    """Returns the latency that each SLO bounds with what it is: "p90 191 ms", "p90 ttft 84.0 ms"."""
    known = zip(digest.study.objective.slos, measurement.slo_latencies_s, strict=False)
    return tuple(f"{slo.quantile} {quantity_text(latency_s, 's')}" for slo, latency_s in known)


def latency_text(digest: Digest, measurement: Measurement) -> str:
    """Returns the same in one line: "p90 ttft 84.0 ms and p90 tpot 31.0 ms"."""
    return " and ".join(latency_texts(digest, measurement))


def _recommended(digest: Digest, comparison: Comparison | None) -> str:
    slos = slos_text(digest.study.objective)
    if comparison is None:
        return f"The baseline is already the best configuration found that holds {slos}."
    hold = "holds" if len(digest.study.objective.slos) == 1 else "hold"
    origin = origin_text(digest.provenance, digest.scope)
    saving, interval = comparison.saving, comparison.saving_interval
    if saving < 0:
        more = Interval(-interval.high, -interval.low)
        figures = f"uses {share_text(-saving)} more energy per request ({origin}; 95 % interval "
        return f"The recommended configuration {figures}{share_interval_text(more)}) than the baseline; {slos} {hold}."
    figures = f"saves {share_text(saving)} of the energy per request ({origin}; 95 % interval "
    return f"The recommended configuration {figures}{share_interval_text(interval)}) while {slos} {hold}."


def _infeasible(digest: Digest) -> str:
    slos = slos_text(digest.study.objective)
    if digest.closest is None:
        return f"No configuration was shown to hold {slos}: none could be measured."
    measurement = measurement_of(digest.closest)
    latency = latency_text(digest, measurement)
    if measurement.verdict is Verdict.UNDECIDED:
        latency += ", undecided as too few requests were seen"
    return f"No configuration was shown to hold {slos}: the closest is trial {digest.closest.number} with {latency}."


def _so_far(digest: Digest) -> str:
    if digest.incumbent is None:
        return ": no configuration was shown to hold the SLO so far"
    return f": the best configuration so far is {_trial_figures(digest, digest.incumbent)}"


def _trial_figures(digest: Digest, trial: Trial) -> str:
    measurement = measurement_of(trial)
    latency = latency_text(digest, measurement)
    return f"trial {trial.number} with {energy_text(measurement.energy)} and {latency}"
