"""The progress of a study: finished trials are lines that stay; below them one line says what goes on now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tuner.configuration import Configuration
from tuner.objective import at_rate
from tuner.report.digest import OPEN_SCENARIOS
from tuner.report.tables import VERDICT_STYLES
from tuner.report.vocabulary import (
    configuration_text,
    duration_text,
    energy_origin,
    energy_text,
    joules_text,
    quantity_text,
    rate_text,
    share_text,
    slos_text,
    verdict_mark,
    verdict_text,
)
from tuner.study_record import Study, StudyEvent
from tuner.trial import Measurement, Purpose, Trial

_NAME_WIDTH = 13
_RATE_WIDTH = 16
_AIR = 2
_LEAST_SETTINGS_WIDTH = 19
"""Where settings have less room beside the figures, they get a line of their own."""
_INDENTED = (0, 0, 0, 4)
_PURPOSES = {
    Purpose.BASELINE: "baseline",
    Purpose.SEARCH: "search",
    Purpose.CONFIRMATION: "confirm",
    Purpose.REFERENCE: "reference",
}


class Progress:
    """What is known of a study while it runs."""

    def __init__(self, study: Study, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Starts from what the daemon knew when it was asked.

        Args:
            study: The study; its trials come again as events.
            monotonic: The clock.
        """
        self.study = study
        self.phase = "starting"
        self._trials: dict[int, Trial] = {}
        self._incumbent: int | None = None
        self._saving: float | None = None
        self._monotonic = monotonic
        self._started_s = monotonic() - study.duration_s

    def take(self, event: StudyEvent) -> None:
        """Takes note of an event."""
        self.phase = event.phase or self.phase
        self._incumbent = self._incumbent if event.incumbent is None else event.incumbent
        self._saving = self._saving if event.saving is None else event.saving
        if event.trial is not None:
            self._trials[event.trial.number] = event.trial

    def headline(self) -> str:
        """Returns what is being looked for, in one line."""
        study = self.study
        return f"{study.request.workload}: least energy per request, {slos_text(study.objective)} · study {study.id}"

    def now(self) -> str:
        """Returns what goes on now, in one line."""
        parts = [self.phase]
        if incumbent := self._incumbent_measurement():
            parts.append(f"best{self._at_rate()}: trial {self._incumbent}, {energy_text(incumbent.energy)}")
        if self._saving is not None:
            parts.append(f"saving so far {share_text(self._saving)}")
        return " · ".join([*parts, duration_text(self._monotonic() - self._started_s)])

    def settings_text(self, trial: Trial) -> str:
        """Returns what a trial changes: "as baseline" if nothing; of the baseline itself, all that can be changed."""
        varied = tuple(parameter for parameter in self.study.space.parameters if len(parameter.choices) > 1)
        before = self._baseline_configuration()
        changed = [item.id for item in varied if trial.configuration.get(item.id) != before.get(item.id)]
        if trial.purpose is Purpose.BASELINE:
            changed = [item.id for item in varied]
        return configuration_text(trial.configuration.only(changed), varied) or "as baseline"

    def latency_text(self, measurement: Measurement) -> str:
        """Returns latency against its bound: "p90 191 ms of 300 ms"; of several SLOs that which is nearest to it."""
        slo, latency_s = self.study.objective.tightest(measurement.slo_latencies_s)
        return f"{slo.quantile} {quantity_text(latency_s, 's')} of {quantity_text(slo.bound_s, 's')}"

    def _at_rate(self) -> str:
        return at_rate(None if self._incumbent is None else self._trials[self._incumbent].arrival_rate_hz)

    def idle_text(self, measurement: Measurement) -> str:
        """Returns the idle share where time between requests belongs to them: "idle 31.0 %"; empty elsewhere."""
        if self.study.objective.scenario not in OPEN_SCENARIOS or measurement.idle_share is None:
            return ""
        return f"idle {share_text(measurement.idle_share)}"

    def _baseline_configuration(self) -> Configuration:
        """Returns the baseline's configuration; an empty one, from which all differ, if it is not known yet."""
        trials = (*self._trials.values(), *self.study.trials)
        baseline = (trial.configuration for trial in trials if trial.purpose is Purpose.BASELINE)
        return next(baseline, Configuration({}))

    def _incumbent_measurement(self) -> Measurement | None:
        trial = None if self._incumbent is None else self._trials.get(self._incumbent)
        return trial.measurement if trial else None


def follow(progress: Progress, events: Iterable[StudyEvent], console: Console) -> StudyEvent | None:
    """Shows events as they come; returns the last.

    Args:
        progress: What is known of the study.
        events: What happens in it.
        console: Where it is shown: a terminal gets a line that lives, anything else plain lines.
    """
    console.print(Text(progress.headline(), style="bold"), soft_wrap=not console.is_terminal)
    return _follow_alive(progress, events, console) if console.is_terminal else _follow_plain(progress, events, console)


def _follow_alive(progress: Progress, events: Iterable[StudyEvent], console: Console) -> StudyEvent | None:
    last = None
    spinner = Spinner("dots")

    def living_line() -> RenderableType:
        spinner.update(text=Text(progress.now(), style="cyan"))
        return spinner

    with Live(console=console, get_renderable=living_line, refresh_per_second=8, transient=True):
        for last in events:
            progress.take(last)
            if last.trial is not None:
                console.print(trial_view(progress, last.trial, console.width))
    return last


def _follow_plain(progress: Progress, events: Iterable[StudyEvent], console: Console) -> StudyEvent | None:
    last = None
    for last in events:
        progress.take(last)
        if last.trial is not None:
            console.print(Text(f"{trial_line(progress, last.trial)} | {progress.now()}"), soft_wrap=True)
    return last


def trial_line(progress: Progress, trial: Trial) -> str:
    """Returns a finished trial in one plain line."""
    return " | ".join([_name(trial), progress.settings_text(trial), *_figures(progress, trial), *_remarks(trial)])


def trial_view(progress: Progress, trial: Trial, width: int) -> RenderableType:
    """Returns a finished trial for a terminal: in one line, or in two where it is narrow or there is more to say."""
    name = Text(_name(trial), style="dim")
    settings = Text(progress.settings_text(trial))
    remarks = " · ".join(_remarks(trial))
    below = [Padding(Text(remarks, style="dim"), _INDENTED)] if remarks else []
    figures = [Text(figure) for figure in _figures(progress, trial)]
    figures[-1].stylize(VERDICT_STYLES[verdict_text(trial)])
    if trial.measurement is None or width < _LEAST_SETTINGS_WIDTH + _figures_width(progress, trial.measurement):
        return Group(Text("  ").join([name, *figures]), Padding(settings, _INDENTED), *below)
    line = Table.grid(padding=(0, _AIR), expand=True)
    line.add_column(width=_NAME_WIDTH)
    line.add_column(ratio=1)
    for figure_width in _figure_widths(progress, trial.measurement):
        line.add_column(width=figure_width)
    line.add_row(name, settings, *figures)
    return Group(line, *below)


def _name(trial: Trial) -> str:
    return f"{trial.number:3d} {_PURPOSES[trial.purpose]}"


def _figures(progress: Progress, trial: Trial) -> list[str]:
    """Returns what was measured, the verdict last."""
    measurement = trial.measurement
    if measurement is None:
        return [f"{verdict_mark(trial)} rejected: {trial.rejection.reason if trial.rejection else ''}"]
    idle = progress.idle_text(measurement)
    return [
        *([rate_text(trial.arrival_rate_hz)] if trial.arrival_rate_hz is not None else []),
        f"{joules_text(measurement.energy)} {energy_origin(measurement.energy)}",
        progress.latency_text(measurement),
        *([idle] if idle else []),
        f"{verdict_mark(trial)} {verdict_text(trial)}",
    ]


def _figure_widths(progress: Progress, measurement: Measurement) -> list[int]:
    """Returns how wide the figures of a measured trial are at most, so that they stand below each other."""
    energy = 26 if measurement.energy.per_token_j is None else 40
    latency = max(len(slo.quantile) for slo in progress.study.objective.slos) + 19
    rate = [_RATE_WIDTH] if progress.study.objective.arrival_rates_hz else []
    return [*rate, energy, latency, *([12] if progress.idle_text(measurement) else []), 12]


def _figures_width(progress: Progress, measurement: Measurement) -> int:
    widths = [_NAME_WIDTH, *_figure_widths(progress, measurement)]
    return sum(widths) + _AIR * len(widths)


def _remarks(trial: Trial) -> list[str]:
    """Returns what else the operator should know of a trial that counts, in a few words each."""
    if trial.measurement is None:
        return []
    ended_early, failed = trial.measurement.ended_early, trial.measurement.failed_requests
    return [
        *([f"cut short: {ended_early}"] if ended_early else []),
        *([f"{failed} of {failed + trial.measurement.requests} requests failed"] if failed else []),
    ]
