"""What the search is told of a study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from knobs.contract import Scope
from tests.unit.tuner.records import study, trial
from tests.unit.tuner.scripted_bench import CLOCK
from tests.unit.tuner.test_forecast_file import FILE
from tuner.config_record import MeasurementSettings, ObjectiveSettings, StudySettings, WattuneConfig, WorkloadConfig
from tuner.configuration import ConfigurationSpace
from tuner.daemon.search_task import forecasts_for, search_task
from tuner.errors import BadInputError, NotFoundError
from tuner.objective import Scenario
from tuner.record_file import write_record
from tuner.search.contract import LIVE_CAUTION, Caution, EarlierStudy, Goal, SearchTask
from tuner.store import Store
from tuner.study_record import Study, StudyState

OWN_TRIALS = (trial(0, 9.0),)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "studies.sqlite")
    yield opened
    opened.close()


def keep(store: Store, name: str, energy_j: float, like: Study, state: StudyState = StudyState.DONE) -> EarlierStudy:
    """Stores a study with one trial, and returns what is to be learnt from it."""
    made = replace(like, id=name, state=state, trials=())
    store.create(made)
    store.add_trial(name, trial(0, energy_j), 1.0)
    return EarlierStudy((trial(0, energy_j),))


def task(store: Store, asked: Study | None = None, config: WattuneConfig | None = None) -> SearchTask:
    return search_task(asked or study(*OWN_TRIALS), config or WattuneConfig(), (CLOCK,), store)


def with_settings(settings: StudySettings) -> WattuneConfig:
    return WattuneConfig(study=settings)


def under(scenario: Scenario) -> Study:
    made = study(*OWN_TRIALS)
    return replace(made, objective=replace(made.objective, scenario=scenario))


def test_a_dry_run_is_after_the_front_and_a_study_that_is_applied_after_the_least_energy(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    assert task(store, asked).goal is Goal.FRONT
    applied = replace(asked, request=replace(asked.request, dry_run=False))
    assert task(store, applied).goal is Goal.LEAST_ENERGY


def test_space_objective_seed_and_budget_are_the_studys(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    asked = replace(asked, request=replace(asked.request, seed=7, max_trials=11))
    found = task(store, asked, with_settings(StudySettings(max_trials=30)))
    assert (found.space, found.objective, found.seed, found.max_trials) == (asked.space, asked.objective, 7, 11)
    assert task(store, config=with_settings(StudySettings(max_trials=30))).max_trials == 30


@pytest.mark.parametrize(
    ("scenario", "settings", "caution"),
    [
        (Scenario.MULTI_STREAM, StudySettings(), Caution()),
        (Scenario.LIVE, StudySettings(), LIVE_CAUTION),
        (Scenario.OFFLINE, StudySettings(min_feasibility=0.8, max_steps=1), Caution(0.8, 1)),
        (Scenario.LIVE, StudySettings(max_steps=5), Caution(LIVE_CAUTION.min_feasibility, 5)),
        (Scenario.LIVE, StudySettings(min_feasibility=0.5), Caution(0.5, LIVE_CAUTION.max_steps)),
    ],
)
def test_real_traffic_asks_for_caution_and_the_operator_has_the_last_word(
    store: Store, scenario: Scenario, settings: StudySettings, caution: Caution
) -> None:
    assert task(store, under(scenario), with_settings(settings)).caution == caution


def test_horizon_and_length_of_a_trial_come_from_the_settings(store: Store) -> None:
    config = WattuneConfig(
        study=StudySettings(horizon_hours=2.0), measurement=MeasurementSettings(window_s=50.0, warm_up_s=4.0)
    )
    settling = replace(CLOCK, settle_s=3.0)
    elsewhere = replace(CLOCK, id="cpu.core.max_mhz", settle_s=100.0)
    found = search_task(study(*OWN_TRIALS), config, (settling, elsewhere), store)
    assert (found.horizon_s, found.trial_s) == (7200.0, 57.0)


def test_a_retune_starts_from_its_parent_alone(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    parent = keep(store, "parent", 5.0, replace(asked, request=replace(asked.request, workload="other")))
    keep(store, "sibling", 6.0, asked)
    assert task(store, asked).earlier == ()
    retune = replace(asked, request=replace(asked.request, parent="parent"))
    assert task(store, retune).earlier == (parent,)


def test_a_parent_that_has_gone_is_named(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    with pytest.raises(NotFoundError, match="nowhere"):
        task(store, replace(asked, request=replace(asked.request, parent="nowhere")))


LEARNING = with_settings(StudySettings(learn_from="device"))


def test_learning_from_the_device_takes_the_latest_studies_of_the_same_workload(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    kept = [keep(store, f"earlier-{number}", 1.0 + number, asked) for number in range(7)]
    store.create(replace(asked, trials=()))
    assert task(store, asked, LEARNING).earlier == tuple(reversed(kept[2:]))


def test_the_parent_comes_first_and_once(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    parent, other = keep(store, "parent", 5.0, asked), keep(store, "other", 6.0, asked)
    retune = replace(asked, request=replace(asked.request, parent="parent"))
    assert task(store, retune, LEARNING).earlier == (parent, other)


def test_nothing_is_learnt_from_studies_that_are_not_alike(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    fewer = ConfigurationSpace(asked.space.parameters[:1])
    unlike = {
        "running": (asked, StudyState.RUNNING),
        "failed": (asked, StudyState.FAILED),
        "cancelled": (asked, StudyState.CANCELLED),
        "elsewhere": (replace(asked, machine=replace(asked.machine, device="virtual:tx2")), StudyState.DONE),
        "other-workload": (replace(asked, request=replace(asked.request, workload="other")), StudyState.DONE),
        "other-scope": (replace(asked, objective=replace(asked.objective, scope=Scope.GPU)), StudyState.DONE),
        "other-scenario": (under(Scenario.OFFLINE), StudyState.DONE),
        "other-space": (replace(asked, space=fewer), StudyState.DONE),
    }
    for position, (name, (made, state)) in enumerate(unlike.items()):
        keep(store, name, 1.0 + position, made, state)
    alike = keep(store, "alike", 20.0, asked, StudyState.INFEASIBLE)
    assert task(store, asked, LEARNING).earlier == (alike,)


def test_forecasts_go_with_it(store: Store) -> None:
    asked = study(*OWN_TRIALS)
    forecasts = FILE.at(trial(0, 9.0).configuration, asked.space)
    assert forecasts
    assert search_task(asked, WattuneConfig(), (CLOCK,), store, forecasts).forecasts == forecasts
    assert task(store).forecasts == ()


class TestForecastsOfAWorkload:
    def workload(self, path: str, scenario: str = "multi-stream") -> WorkloadConfig:
        objective = ObjectiveSettings(
            scenario=Scenario(scenario), slo="p90 <= 1 s", arrival_rate_hz=5.0 if scenario == "server" else None
        )
        return WorkloadConfig(name="minilm", adapter="torch_module", objective=objective, forecasts=path)

    def test_there_may_be_none(self) -> None:
        assert forecasts_for(self.workload("")) is None

    def test_the_file_that_it_names_is_read(self, tmp_path: Path) -> None:
        write_record(tmp_path / "minilm.json", FILE)
        assert forecasts_for(self.workload(str(tmp_path / "minilm.json"))) == FILE

    def test_a_path_that_depends_on_where_the_daemon_stands_is_refused(self) -> None:
        with pytest.raises(BadInputError, match="whole path"):
            forecasts_for(self.workload("minilm.json"))

    def test_they_say_nothing_of_idling(self, tmp_path: Path) -> None:
        write_record(tmp_path / "minilm.json", FILE)
        with pytest.raises(BadInputError, match="between queries"):
            forecasts_for(self.workload(str(tmp_path / "minilm.json"), "server"))
