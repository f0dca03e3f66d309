"""``index.html``: an account, or a comparison of two, as one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from tuner.energy_model.accounting.account import Account, OperatorRow
from tuner.energy_model.accounting.comparison import Comparison, Difference
from tuner.report.accounting.charts import difference_treemap, flame_graph, treemap
from tuner.report.accounting.words import (
    calls_text,
    comparison_summary,
    half_width_text,
    joules_text,
    named,
    origin,
    part_text,
    remarks,
    seconds_text,
    summary,
    titled,
)
from tuner.report.page.chart_elements import chart, note
from tuner.report.page.figures import plotly_source
from tuner.report.page.markup import Markup, element, typeset
from tuner.report.page.trials import Heading, number_cell, table
from tuner.report.vocabulary import NOTHING, quantity_text, share_text, signed_share_text

_MOST_ROWS = 60
_LEAST_SHARE = 0.005


def account_page(account: Account) -> str:
    """Returns the page of an account.

    Raises:
        BadInputError: Plotly is not installed.
    """
    return _page(
        account.title,
        (
            element("p", "Wattune · where the joules go", class_="eyebrow"),
            element("h1", account.title),
            element("p", typeset(summary(account)), class_="result"),
            _origin(origin(account)),
            *_remarks(remarks(account)),
            element("h2", "Flame graph"),
            note("From the outside in; the width is the share of the joules. Click on a place to look into it."),
            chart("flame", flame_graph(account)),
            element("h2", "Treemap"),
            note("The same as areas, some levels at a time: click on a place to look into it."),
            chart("treemap", treemap(account)),
            element("h2", "By operator"),
            _operators(account, account.operators, "Operator"),
            element("h2", "By operator and shapes of its inputs"),
            _operators(account, account.shapes[:_MOST_ROWS], "Operator and shapes"),
        ),
    )


def comparison_page(comparison: Comparison) -> str:
    """Returns the page of a comparison.

    Raises:
        BadInputError: Plotly is not installed.
    """
    first, second = comparison.first, comparison.second
    title = f"{named(first)} and {named(second)}"
    return _page(
        title,
        (
            element("p", "Wattune · where the joules go", class_="eyebrow"),
            element("h1", title),
            element("p", typeset(comparison_summary(comparison)), class_="result"),
            _origin("; ".join(dict.fromkeys((origin(first), origin(second))))),
            element("h2", "Which places pay, and which gain"),
            note("Areas are the larger of both. Red uses more in the second, green less; grey is not certain."),
            chart("difference", difference_treemap(comparison)),
            element("h2", "Modules"),
            _differences(comparison, _largest(comparison)),
            element("h2", "Operators"),
            _differences(comparison, comparison.operators[:_MOST_ROWS]),
            element("h2", "Operators by shapes of their inputs"),
            _differences(comparison, comparison.shapes[:_MOST_ROWS]),
            *(part for one in (first, second) for part in (element("h2", named(one)), *_remarks(remarks(one)))),
        ),
    )


def saving_section(comparison: Comparison) -> tuple[Markup, ...]:
    """Returns where a saving came from, as a section of a study's report.

    Args:
        comparison: The account at the baseline, and the one at the recommendation.
    """
    first, second = comparison.first, comparison.second
    return (
        element("h2", "Where the saving came from"),
        element("p", typeset(comparison_summary(comparison))),
        _origin("; ".join(dict.fromkeys((origin(first), origin(second))))),
        note(
            "Both configurations accounted for, module by module. Areas are the larger of both. Red uses more in the "
            "second, green less; grey is not certain."
        ),
        chart("difference", difference_treemap(comparison)),
        _differences(comparison, _largest(comparison)),
        *_remarks([*remarks(first), *remarks(second)]),
    )


def _page(title: str, body: Sequence[Markup]) -> str:
    scripts = (element("script", Markup(source)) for source in (plotly_source(), _asset("page.js")))
    head = (
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · Wattune"),
        element("style", Markup(_asset("page.css"))),
    )
    document = element("html", element("head", *head), element("body", *body, *scripts), lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _asset(name: str) -> str:
    return files("tuner.report.page").joinpath(name).read_text(encoding="utf-8")


def _origin(words: str) -> Markup:
    is_measured = "estimated" not in words and "simulated" not in words
    return element("p", element("span", words, class_="origin" if is_measured else "origin estimated"))


def _remarks(sentences: Sequence[str]) -> list[Markup]:
    return [element("p", typeset(" ".join(sentences)), class_="quiet")]


def _operators(account: Account, rows: Sequence[OperatorRow], title: str) -> Markup:
    headings = (
        Heading(title),
        Heading("Pass"),
        Heading("Device"),
        Heading("Energy", f"a batch, {origin(account)}", is_numeric=True),
        Heading("Share", "95 % interval", is_numeric=True),
        Heading("Typical share", "median of batches", is_numeric=True),
        Heading("Time", "a batch", is_numeric=True),
        Heading("Calls", "a batch", is_numeric=True),
    )
    cells = [
        element(
            "tr",
            element("td", element("code", titled(row.name, row.detail, 90))),
            element("td", str(row.phase)),
            element("td", row.device),
            number_cell(typeset(joules_text(account, row.energy_j)), row.energy_j),
            number_cell(f"{part_text(account, row.energy_j)} {half_width_text(row.half_width_share)}", row.energy_j),
            number_cell(share_text(row.typical_share), row.typical_share),
            number_cell(typeset(seconds_text(account, row.time_s)), row.time_s),
            number_cell(calls_text(account, row.calls), row.calls),
        )
        for row in rows
    ]
    return table(headings, cells, sortable=True)


def _differences(comparison: Comparison, rows: Sequence[Difference]) -> Markup:
    headings = (
        Heading("Where"),
        Heading(named(comparison.first), f"J/{comparison.unit}", is_numeric=True),
        Heading(named(comparison.second), f"J/{comparison.unit}", is_numeric=True),
        Heading("Difference", is_numeric=True),
        Heading("Change", is_numeric=True),
    )
    return table(headings, [_difference_row(one) for one in rows], sortable=True)


def _largest(comparison: Comparison) -> list[Difference]:
    least_j = _LEAST_SHARE * max(comparison.first_j, comparison.second_j)
    return [one for one in comparison.places if max(one.first_j, one.second_j) >= least_j]


def _difference_row(one: Difference) -> Markup:
    indent = f"padding-left: {1.1 * (len(one.path) - 1):.1f}em"
    change = one.difference_j / one.first_j if one.first_j else None
    certain = "" if one.is_certain else " ?"
    return element(
        "tr",
        element("td", element("code", one.path[-1]), style=indent),
        number_cell(typeset(quantity_text(one.first_j, "J")), one.first_j),
        number_cell(typeset(quantity_text(one.second_j, "J")), one.second_j),
        number_cell(typeset(quantity_text(one.difference_j, "J")) + certain, one.difference_j),
        number_cell(NOTHING if change is None else signed_share_text(change), change),
    )
