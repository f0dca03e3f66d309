"""``index.html``: the page as a whole, self-contained, with style, script and charts inside."""

from __future__ import annotations

import json
from importlib.resources import files

from tuner.report.digest import Digest
from tuner.report.page.charts import Figure, front_chart, parameter_charts, plotly_source, progress_chart
from tuner.report.page.markup import Markup, element, join
from tuner.report.page.sections import (
    caveats,
    heading,
    key_figures,
    machine,
    recommendation_table,
    rejections,
)
from tuner.report.page.trials import trials_table
from tuner.report.vocabulary import origin_text
from tuner.study_record import Study


def page(study: Study) -> str:
    """Returns the page.

    Raises:
        BadInputError: Plotly is not installed.
    """
    digest = Digest(study)
    body = (
        heading(digest),
        key_figures(digest),
        caveats(digest),
        *_charts(digest),
        recommendation_table(digest),
        trials_table(digest),
        rejections(digest),
        machine(digest),
        _footer(study),
        _script(plotly_source()),
        _script(_asset("page.js")),
    )
    head = (
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{study.request.workload} · Wattune"),
        element("style", Markup(_asset("page.css"))),
    )
    document = element("html", element("head", *head), element("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _charts(digest: Digest) -> tuple[Markup, ...]:
    if not digest.explored:
        return ()
    origin = origin_text(digest.provenance, digest.scope)
    small = [_chart(f"parameter-{number}", figure) for number, figure in enumerate(parameter_charts(digest))]
    return (
        element("h2", "Energy against latency"),
        _note(
            "Every trial; the line is the Pareto front: the least energy seen at or below a latency. Point at a trial "
            "for its configuration; choose in the legend what is shown."
        ),
        _chart("front", front_chart(digest)),
        element("h2", "The course of the search"),
        _note(f"Energy per request of each trial, and of the best feasible one so far. {digest.study.reason}"),
        _chart("progress", progress_chart(digest)),
        element("h2", "Parameter by parameter"),
        _note(f"Energy per request ({origin}) against one parameter at a time; the others vary too."),
        element("div", *small, class_="small-charts"),
    )


def _chart(name: str, figure: Figure) -> Markup:
    data = Markup(json.dumps(figure).replace("<", "\\u003c"))
    return join(
        (
            element("div", element("noscript", "The chart needs JavaScript."), class_="chart", id=name),
            element("script", data, type="application/json", id=f"{name}-figure"),
        )
    )


def _note(text: str) -> Markup:
    return element("p", text, class_="quiet")


def _footer(study: Study) -> Markup:
    return element("footer", f"Wattune · study {study.id} · started {study.started_at}")


def _script(source: str) -> Markup:
    return element("script", Markup(source))


def _asset(name: str) -> str:
    return files("tuner.report.page").joinpath(name).read_text(encoding="utf-8")
