"""The parts of the page in the order in which they are read, charts apart."""

from __future__ import annotations

from tuner.configuration import Owner
from tuner.objective import at_rate
from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, join, typeset
from tuner.report.page.trials import Heading, heading_text, number_cell, table
from tuner.report.rates import hysteresis_sentence, rate_sentences
from tuner.report.sentences import baseline_sentence, knobs_sentence, provenance_sentence
from tuner.report.shown_figures import figure_rows
from tuner.report.vocabulary import (
    NOTHING,
    configuration_text,
    origin_text,
    owner_text,
    parameter_label,
    value_text,
)
from tuner.trial import Trial

_EMPTY = Markup("")


def heading(digest: Digest) -> Markup:
    """Returns the title and the result in one sentence, or in one for each arrival rate, with its provenance."""
    study = digest.study
    origin = origin_text(digest.provenance, digest.scope)
    return join(
        (
            element("p", element("b", "Wattune"), f" · {study.state} · {study.started_at[:10]}", class_="eyebrow"),
            element("h1", study.request.workload),
            *(element("p", typeset(sentence), class_="result") for sentence in rate_sentences(digest)),
            *(element("p", typeset(sentence)) for sentence in _beside_result(digest)),
            element(
                "p",
                element("span", origin, class_=f"origin {digest.provenance}"),
                provenance_sentence(digest),
                class_="provenance",
            ),
        )
    )


def _beside_result(digest: Digest) -> list[str]:
    sentence = hysteresis_sentence(digest) if digest.has_several_rates else knobs_sentence(digest)
    return [sentence] if sentence else []


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
    if study.recommendation is None or found is None or baseline is None:
        title = f"Baseline{digest.at_rate}"
        return join((element("h2", title), element("p", baseline_sentence(digest), class_="quiet")))
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
            element("h2", f"Baseline and recommendation{digest.at_rate}"),
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
    # The knobs' own part stands beside the result, where there is one result.
    about_knobs = f" {knobs_sentence(digest)}" if digest.at_rate else ""
    return element("p", typeset(text + about_knobs).strip(), class_="quiet")


def _figure_rows(digest: Digest) -> list[Markup]:
    recommendation, found, baseline = digest.study.recommendation, digest.recommended, digest.study.baseline
    assert recommendation is not None and found is not None and baseline is not None
    before = digest.figures(baseline.configuration, baseline)
    after = digest.figures(recommendation.configuration, found)
    return [
        element(
            "tr",
            element("td", heading_text(row.name), " ", element("small", typeset(row.remark))),
            *(number_cell(text) for text in row.cells),
            element("td"),
        )
        for row in figure_rows(digest, before, after)
    ]


def set_apart(digest: Digest) -> Markup:
    """Returns the trials that were cut short, and those that do not count at all, and why."""
    parameters = digest.study.space.parameters

    def row(trial: Trial, *cells: Markup) -> Markup:
        configuration = configuration_text(trial.configuration, parameters) + at_rate(trial.arrival_rate_hz)
        return element("tr", number_cell(str(trial.number)), *cells, element("td", configuration, class_="wrap quiet"))

    early = [
        row(trial, element("td", trial.measurement.ended_early, class_="wrap"))
        for trial in digest.ended_early
        if trial.measurement
    ]
    rejected = [
        row(trial, element("td", str(trial.rejection.cause)), element("td", trial.rejection.reason, class_="wrap"))
        for trial in digest.rejected
        if trial.rejection
    ]
    number, configuration = Heading("Trial", is_numeric=True), Heading("Configuration")
    parts: list[Markup] = []
    if early:
        note = "They count, but their energy is known less well: there was nothing to be gained by measuring on."
        parts += [element("h2", "Trials cut short"), element("p", note, class_="quiet")]
        parts.append(table((number, Heading("Because"), configuration), early))
    if rejected:
        parts += [element("h2", "Rejected trials")]
        parts.append(table((number, Heading("Cause"), Heading("Reason"), configuration), rejected))
    return join(parts)


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
