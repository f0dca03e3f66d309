"""What the search is told of a study: its space and objective, what it is after, and what is known from earlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from knobs.contract import KnobSpec
from tuner.config_record import MeasurementSettings, StudySettings, WattuneConfig, WorkloadConfig
from tuner.errors import BadInputError
from tuner.forecast_file import ForecastFile, check_forecastable, read_forecast_file
from tuner.objective import Scenario
from tuner.search.contract import LIVE_CAUTION, Caution, EarlierStudy, Forecast, Goal, SearchTask
from tuner.store import Store
from tuner.study_record import Study, StudyState

_MOST_EARLIER = 5
"""Studies of the same workload that a study learns from, the latest ones."""
_FINISHED = (StudyState.DONE, StudyState.INFEASIBLE)
_HOUR_S = 3600.0


def search_task(
    study: Study,
    config: WattuneConfig,
    knobs: Sequence[KnobSpec],
    store: Store,
    forecasts: Sequence[Forecast] = (),
) -> SearchTask:
    """Returns the task of a study's search.

    Args:
        study: The study, planned or resumed.
        config: The operator's configuration.
        knobs: The machine's knobs, within the operator's bounds.
        store: Where earlier studies are.
        forecasts: What models say of some configurations.

    Raises:
        NotFoundError: The study to start from does not exist any more.
        StoreError: The store cannot be read.
    """
    settings = config.study
    return SearchTask(
        space=study.space,
        objective=study.objective,
        seed=study.request.seed,
        max_trials=study.request.max_trials or settings.max_trials,
        earlier=tuple(EarlierStudy(earlier.trials) for earlier in _earlier(study, settings, store)),
        goal=Goal.FRONT if study.request.dry_run else Goal.LEAST_ENERGY,
        caution=_caution(study, settings),
        horizon_s=settings.horizon_hours * _HOUR_S,
        trial_s=_trial_s(study, config.measurement, knobs),
        forecasts=tuple(forecasts),
    )


def forecasts_for(workload: WorkloadConfig) -> ForecastFile | None:
    """Returns what was predicted of a workload's model; None if nothing was.

    Raises:
        BadInputError: The file that the workload names cannot be used.
    """
    if not workload.forecasts:
        return None
    path = Path(workload.forecasts)
    if not path.is_absolute():
        raise BadInputError(f"The workload '{workload.name}' names its forecasts '{path}': write the whole path.")
    check_forecastable(workload.objective.resolve(), f"The forecasts of '{workload.name}'")
    return read_forecast_file(path)


def _caution(study: Study, settings: StudySettings) -> Caution:
    """Returns how much risk is taken: the operator's word first, else what real traffic demands."""
    caution = LIVE_CAUTION if study.objective.scenario is Scenario.LIVE else Caution()
    if settings.min_feasibility is not None:
        caution = replace(caution, min_feasibility=settings.min_feasibility)
    return caution if settings.max_steps is None else replace(caution, max_steps=settings.max_steps)


def _trial_s(study: Study, settings: MeasurementSettings, knobs: Sequence[KnobSpec]) -> float:
    """Returns how long a trial takes at most, once its configuration is applied."""
    settle_s = max((knob.settle_s for knob in knobs if knob.id in study.space.knob_ids), default=0.0)
    return settle_s + settings.warm_up_s + settings.window_s


def _earlier(study: Study, settings: StudySettings, store: Store) -> list[Study]:
    """Returns the studies that this one starts from: its parent, and others like it if the operator wants that."""
    parent = [store.get(study.request.parent)] if study.request.parent else []
    if settings.learn_from == "parent":
        return parent
    alike = [other.id for other in store.summaries() if other.id != study.request.parent and _is_alike(other, study)]
    return [*parent, *map(store.get, alike[:_MOST_EARLIER])]


def _is_alike(other: Study, study: Study) -> bool:
    """Tells whether another study ended, and measured the same workload on the same device in the same terms."""
    return (
        other.id != study.id
        and other.state in _FINISHED
        and other.machine.device == study.machine.device
        and other.request.workload == study.request.workload
        and (other.objective.scope, other.objective.scenario) == (study.objective.scope, study.objective.scenario)
        and _names(other) == _names(study)
    )


def _names(study: Study) -> set[str]:
    return {parameter.id for parameter in study.space.parameters}
