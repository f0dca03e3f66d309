"""What the tuning cost: a sentence, and a table of its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tuner.objective import Scenario
from tuner.report.cost import Cost, parts, total
from tuner.report.cost_sentences import cost_sentence
from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, join, typeset
from tuner.report.page.trials import Heading, number_cell, table
from tuner.report.vocabulary import NOTHING, duration_text, grouped_text, origin_text, quantity_text

_Number = TypeVar("_Number", int, float)


def tuning_cost(digest: Digest) -> Markup:
    """Returns what the study took, part by part; nothing as long as it took nothing."""
    if not digest.study.trials:
        return Markup("")
    headings = (
        Heading("Part"),
        Heading("Trials", is_numeric=True),
        Heading("Time", is_numeric=True),
        Heading("Energy", origin_text(digest.provenance, digest.scope), is_numeric=True),
        Heading("Late or failed", "requests", is_numeric=True),
    )
    rows = [*(_row(cost) for cost in parts(digest)), _row(total(digest), class_="total")]
    return join(
        (
            element("h2", "What the tuning cost"),
            element("p", typeset(" ".join(_notes(digest))), class_="quiet"),
            element("div", table(headings, rows), class_="narrow"),
        )
    )


def _notes(digest: Digest) -> list[str]:
    notes = [cost_sentence(digest) or "The joules of some part are not known, so that there is no sum of them."]
    if digest.study.objective.scenario is Scenario.LIVE and digest.cost_j is not None:
        notes.append("The traffic would have been served anyway, at the baseline's power: what exceeds that counts.")
    return notes


def _row(cost: Cost, class_: str | None = None) -> Markup:
    cells = (
        element("td", cost.part),
        _cell(cost.trials, str),
        _cell(cost.duration_s, duration_text),
        _cell(cost.energy_j, lambda joules: quantity_text(joules, "J")),
        _cell(cost.late_requests, grouped_text),
    )
    return element("tr", *cells, class_=class_)


def _cell(value: _Number | None, text: Callable[[_Number], str]) -> Markup:
    return number_cell(NOTHING if value is None else typeset(text(value)))
