"""The parts of the page in the order in which they are read, charts apart."""

from __future__ import annotations

from tuner.configuration import Owner
from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, join, typeset
from tuner.report.page.trials import Heading, number_cell, table
from tuner.report.sentences import baseline_sentence, knobs_sentence, latency_text, provenance_sentence, result_sentence
from tuner.report.vocabulary import (
    NOTHING,
    configuration_text,
    duration_text,
    interval_text,
    origin_text,
    owner_text,
    parameter_label,
    quantity_text,
    share_interval_text,
    share_text,
    slo_text,
    value_text,
)

_EMPTY = Markup("")


def heading(digest: Digest) -> Markup:
    """Returns the title and the result in one sentence, with its provenance."""
    study = digest.study
    origin = origin_text(digest.provenance, digest.scope)
    return join(
        (
            element("p", element("b", "Wattune"), f" · {study.state} · {study.started_at[:10]}", class_="eyebrow"),
            element("h1", study.request.workload),
            element("p", typeset(result_sentence(digest)), class_="result"),
            element("p", typeset(knobs_sentence(digest))) if knobs_sentence(digest) else _EMPTY,
            element(
                "p",
                element("span", origin, class_=f"origin {digest.provenance}"),
                provenance_sentence(digest),
                class_="provenance",
            ),
        )
    )


def key_figures(digest: Digest) -> Markup:
    """Returns the four figures that a reader looks for first."""
    study = digest.study
    figures = [*_comparison_figures(digest), _trial_count(digest)]
    slos = " and ".join(map(slo_text, study.objective.slos))
    figures.append(("Objective", slos, f"least energy per request, {study.objective.scenario}"))
    blocks = (
        element("div", element("dt", name), element("dd", typeset(figure)), element("dd", typeset(remark)))
        for name, figure, remark in figures
    )
    return element("dl", *blocks, class_="key")


def _comparison_figures(digest: Digest) -> list[tuple[str, str, str]]:
    comparison = digest.study.recommendation.comparison if digest.study.recommendation else None
    if comparison is None:
        best = digest.incumbent or digest.closest
        if best is None or best.measurement is None:
            return []
        what = "Best so far" if digest.incumbent else "Closest to the SLO"
        energy = best.measurement.energy
        return [
            (what, f"trial {best.number}", configuration_text(best.configuration, digest.study.space.parameters)),
            ("Energy per request", quantity_text(energy.per_request_j, "J"), f"trial {best.number}, {_origin(digest)}"),
            ("Latency", latency_text(digest, best.measurement.slo_latency_s), f"trial {best.number}"),
        ]
    before = quantity_text(comparison.baseline_per_request_j, "J")
    return [
        ("Saving", share_text(comparison.saving), f"95 % interval {share_interval_text(comparison.saving_interval)}"),
        (
            "Energy per request",
            quantity_text(comparison.recommended_per_request_j, "J"),
            f"baseline {before}; {_origin(digest)}",
        ),
    ]


def _trial_count(digest: Digest) -> tuple[str, str, str]:
    study = digest.study
    remark = f"of {study.space.size:,} configurations, in {duration_text(study.duration_s)}"
    rejected = f"; {len(digest.rejected)} rejected" if digest.rejected else ""
    return "Trials", str(len(study.trials)), remark + rejected


def caveats(digest: Digest) -> Markup:
    """Returns what belongs beside the figure; nothing if nothing does."""
    recommendation = digest.study.recommendation
    if recommendation is None or not recommendation.caveats:
        return _EMPTY
    sentences = (element("li", typeset(caveat)) for caveat in recommendation.caveats)
    return element("div", element("ul", *sentences), class_="caveats")


def recommendation_table(digest: Digest) -> Markup:
    """Returns baseline and recommendation side by side, and who keeps each value."""
    study, found, baseline = digest.study, digest.recommended, digest.study.baseline
    title = "Baseline and recommendation"
    if study.recommendation is None or found is None or baseline is None:
        return join((element("h2", "Baseline"), element("p", baseline_sentence(digest), class_="quiet")))
    parameters = {parameter.id: parameter for parameter in study.space.parameters}
    rows = []
    for name in digest.parameter_ids():
        unit = parameters[name].unit if name in parameters else ""
        old, new = (
            value_text(configuration[name], unit) if name in configuration else NOTHING
            for configuration in (baseline.configuration, study.recommendation.configuration)
        )
        owner = parameters[name].owner if name in parameters else Owner.STUDY_ONLY
        cells = (parameter_label(name), " ", element("small", name))
        rows.append(
            element(
                "tr",
                element("td", *cells),
                element("td", old, class_="number"),
                element("td", new, class_="number changed" if old != new else "number"),
                element("td", owner_text(owner), class_="wrap quiet"),
            )
        )
    headings = (
        Heading("Parameter"),
        Heading("Baseline", is_numeric=True),
        Heading("Recommended", is_numeric=True),
        Heading("Kept by"),
    )
    return join(
        (
            element("h2", title),
            _remeasured(digest),
            table(headings, (*rows, *_figure_rows(digest))),
        )
    )


def _remeasured(digest: Digest) -> Markup:
    recommendation = digest.study.recommendation
    if recommendation is None or recommendation.comparison is None:
        return _EMPTY
    rounds = recommendation.comparison.rounds
    text = f"Both were measured again on fresh data, interleaved, {rounds} times each."
    return element("p", text, class_="quiet")


def _figure_rows(digest: Digest) -> list[Markup]:
    recommendation, found, baseline = digest.study.recommendation, digest.recommended, digest.study.baseline
    assert recommendation is not None and found is not None and baseline is not None
    before = digest.figures(baseline.configuration, baseline)
    after = digest.figures(recommendation.configuration, found)
    rows = [
        ("Energy per request", *(quantity_text(side.per_request_j, "J") for side in (before, after)), _origin(digest)),
        (
            f"p{digest.slo.percentile:g} latency",
            *(quantity_text(side.slo_latency_s, "s") for side in (before, after)),
            f"objective {slo_text(digest.slo)}",
        ),
    ]
    if before.band and after.band:
        bands = (interval_text(before.band, "J"), interval_text(after.band, "J"))
        rows.insert(1, ("Band of the estimate", *bands, "over all assumed power coefficients"))
    return [
        element(
            "tr",
            element("td", name, " ", element("small", remark)),
            *(number_cell(text) for text in (old, new)),
            element("td"),
        )
        for name, old, new, remark in rows
    ]


def rejections(digest: Digest) -> Markup:
    """Returns the trials that do not count, and why."""
    if not digest.rejected:
        return _EMPTY
    parameters = digest.study.space.parameters
    rows = [
        element(
            "tr",
            number_cell(str(trial.number)),
            element("td", str(trial.rejection.cause)),
            element("td", trial.rejection.reason, class_="wrap"),
            element("td", configuration_text(trial.configuration, parameters), class_="wrap quiet"),
        )
        for trial in digest.rejected
        if trial.rejection
    ]
    headings = (Heading("Trial", is_numeric=True), Heading("Cause"), Heading("Reason"), Heading("Configuration"))
    return join((element("h2", "Rejected trials"), table(headings, rows)))


def machine(digest: Digest) -> Markup:
    """Returns what the study ran on, its meters, and what the machine does not offer."""
    record = digest.study.machine
    meters = ", ".join(record.meters) or "none"
    facts = {"device": record.device, **record.description, "meters": meters, "joules are": _origin(digest)}
    terms = [part for name, fact in facts.items() for part in (element("dt", name), element("dd", fact))]
    parts = [element("h2", "Machine"), element("dl", *terms, class_="facts")]
    if record.absent:
        rows = [
            element(
                "tr",
                element("td", element("code", absence.id)),
                element("td", absence.reason, class_="wrap"),
                element("td", absence.fix or NOTHING, class_="wrap quiet"),
            )
            for absence in record.absent
        ]
        headings = (Heading("Absent"), Heading("Why"), Heading("What to do"))
        parts += [element("h2", "What this machine does not offer"), table(headings, rows)]
    return join(parts)


def _origin(digest: Digest) -> str:
    return origin_text(digest.provenance, digest.scope)
