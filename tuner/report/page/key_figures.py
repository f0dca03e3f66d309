"""The figures that a reader looks for first."""

from __future__ import annotations

from tuner.report.cost_sentences import break_even_remark, break_even_text
from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, typeset
from tuner.report.rates import saving_text
from tuner.report.sentences import latency_texts
from tuner.report.vocabulary import (
    configuration_text,
    duration_text,
    grouped_text,
    origin_text,
    per_token_text,
    quantity_text,
    scenario_text,
    share_interval_text,
    share_text,
    slo_text,
)
from tuner.study_record import Comparison, Study
from tuner.trial import Trial

_KeyFigure = tuple[str, str, str]
"""Its name, the figure in one or more lines, and a remark."""


def key_figures(digest: Digest) -> Markup:
    """Returns the saving with what belongs to it, or what is known so far; then the effort, and what was asked for."""
    study = digest.study
    comparison = study.recommendation.comparison if study.recommendation else None
    best = digest.incumbent or digest.closest
    figures: list[_KeyFigure] = []
    if digest.has_several_rates:
        figures += _saving_over_rates(study)
    elif comparison is not None:
        figures += _comparison_figures(digest, comparison)
    elif best is not None:
        figures += _best_figures(digest, best)
    figures += [*_break_even(study), _trial_count(digest), _objective(study)]
    return element("dl", *map(_block, figures), class_="key")


def _block(figure: _KeyFigure) -> Markup:
    name, text, remark = figure
    class_ = "lines" if "\n" in text else None
    return element(
        "div", element("dt", name), element("dd", typeset(text), class_=class_), element("dd", typeset(remark))
    )


def _saving_over_rates(study: Study) -> list[_KeyFigure]:
    saving = saving_text(study.recommendation)
    return [("Saving", saving, "of the energy per request, by arrival rate")] if saving else []


def _comparison_figures(digest: Digest, comparison: Comparison) -> list[_KeyFigure]:
    before = quantity_text(comparison.baseline_per_request_j, "J")
    after_per_token_j, before_per_token_j = _per_token_j(digest)
    return [
        ("Saving", share_text(comparison.saving), f"95 % interval {share_interval_text(comparison.saving_interval)}"),
        (
            "Energy per request",
            quantity_text(comparison.recommended_per_request_j, "J"),
            _listed(
                _per_token_text(after_per_token_j),
                f"baseline {before}{_per_token_text(before_per_token_j, ', ')}",
                _origin(digest),
            ),
        ),
    ]


def _per_token_j(digest: Digest) -> tuple[float | None, float | None]:
    """Returns energy per token under the recommendation and under the baseline; None where no tokens were served."""
    recommendation, found, baseline = digest.study.recommendation, digest.recommended, digest.study.baseline
    if recommendation is None or found is None or found.measurement is None or baseline is None:
        return None, None
    after = digest.figures(recommendation.configuration, found)
    return after.per_token_j, digest.figures(baseline.configuration, baseline).per_token_j


def _per_token_text(joules: float | None, separator: str = "") -> str:
    return "" if joules is None else separator + per_token_text(joules)


def _listed(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _best_figures(digest: Digest, best: Trial) -> list[_KeyFigure]:
    if best.measurement is None:
        return []
    what = "Best so far" if digest.incumbent else "Closest to the SLO"
    energy, name = best.measurement.energy, f"trial {best.number}"
    remark = _listed(_per_token_text(energy.per_token_j), name, _origin(digest))
    return [
        (what, name, configuration_text(best.configuration, digest.study.space.parameters)),
        ("Energy per request", quantity_text(energy.per_request_j, "J"), remark),
        ("Latency", "\n".join(latency_texts(digest, best.measurement)), name),
    ]


def _break_even(study: Study) -> list[_KeyFigure]:
    break_even = study.recommendation.break_even if study.recommendation else None
    if break_even is None:
        return []
    return [("Paid for after", break_even_text(break_even), break_even_remark(break_even))]


def _trial_count(digest: Digest) -> _KeyFigure:
    study = digest.study
    remark = f"of {grouped_text(study.space.size)} configurations, in {duration_text(study.duration_s)}"
    rejected = f"; {len(digest.rejected)} rejected" if digest.rejected else ""
    return "Trials", str(len(study.trials)), remark + rejected


def _objective(study: Study) -> _KeyFigure:
    return (
        "Objective",
        "\n".join(map(slo_text, study.objective.slos)),
        f"least energy per request, {scenario_text(study.objective)}",
    )


def _origin(digest: Digest) -> str:
    return origin_text(digest.provenance, digest.scope)
