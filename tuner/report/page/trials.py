"""The table of all trials, which sorts by the column that is clicked, and what tables are made of."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.configuration import Parameter
from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, join
from tuner.report.vocabulary import (
    NOTHING,
    energy_origin,
    interval_text,
    parameter_label,
    quantity_text,
    value_text,
    verdict_text,
)
from tuner.trial import Measurement, Trial


def table(
    headings: Iterable[str], rows: Iterable[str], *, numeric: frozenset[int] = frozenset(), sortable: bool = False
) -> Markup:
    """Returns a table that scrolls sideways where the screen is narrow.

    Args:
        headings: The columns' titles.
        rows: Rows in markup.
        numeric: Columns that are aligned right.
        sortable: Whether a click on a title sorts.
    """
    cells = [
        element(
            "th",
            element("button", heading, type="button") if sortable else heading,
            scope="col",
            class_="number" if column in numeric else None,
        )
        for column, heading in enumerate(headings)
    ]
    head = element("thead", element("tr", *cells))
    return element("div", element("table", head, element("tbody", *rows)), class_="scroll")


def number_cell(text: str, sort: float | None = None) -> Markup:
    """Returns a cell that is aligned right and sorts by a number."""
    return element("td", text, class_="number", data_sort=None if sort is None else repr(sort))


def trials_table(digest: Digest) -> Markup:
    """Returns all trials, one a row."""
    study = digest.study
    if not study.trials:
        return join((element("h2", "Trials"), element("p", "No trial has been finished yet.", class_="quiet")))
    labels = [parameter_label(parameter.id) for parameter in digest.varied]
    has_band = any(trial.measurement and trial.measurement.energy.band for trial in study.trials)
    measured = (
        "Energy/request",
        "±",
        *(["Band"] if has_band else []),
        "Joules are",
        f"p{digest.slo.percentile:g}",
        "Requests",
        "Verdict",
    )
    headings = ("Trial", "Purpose", *labels, *measured)
    left = {"Purpose", "Joules are", "Verdict"}
    numeric = frozenset(column for column, heading in enumerate(headings) if heading not in left)
    rows = [_row(digest, trial, has_band) for trial in study.trials]
    return join((element("h2", "All trials"), table(headings, rows, numeric=numeric, sortable=True)))


def _row(digest: Digest, trial: Trial, has_band: bool) -> Markup:
    verdict = verdict_text(trial)
    cells = (
        number_cell(str(trial.number), trial.number),
        element("td", _purpose(digest, trial)),
        *(_value_cell(trial, parameter) for parameter in digest.varied),
        *_measured_cells(trial.measurement, has_band),
        element("td", verdict, class_=verdict),
    )
    return element("tr", *cells, class_="marked" if trial is digest.recommended else None)


def _purpose(digest: Digest, trial: Trial) -> str:
    return "recommended" if trial is digest.recommended else str(trial.purpose)


def _value_cell(trial: Trial, parameter: Parameter) -> Markup:
    value = trial.configuration.get(parameter.id)
    if value is None:
        return number_cell(NOTHING)
    return number_cell(value_text(value, parameter.unit), None if isinstance(value, str) else float(value))


def _measured_cells(measurement: Measurement | None, has_band: bool) -> list[Markup]:
    if measurement is None:
        return [number_cell(NOTHING) for _ in range(6 if has_band else 5)]
    energy = measurement.energy
    half_width_j = (energy.interval.high - energy.interval.low) / 2
    band = [number_cell(interval_text(energy.band, "J") if energy.band else NOTHING)] if has_band else []
    return [
        number_cell(quantity_text(energy.per_request_j, "J"), energy.per_request_j),
        number_cell(f"{half_width_j / energy.per_request_j * 100:.1f} %", half_width_j / energy.per_request_j),
        *band,
        element("td", energy_origin(energy)),
        number_cell(quantity_text(measurement.slo_latency_s, "s"), measurement.slo_latency_s),
        number_cell(str(measurement.requests), measurement.requests),
    ]
