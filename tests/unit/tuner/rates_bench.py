"""A scripted device under requests that arrive at a rate, and a study of several such rates on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from knobs.contract import Scope
from serving_adapter.contract import Completion, Slice
from tests.unit.tuner.effects import effect
from tests.unit.tuner.records import study
from tests.unit.tuner.scripted_bench import BASELINE, BATCH, CLOCK, ScriptedDevice, bench
from tuner.clock import SystemClock
from tuner.config_record import MeasurementSettings, StudySettings
from tuner.configuration import Configuration
from tuner.measuring.bench import Bench
from tuner.objective import Objective, Scenario, Slo
from tuner.parameter_effect import ParameterEffect
from tuner.search.contract import Proposal, Stop
from tuner.store import Store
from tuner.study.loop import StudyLoop
from tuner.study_record import Study, StudyEvent
from tuner.trial import Trial

RATES_HZ = (10.0, 20.0, 35.0)
"""The slowest clock keeps up with the first two, the middle one with all; batches only make it slower."""

_IDLE_W = 5.0


def at_clock(clock_mhz: int, batch_size: int = 1) -> Configuration:
    return Configuration({CLOCK.id: clock_mhz, BATCH.id: batch_size})


class OpenDevice(ScriptedDevice):
    """Serves one request after the other as they arrive, evenly spaced; what comes too fast waits."""

    def run(self, duration_s: float) -> Slice:
        self._call("run")
        assert self._load.rate_hz is not None, "several rates are measured one at a time"
        start_s, completions = self.now_s, []
        while self.now_s < start_s + duration_s:
            self._arrived += 1
            arrival_s = self._loaded_s + self._arrived / self._load.rate_hz
            self._idle_until(arrival_s)
            begin_s = self.now_s
            self._pass(self.latency_s)
            completions.append(Completion((arrival_s,), begin_s, self.now_s))
        return Slice(start_s, self.now_s, tuple(completions))

    def start_load(self, load) -> None:
        super().start_load(load)
        self._arrived, self._loaded_s = 0, self.now_s

    def _idle_until(self, time_s: float) -> None:
        if time_s > self.now_s:
            self.energy_j += self.drift(self.now_s) * _IDLE_W * (time_s - self.now_s)
            self.now_s = time_s


class EveryRate:
    """Proposes configurations once at each rate at which they may be tried, the highest rate first."""

    def __init__(self, rates_hz: Sequence[float], tried: Mapping[float, Sequence[Configuration]]) -> None:
        self._rates_hz = tuple(reversed(rates_hz))
        self._tried = tried
        self.seen: list[tuple[Trial, ...]] = []

    def cpu_s(self) -> float:
        return 0.0

    def propose(self, trials: Sequence[Trial]) -> Proposal | Stop:
        self.seen.append(tuple(trials))
        known = {(trial.arrival_rate_hz, trial.configuration) for trial in trials}
        for rate_hz in self._rates_hz:
            for configuration in self._tried.get(rate_hz, ()):
                if (rate_hz, configuration) not in known:
                    return Proposal(configuration, "next in line", arrival_rate_hz=rate_hz)
        return Stop("Every configuration has been tried.")

    def effects(self, trials: Sequence[Trial]) -> tuple[ParameterEffect, ...]:
        return tuple(effect(CLOCK.id, CLOCK.values, through=trial.number) for trial in trials[:2])


EVERY_CLOCK = MappingProxyType({rate_hz: tuple(map(at_clock, CLOCK.values)) for rate_hz in RATES_HZ})


def several_rates(rates_hz: Sequence[float] = RATES_HZ, slos: Sequence[str] = ("p90 <= 60 ms",)) -> Objective:
    return Objective(Scenario.SERVER, tuple(map(Slo.parse, slos)), Scope.BOARD, arrival_rates_hz=tuple(rates_hz))


class RatesRun:
    """A study of several rates, with the events that it published."""

    def __init__(
        self,
        folder: Path,
        objective: Objective | None = None,
        tried: Mapping[float, Sequence[Configuration]] = EVERY_CLOCK,
        **settings: object,
    ) -> None:
        self.device = OpenDevice()
        self.objective = objective or several_rates()
        self.bench: Bench = replace(bench(self.device), objective=self.objective)
        self.search = EveryRate(self.objective.arrival_rates_hz, tried)
        self.store = Store(folder / "studies.sqlite")
        self.store.create(replace(study(), objective=self.objective))
        self.settings = StudySettings(**settings)
        self.events: list[StudyEvent] = []
        self.fault: Callable[[str], None] = lambda _: None

    def go(self) -> Study:
        return StudyLoop(
            self.store.get("study-1"),
            self.bench,
            self.search,
            self.store,
            baseline=BASELINE,
            settings=self.settings,
            measurement=MeasurementSettings(),
            publish=self.events.append,
            clock=SystemClock(),
            cancelled=threading.Event(),
        ).run()
