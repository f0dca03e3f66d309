"""A study of three arrival rates as the daemon makes it, on a scripted device."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.unit.tuner.rates_bench import EVERY_CLOCK, RatesRun, several_rates
from tuner.study_record import Study, StudyState


@cache
def study_of_rates() -> Study:
    """A finished dry run: the two lower rates share a configuration, the highest has another."""
    return _finished(RatesRun, reference_every=3)


@cache
def study_of_an_overload() -> Study:
    """A finished dry run that found nothing for the highest of its rates."""
    return _finished(lambda folder: RatesRun(folder, several_rates((10.0, 20.0, 60.0)), EVERY_CLOCK))


@cache
def unfinished_study() -> Study:
    """The first study in the midst of its search: the middle rate has no trial yet."""
    whole = study_of_rates()
    trials = tuple(trial for trial in whole.trials[:5] if trial.arrival_rate_hz != 20.0)
    return replace(whole, state=StudyState.RUNNING, reason="", trials=trials, recommendation=None, effects=())


def new_study() -> Study:
    """The first study when it had only just been started."""
    return replace(unfinished_study(), trials=())


def _finished(make, **settings) -> Study:  # type: ignore[no-untyped-def]  # a run, whatever it needs
    with tempfile.TemporaryDirectory() as folder:
        run = make(Path(folder), **settings)
        try:
            study: Study = run.go()
        finally:
            run.store.close()
    return replace(study, duration_s=734.0)
