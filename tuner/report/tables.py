"""The result of a study on the terminal: Pareto front, recommendation and what belongs beside them."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tuner.configuration import Configuration, Owner, Parameter
from tuner.report.cost_sentences import cost_sentence, drift_sentence
from tuner.report.digest import Digest, measurement_of
from tuner.report.effect_sentences import irrelevance_sentence
from tuner.report.plain_table import plain_table
from tuner.report.rate_table import rate_table
from tuner.report.rates import hysteresis_sentence, rate_sentences
from tuner.report.sentences import knobs_sentence, provenance_sentence
from tuner.report.shown_figures import figure_rows, shown_figures
from tuner.report.vocabulary import (
    NOTHING,
    configuration_text,
    origin_text,
    owner_text,
    parameter_label,
    slos_text,
    unit_text,
    value_text,
    verdict_mark,
    verdict_text,
)
from tuner.study_record import Recommendation, Study
from tuner.trial import Trial

_WIDE_COLUMNS = 100
_LEAST_CONFIGURATION_WIDTH = 20
_UNBOUNDED = Console(width=10_000)
"""On which a table is as wide as it likes to be."""

VERDICT_STYLES = {"feasible": "green", "infeasible": "red", "undecided": "yellow", "rejected": "dim"}


def result_view(study: Study, width: int = _WIDE_COLUMNS) -> RenderableType:
    """Returns everything that is shown at the end of a study: front, recommendation, result and caveats.

    Args:
        study: The study.
        width: Columns of the terminal.
    """
    digest = Digest(study)
    parts: list[RenderableType] = []
    if digest.front:
        parts += [front_table(study, digest.front, width), ""]
    if digest.has_several_rates:
        parts += [rate_table(digest), ""] if study.recommendation else []
    elif study.recommendation is not None:
        parts += [recommendation_table(study, study.recommendation), ""]
    elif digest.closest is not None and digest.incumbent is None:
        parts += [closest_table(study, digest.closest), ""]
    parts += [Text(sentence, style="bold") for sentence in rate_sentences(digest)]
    about_result = hysteresis_sentence(digest) if digest.has_several_rates else knobs_sentence(digest)
    for sentence in (about_result, cost_sentence(digest), drift_sentence(digest), irrelevance_sentence(digest)):
        parts += [Text(sentence)] if sentence else []
    parts.append(Text(provenance_sentence(digest), style="dim"))
    caveats = study.recommendation.caveats if study.recommendation else ()
    bullets = Table.grid(padding=(0, 1))
    for caveat in caveats:
        bullets.add_row("•", Text(caveat), style="yellow")
    return Group(*parts, Padding(bullets, (0, 0, 0, 1)))


def front_table(study: Study, trials: tuple[Trial, ...], width: int = _WIDE_COLUMNS) -> RenderableType:
    """Returns the Pareto front, fastest first, with the landmarks named.

    What all its trials have in common is said once, above the table. With several arrival rates, each has its own.

    Args:
        study: The study that the trials belong to.
        trials: The front.
        width: Columns of the terminal: where they are too few for a column a parameter, all parameters share one;
            where they are too few for that, configurations stand below the figures.
    """
    parts = Digest(study).by_rate
    if len(parts) == 1:
        return _front(parts[0], trials, width)
    by_rate = [(part, tuple(trial for trial in trials if trial in part.study.trials)) for part in parts]
    return Group(*(view for part, front in by_rate for view in (_front(part, front, width), "")))


def _front(digest: Digest, trials: tuple[Trial, ...], width: int) -> RenderableType:
    study = digest.study
    varying, common = _told_apart(digest, trials)
    title = Text(
        f"Pareto front of {study.request.workload}{digest.at_rate}, {slos_text(study.objective)}", style="bold"
    )
    shared = [Text(f"All: {configuration_text(common, digest.varied)}", style="dim")] if common else []
    return Group(title, *shared, *_fitting(digest, trials, varying, width))


def _fitting(
    digest: Digest, trials: tuple[Trial, ...], varying: tuple[Parameter, ...], width: int
) -> list[RenderableType]:
    """Returns the front in the first form that fits; in two tables if no single one does."""
    columns = _front_columns(digest, trials, varying)
    if Measurement.get(_UNBOUNDED, _UNBOUNDED.options, columns).maximum <= width:
        return [columns]
    pairs = _front_pairs(digest, trials, varying)
    if Measurement.get(_UNBOUNDED, _UNBOUNDED.options, pairs).minimum <= width:
        return [pairs]
    return [_front_columns(digest, trials, ()), "", _configurations(trials, varying)]


def _told_apart(digest: Digest, trials: tuple[Trial, ...]) -> tuple[tuple[Parameter, ...], Configuration]:
    """Returns the parameters in which trials differ, and the values that all of them share."""
    varying = tuple(
        parameter for parameter in digest.varied if len({trial.configuration.get(parameter.id) for trial in trials}) > 1
    )
    if not trials:
        return varying, Configuration({})
    others = {parameter.id for parameter in digest.varied} - {parameter.id for parameter in varying}
    return varying, trials[0].configuration.only(others)


def _front_columns(digest: Digest, trials: tuple[Trial, ...], varying: tuple[Parameter, ...]) -> Table:
    """Returns the front with a column for each parameter."""
    table = plain_table("")
    table.add_column("\ntrial", justify="right")
    for parameter in varying:
        heading = f"{parameter_label(parameter.id)}\n{unit_text(parameter.unit)}"
        if not unit_text(parameter.unit):
            heading = f"\n{parameter_label(parameter.id)}"
        table.add_column(escape(heading), justify="right", no_wrap=True)
    _add_figure_columns(table, digest)
    for trial in trials:
        values = (trial.configuration.get(parameter.id, NOTHING) for parameter in varying)
        _add_front_row(table, digest, trial, [value_text(value) for value in values])
    return table


def _front_pairs(digest: Digest, trials: tuple[Trial, ...], varying: tuple[Parameter, ...]) -> Table:
    """Returns the front with all parameters in one column, for narrow terminals."""
    table = plain_table("")
    table.add_column("\ntrial", justify="right")
    table.add_column("\nconfiguration", overflow="fold", min_width=_LEAST_CONFIGURATION_WIDTH)
    _add_figure_columns(table, digest)
    for trial in trials:
        configuration = trial.configuration.only(parameter.id for parameter in varying)
        _add_front_row(table, digest, trial, [configuration_text(configuration, varying)])
    return table


def _configurations(trials: tuple[Trial, ...], varying: tuple[Parameter, ...]) -> Table:
    """Returns the configurations of the front by themselves, for terminals that have no room for them beside it."""
    table = plain_table("")
    table.add_column("trial", justify="right")
    table.add_column("configuration", overflow="fold")
    for trial in trials:
        configuration = trial.configuration.only(parameter.id for parameter in varying)
        table.add_row(str(trial.number), escape(configuration_text(configuration, varying)))
    return table


def _add_figure_columns(table: Table, digest: Digest) -> None:
    # Scope and provenance are the same for all trials of a study.
    origin = origin_text(digest.provenance, digest.scope)
    energy, *others = shown_figures(digest, only_bounded=True)
    table.add_column(f"{energy.name}\n{origin}", justify="right", min_width=len(origin))
    for figure in others:
        table.add_column(f"\n{figure.name}", justify="right", no_wrap=True)
    table.add_column("\nverdict", no_wrap=True)


def _add_front_row(table: Table, digest: Digest, trial: Trial, settings: list[str]) -> None:
    verdict, figures = verdict_text(trial), digest.figures_of([measurement_of(trial)])
    name = "recommended" if trial == digest.recommended else "baseline" if trial == digest.study.baseline else verdict
    table.add_row(
        str(trial.number),
        *map(escape, settings),
        *(figure.text_of(figures) for figure in shown_figures(digest, only_bounded=True)),
        f"[{VERDICT_STYLES[verdict]}]{verdict_mark(trial)} {name}[/]",
        style="bold" if trial == digest.recommended else "",
    )


def recommendation_table(study: Study, recommendation: Recommendation) -> Table:
    """Returns baseline and recommendation side by side, with energy and latency before and after."""
    digest = Digest(study)
    baseline, found = study.baseline, digest.recommended
    table = plain_table("Recommendation")
    table.add_column("parameter")
    table.add_column("baseline", justify="right")
    table.add_column("recommended", justify="right")
    table.add_column("kept by")
    before = baseline.configuration if baseline else Configuration({})
    _add_parameters(table, digest, before, recommendation.configuration)
    if baseline is None or found is None or found.measurement is None:
        return table
    table.add_section()
    old = digest.figures(baseline.configuration, baseline)
    new = digest.figures(recommendation.configuration, found)
    for row in figure_rows(digest, old, new):
        table.add_row(row.name, *row.cells, row.remark)
    return table


def closest_table(study: Study, closest: Trial) -> Table:
    """Returns the configuration that comes closest to holding the SLO."""
    digest = Digest(study)
    table = plain_table(f"Closest configuration, trial {closest.number}")
    table.add_column("parameter")
    table.add_column("value", justify="right")
    table.add_column("")
    units = _parameters(digest)
    for name in digest.parameter_ids():
        if name in closest.configuration:
            text = value_text(closest.configuration[name], units[name].unit if name in units else "")
            table.add_row(escape(parameter_label(name)), escape(text))
    table.add_section()
    for row in figure_rows(digest, digest.figures_of([measurement_of(closest)])):
        table.add_row(row.name, *row.cells, row.remark)
    return table


def _add_parameters(table: Table, digest: Digest, before: Configuration, after: Configuration) -> None:
    parameters = _parameters(digest)
    for name in digest.parameter_ids():
        unit = parameters[name].unit if name in parameters else ""
        old, new = (escape(value_text(side[name], unit)) if name in side else NOTHING for side in (before, after))
        owner = parameters[name].owner if name in parameters else Owner.STUDY_ONLY
        table.add_row(escape(parameter_label(name)), old, f"[bold]{new}[/]" if old != new else new, owner_text(owner))


def _parameters(digest: Digest) -> dict[str, Parameter]:
    return {parameter.id: parameter for parameter in digest.study.space.parameters}
