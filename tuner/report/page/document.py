"""``index.html``: the page as a whole, self-contained, with style, script and charts inside."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from tuner.report.cost_sentences import drift_sentence
from tuner.report.digest import Digest
from tuner.report.page.chart_elements import chart, chart_name, note, small_charts
from tuner.report.page.cost import tuning_cost
from tuner.report.page.drift_chart import drift_chart
from tuner.report.page.effects import what_parameters_do
from tuner.report.page.figures import plotly_source
from tuner.report.page.front_chart import front_chart
from tuner.report.page.key_figures import key_figures
from tuner.report.page.markup import Markup, element
from tuner.report.page.rate_table import rate_table
from tuner.report.page.search_charts import parameter_charts, progress_chart
from tuner.report.page.sections import (
    caveats,
    heading,
    machine,
    recommendation_table,
    set_apart,
)
from tuner.report.page.trials import trials_table
from tuner.report.view import energy_j, energy_title, front_view, outside_text, search_axis
from tuner.study_record import Study


def page(study: Study, inserted: Sequence[Markup] = ()) -> str:
    """Returns the page.

    Args:
        study: The study.
        inserted: What stands between the recommendation and the cost of finding it.

    Raises:
        BadInputError: Plotly is not installed.
    """
    digest = Digest(study)
    body = (
        heading(digest),
        key_figures(digest),
        caveats(digest),
        rate_table(digest),
        *(
            part
            for one in digest.by_rate
            for part in (*_charts(one), what_parameters_do(one), recommendation_table(one))
        ),
        *(_drift(digest) if digest.has_several_rates else ()),
        *inserted,
        tuning_cost(digest),
        trials_table(digest),
        set_apart(digest),
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
    view, energy = front_view(digest), search_axis(digest)
    axis = energy_title(digest, energy).replace("\n", " ")
    outside = _outside(sum(not energy.holds(energy_j(trial)) for trial in digest.explored))
    small = [
        chart(chart_name(digest, f"parameter-{number}"), figure)
        for number, figure in enumerate(parameter_charts(digest, energy))
    ]
    return (
        element("h2", f"Energy against latency{digest.at_rate}"),
        note(
            "Every trial; the line is the Pareto front: the least energy seen at or below a latency. Point at a trial "
            f"for its configuration; choose in the legend what is shown. {_outside(len(view.outside))}"
        ),
        chart(chart_name(digest, "front"), front_chart(digest, view)),
        element("h2", f"The course of the search{digest.at_rate}"),
        note(
            f"Energy per request of each trial, and of the best feasible one so far{_levelled(digest)}. "
            f"{digest.study.reason} {outside}"
        ),
        chart(chart_name(digest, "progress"), progress_chart(digest, energy)),
        *(() if digest.at_rate else _drift(digest)),
        element("h2", f"Parameter by parameter{digest.at_rate}"),
        note(f"{axis}, against one parameter at a time; the others vary too. {outside}"),
        small_charts(small),
    )


def _levelled(digest: Digest) -> str:
    return " (which one is best was decided with the machine's drift removed)" if drift_sentence(digest) else ""


def _drift(digest: Digest) -> tuple[Markup, ...]:
    if len(digest.looks_for_drift) < 2:
        return ()
    return (
        element("h2", "The machine's drift"),
        note(
            "The baseline was measured again and again while searching; bars are 95 % intervals, and the line is what "
            f"was removed before trials were compared. {drift_sentence(digest) or 'No drift could be told from noise.'}"
        ),
        element("div", chart("drift", drift_chart(digest)), class_="narrow"),
    )


def _outside(count: int) -> str:
    return f"{outside_text(count)}: double-click the chart to see all." if count else ""


def _footer(study: Study) -> Markup:
    return element("footer", f"Wattune · study {study.id} · started {study.started_at}")


def _script(source: str) -> Markup:
    return element("script", Markup(source))


def _asset(name: str) -> str:
    return files("tuner.report.page").joinpath(name).read_text(encoding="utf-8")
