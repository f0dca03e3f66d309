"""What a study recommends, with every caveat that belongs beside the figure."""

from __future__ import annotations

from knobs.contract import Calibration, MeterSpec, PowerCoefficients
from tuner.configuration import Owner
from tuner.objective import at_rate
from tuner.study.break_even import break_even
from tuner.study.confirmation import Confirmation
from tuner.study.sensitivity import rivals, saving_over_band
from tuner.study_record import Recommendation, Study
from tuner.trial import Circumstances, Trial, Verdict

_EQUAL_WITHIN = 0.02
"""Two configurations whose energies differ by less count as equal."""
_MOST_NAMES = 4
_MOSTLY = 0.5


def recommend(
    study: Study, confirmation: Confirmation, meter: MeterSpec, notes: tuple[str, ...] = ()
) -> Recommendation:
    """Returns the recommendation for a confirmed winner.

    Args:
        study: The study, with all its trials.
        confirmation: What fresh data say; it has a winner.
        meter: The meter that was used; an estimating one says by which model.
        notes: What the adapter says about how the workload is measured.
    """
    winner = confirmation.winner
    if winner is None:
        raise ValueError("A confirmation without a winner recommends nothing.")
    comparison = confirmation.comparison
    kept = [parameter.id for parameter in study.space.parameters if parameter.owner in (Owner.KNOB, Owner.PERSISTENT)]
    return Recommendation(
        configuration=winner.configuration,
        trial=winner.number,
        comparison=comparison,
        applicable=winner.configuration.only(kept),
        study_only=tuple(name for name in winner.configuration if name not in kept),
        caveats=(
            *confirmation.caveats,
            *_about_baseline(study),
            *_about_significance(confirmation),
            *_about_sharing(study),
            *_about_power_cap(winner),
            *_about_estimate(study, confirmation, meter.coefficients),
            *_about_calibration(meter.calibration),
            *notes,
        ),
        break_even=None if comparison is None else break_even(study, comparison),
    )


def _about_baseline(study: Study) -> list[str]:
    baseline = study.baseline
    if baseline is None or baseline.measurement is None or baseline.is_feasible:
        return []
    if baseline.measurement.verdict is Verdict.INFEASIBLE:
        return ["The baseline itself breaks the SLO."]
    return ["Too few requests were seen to say whether the baseline itself holds the SLO."]


def _about_significance(confirmation: Confirmation) -> list[str]:
    comparison = confirmation.comparison
    if comparison is None or comparison.saving_interval.low > 0 or comparison.saving_interval.high < 0:
        return []
    return ["The saving cannot be told from zero: its interval contains zero."]


def _about_sharing(study: Study) -> list[str]:
    """Says that the machine was shared: what others draw is in the joules, and what they run is in the latencies."""
    shared = [trial for trial in study.trials if trial.measurement and trial.measurement.circumstances.foreign]
    if not shared:
        return []
    others = dict.fromkeys(name for trial in shared for name in _circumstances(trial).foreign)
    return [
        f"The device was shared in {len(shared)} of {len(study.trials)} trials, and the figures include that load: "
        f"{', '.join(list(others)[:_MOST_NAMES])}{' and others' if len(others) > _MOST_NAMES else ''}."
    ]


def _about_power_cap(winner: Trial) -> list[str]:
    share = _circumstances(winner).power_capped_share
    if share < _MOSTLY:
        return []
    return [f"Under the recommendation a power cap holds the clock down for {share:.0%} of the time."]


def _circumstances(trial: Trial) -> Circumstances:
    return trial.measurement.circumstances if trial.measurement is not None else Circumstances()


def _about_estimate(study: Study, confirmation: Confirmation, coefficients: PowerCoefficients | None) -> list[str]:
    winner = confirmation.winner
    if coefficients is None or winner is None:
        return []
    sentences = [
        "Joules are estimated from CPU seconds and wall seconds, which are measured, over ranges of "
        f"{coefficients.static_w[0]:g} to {coefficients.static_w[2]:g} W of static power and "
        f"{coefficients.cpu_core_w[0]:g} to {coefficients.cpu_core_w[2]:g} W for each busy core."
    ]
    if band := saving_over_band(confirmation.baseline, confirmation.recommended, coefficients):
        sentences.append(f"Over these ranges the recommendation saves {band.low:.0%} to {band.high:.0%}.")
    others = [trial for trial in _standing(study) if trial.configuration != winner.configuration]
    found = rivals(winner, others, coefficients, _EQUAL_WITHIN)
    sentences += [
        f"The recommendation would change within the band: at {rival.static_to_core_ratio:.2g} W of static power "
        f"for each watt of a busy core, trial {rival.trial.number} uses {rival.advantage:.0%} less."
        for rival in found
    ]
    return sentences if found else [*sentences, "The recommendation is the same over the whole band."]


def _about_calibration(calibration: Calibration | None) -> list[str]:
    if calibration is None:
        return []
    return [
        f"Joules of the scope '{calibration.scope}' are estimated from {calibration.meter}, which is measured: "
        f"{calibration.factor:.4g} times its joules and {calibration.base_w:.4g} W all the time, to within "
        f"{calibration.error:.1%} of a reference meter."
    ]


def _standing(study: Study) -> list[Trial]:
    """Feasible trials whose configuration has not broken the SLO when it was measured again."""
    broken = {
        trial.configuration
        for trial in study.trials
        if trial.measurement is not None and trial.measurement.verdict is Verdict.INFEASIBLE
    }
    return [trial for trial in study.trials if trial.is_feasible and trial.configuration not in broken]


def closest_to_feasible(study: Study) -> str:
    """Returns a sentence that names the configuration that comes closest to holding every SLO."""
    found = [
        (latency_s / slo.bound_s, trial.number, trial, slo, latency_s)
        for trial in study.trials
        if trial.measurement is not None
        for slo, latency_s in [study.objective.tightest(trial.measurement.slo_latencies_s)]
    ]
    if not found:
        return "No configuration could be measured."
    _, number, closest, slo, latency_s = min(found, key=lambda row: row[:2])
    return (
        f"No configuration was shown to hold {' and '.join(map(str, study.objective.slos))}: the closest is trial "
        f"{number}{at_rate(closest.arrival_rate_hz)} ({closest.configuration}) with {slo.quantile} = "
        f"{latency_s * 1e3:.4g} ms."
    )
