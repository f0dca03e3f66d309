"""The table of all trials, which sorts by the column that is clicked, and what tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tuner.configuration import Parameter
from tuner.report.digest import Digest
from tuner.report.page.markup import Markup, element, join
from tuner.report.shown_figures import ShownFigure, shown_figures
from tuner.report.vocabulary import (
    NOTHING,
    energy_text,
    interval_text,
    parameter_label,
    rate_number,
    unit_text,
    value_text,
    verdict_text,
)
from tuner.trial import EnergyResult, Measurement, Trial


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


def heading_text(name: str) -> str:
    """Returns a figure's name as a title of the page's: "Energy/request", but "p90"."""
    return name[:1].upper() + name[1:] if name.split("/")[0].isalpha() else name


def trials_table(digest: Digest) -> Markup:
    """Returns all trials, one a row."""
    study = digest.study
    if not study.trials:
        return join((element("h2", "Trials"), element("p", "No trial has been finished yet.", class_="quiet")))
    columns = _columns(digest)
    headings = (
        Heading("Trial", is_numeric=True),
        Heading("Purpose"),
        *([Heading("Rate", "requests/s", is_numeric=True)] if digest.has_several_rates else []),
        *(Heading(parameter_label(item.id), unit_text(item.unit), is_numeric=True) for item in digest.varied),
        *(column.heading for column in columns),
        Heading("Verdict"),
    )
    rows = [_row(digest, trial, columns) for trial in study.trials]
    return join((element("h2", "All trials"), table(headings, rows, sortable=True)))


@dataclass(frozen=True)
class _Column:
    """A column of what was measured: its heading, and the cell of a measurement."""

    heading: Heading
    cell: Callable[[Measurement], Markup]


def _columns(digest: Digest) -> tuple[_Column, ...]:
    measured = [trial.measurement for trial in digest.study.trials if trial.measurement]
    energy, *others = shown_figures(digest)
    columns = [_energy_column(digest, energy), _Column(Heading("±", is_numeric=True), _half_width_cell)]
    if any(measurement.energy.band for measurement in measured):
        columns.append(_Column(Heading("Band", is_numeric=True), _band_cell))
    columns += [_figure_column(digest, figure) for figure in others]
    columns.append(_count_column("Requests", lambda measurement: measurement.requests))
    if any(measurement.failed_requests for measurement in measured):
        columns.append(_count_column("Failed", lambda measurement: measurement.failed_requests))
    return tuple(columns)


def _energy_column(digest: Digest, figure: ShownFigure) -> _Column:
    if digest.shared_origin is not None:
        return _figure_column(digest, figure)
    heading = Heading(heading_text(figure.name), is_numeric=True)
    return _Column(heading, lambda measurement: _origin_cell(measurement.energy))


def _figure_column(digest: Digest, figure: ShownFigure) -> _Column:
    def cell(measurement: Measurement) -> Markup:
        figures = digest.figures_of([measurement])
        return number_cell(figure.text_of(figures), figure.value(figures))

    return _Column(Heading(heading_text(figure.name), figure.remark, is_numeric=True), cell)


def _count_column(title: str, count: Callable[[Measurement], int]) -> _Column:
    return _Column(
        Heading(title, is_numeric=True), lambda measurement: number_cell(str(count(measurement)), count(measurement))
    )


def _origin_cell(energy: EnergyResult) -> Markup:
    return number_cell(energy_text(energy), energy.per_request_j)


def _half_width_cell(measurement: Measurement) -> Markup:
    energy = measurement.energy
    share = (energy.interval.high - energy.interval.low) / 2 / energy.per_request_j
    return number_cell(f"{share * 100:.1f} %", share)


def _band_cell(measurement: Measurement) -> Markup:
    band = measurement.energy.band
    return number_cell(interval_text(band, "J") if band else NOTHING)


def _row(digest: Digest, trial: Trial, columns: Sequence[_Column]) -> Markup:
    cells = (
        number_cell(str(trial.number), trial.number),
        element("td", _purpose(digest, trial)),
        *([_rate_cell(trial)] if digest.has_several_rates else []),
        *(_value_cell(trial, parameter) for parameter in digest.varied),
        *(column.cell(trial.measurement) if trial.measurement else number_cell(NOTHING) for column in columns),
        _verdict_cell(trial),
    )
    return element("tr", *cells, class_="marked" if _is_recommended(digest, trial) else None)


def _purpose(digest: Digest, trial: Trial) -> str:
    return "recommended" if _is_recommended(digest, trial) else str(trial.purpose)


def _is_recommended(digest: Digest, trial: Trial) -> bool:
    return any(trial is part.recommended for part in digest.by_rate)


def _rate_cell(trial: Trial) -> Markup:
    rate_hz = trial.arrival_rate_hz
    return number_cell(NOTHING) if rate_hz is None else number_cell(rate_number(rate_hz), rate_hz)


def _value_cell(trial: Trial, parameter: Parameter) -> Markup:
    value = trial.configuration.get(parameter.id)
    if value is None:
        return number_cell(NOTHING)
    return number_cell(value_text(value), None if isinstance(value, str) else float(value))


def _verdict_cell(trial: Trial) -> Markup:
    verdict = verdict_text(trial)
    is_early = trial.measurement is not None and trial.measurement.ended_early
    return element(
        "td", verdict, *([" ", element("small", "cut short")] if is_early else []), class_=f"verdict {verdict}"
    )
