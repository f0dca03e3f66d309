"""The table of all trials, which sorts by the column that is clicked, and what tables are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tuner.configuration import Parameter
from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, join
from tuner.report.vocabulary import (
    NOTHING,
    energy_text,
    interval_text,
    parameter_label,
    quantity_text,
    unit_text,
    value_text,
    verdict_text,
)
from tuner.trial import Measurement, Trial


@dataclass(frozen=True)
class Heading:
    """The title of a column.

    Attributes:
        title: What the column shows.
        remark: What holds for the whole column, such as a unit; in small type below.
        is_numeric: Whether the column is aligned right.
    """

    title: str
    remark: str = ""
    is_numeric: bool = False


def table(headings: Iterable[Heading], rows: Iterable[str], *, sortable: bool = False) -> Markup:
    """Returns a table that scrolls sideways where the screen is narrow.

    Args:
        headings: The columns' titles.
        rows: Rows in markup.
        sortable: Whether a click on a title sorts.
    """
    head = element("thead", element("tr", *(_heading_cell(heading, sortable) for heading in headings)))
    return element("div", element("table", head, element("tbody", *rows)), class_="scroll")


def _heading_cell(heading: Heading, sortable: bool) -> Markup:
    title = element("button", heading.title, type="button") if sortable else heading.title
    remark = [element("small", heading.remark)] if heading.remark else []
    return element("th", title, *remark, scope="col", class_="number" if heading.is_numeric else None)


def number_cell(text: str, sort: float | None = None) -> Markup:
    """Returns a cell that is aligned right and sorts by a number."""
    return element("td", text, class_="number", data_sort=None if sort is None else repr(sort))


def trials_table(digest: Digest) -> Markup:
    """Returns all trials, one a row."""
    study = digest.study
    if not study.trials:
        return join((element("h2", "Trials"), element("p", "No trial has been finished yet.", class_="quiet")))
    has_band = any(trial.measurement and trial.measurement.energy.band for trial in study.trials)
    rows = [_row(digest, trial, has_band) for trial in study.trials]
    return join((element("h2", "All trials"), table(_headings(digest, has_band), rows, sortable=True)))


def _headings(digest: Digest, has_band: bool) -> tuple[Heading, ...]:
    return (
        Heading("Trial", is_numeric=True),
        Heading("Purpose"),
        *(Heading(parameter_label(item.id), unit_text(item.unit), is_numeric=True) for item in digest.varied),
        Heading("Energy/request", digest.shared_origin or "", is_numeric=True),
        Heading("±", is_numeric=True),
        *([Heading("Band", is_numeric=True)] if has_band else []),
        Heading(f"p{digest.slo.percentile:g}", is_numeric=True),
        Heading("Requests", is_numeric=True),
        Heading("Verdict"),
    )


def _row(digest: Digest, trial: Trial, has_band: bool) -> Markup:
    verdict = verdict_text(trial)
    cells = (
        number_cell(str(trial.number), trial.number),
        element("td", _purpose(digest, trial)),
        *(_value_cell(trial, parameter) for parameter in digest.varied),
        *_measured_cells(trial.measurement, has_band, digest.shared_origin is not None),
        element("td", verdict, class_=verdict),
    )
    return element("tr", *cells, class_="marked" if trial is digest.recommended else None)


def _purpose(digest: Digest, trial: Trial) -> str:
    return "recommended" if trial is digest.recommended else str(trial.purpose)


def _value_cell(trial: Trial, parameter: Parameter) -> Markup:
    value = trial.configuration.get(parameter.id)
    if value is None:
        return number_cell(NOTHING)
    return number_cell(value_text(value), None if isinstance(value, str) else float(value))


def _measured_cells(measurement: Measurement | None, has_band: bool, has_shared_origin: bool) -> list[Markup]:
    if measurement is None:
        return [number_cell(NOTHING) for _ in range(5 if has_band else 4)]
    energy = measurement.energy
    half_width_j = (energy.interval.high - energy.interval.low) / 2
    band = [number_cell(interval_text(energy.band, "J") if energy.band else NOTHING)] if has_band else []
    joules = quantity_text(energy.per_request_j, "J") if has_shared_origin else energy_text(energy)
    return [
        number_cell(joules, energy.per_request_j),
        number_cell(f"{half_width_j / energy.per_request_j * 100:.1f} %", half_width_j / energy.per_request_j),
        *band,
        number_cell(quantity_text(measurement.slo_latency_s, "s"), measurement.slo_latency_s),
        number_cell(str(measurement.requests), measurement.requests),
    ]
