"""A study of two arrival rates, over gRPC, from the workload's file to what is applied for a rate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.daemon_process import CLASSIFIER, CONFIG, House, finished
from tuner.client import Client
from tuner.errors import BadInputError
from tuner.study_record import RateTable, Study, StudyRequest, StudyState
from tuner.trial import Purpose

RATES_HZ = (10.0, 40.0)
WORKLOAD = CLASSIFIER.replace('"classifier"', '"two-rates"').replace(
    'scenario = "multi-stream"',
    f'scenario = "server"\narrival_rates_hz = {list(RATES_HZ)}\nrate_shares = [0.7, 0.3]',
)
LONGER_WINDOWS = CONFIG.replace("window_s = 2.0", "window_s = 30.0", 1)
"""At the lower rate a verdict on a p90 takes as long as 70 requests do."""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    house = House(tmp_path, LONGER_WINDOWS)
    house.add_workload("two-rates", WORKLOAD)
    house.start()
    with house.client() as client:
        yield client
    house.stop()


def table_of(study: Study) -> RateTable:
    assert study.state is StudyState.DONE, study.reason
    assert study.recommendation is not None
    assert study.recommendation.rate_table is not None
    return study.recommendation.rate_table


def test_a_study_of_two_rates_recommends_for_each_and_applies_the_highest(client: Client) -> None:
    study = finished(client, client.start_study(StudyRequest("two-rates", dry_run=False, max_trials=8)))
    table = table_of(study)
    assert study.objective.arrival_rates_hz == RATES_HZ
    assert study.objective.rate_shares == (0.7, 0.3)
    assert [(step.from_rate_hz, step.to_rate_hz) for step in table.steps] == [(0.0, 10.0), (10.0, 40.0)]
    assert [trial.arrival_rate_hz for trial in study.trials[:2]] == [40.0, 10.0]
    for step in table.steps:
        again = [trial for trial in study.at(step.to_rate_hz).trials if trial.purpose is Purpose.CONFIRMATION]
        assert step.configuration in {trial.configuration for trial in again}
        assert step.comparison is not None
        for trial in again:
            assert trial.measurement is not None
            assert trial.measurement.throughput_hz == pytest.approx(step.to_rate_hz, rel=0.5)

    wanted = dict(study.recommendation.applicable) if study.recommendation else {}
    assert wanted == {name: table.steps[-1].configuration[name] for name in wanted}
    assert "The recommendation for 40 requests/s, the highest rate, is applied and confirmed." in study.reason
    assert client.status().confirmed == wanted
    assert {trial.arrival_rate_hz for trial in client.pareto_front(study.id)} == set(RATES_HZ)

    for rate_hz, step in zip((3.0, 12.0), table.steps, strict=True):
        applied = client.apply_study(study.id, 60.0, rate_hz)
        assert dict(applied.applied).items() <= dict(step.configuration).items()
        assert applied.warning == ""
        client.restore()
    beyond = client.apply_study(study.id, 60.0, 90.0)
    assert dict(beyond.applied) == wanted
    assert "No configuration was proven for 90 requests/s" in beyond.warning
    client.restore()
    with pytest.raises(BadInputError, match="above zero"):
        client.apply_study(study.id, 60.0, -1.0)


def test_a_study_of_one_rate_has_nothing_to_choose_by_rate(client: Client) -> None:
    study = finished(client, client.start_study(StudyRequest("classifier", max_trials=3)))
    with pytest.raises(BadInputError, match="recommends one configuration, whatever the arrival rate"):
        client.apply_study(study.id, 60.0, 20.0)


def test_what_holds_only_below_the_highest_rate_is_not_applied_by_itself(tmp_path: Path) -> None:
    house = House(tmp_path, LONGER_WINDOWS)
    house.add_workload("two-rates", WORKLOAD.replace("40.0", "4000.0"))
    house.start()
    before = house.knob_values()
    with house.client() as client:
        study = finished(client, client.start_study(StudyRequest("two-rates", dry_run=False, max_trials=3)))
        assert [step.to_rate_hz for step in table_of(study).steps] == [10.0]
        assert study.reason.endswith("Nothing is applied, because nothing was found for the highest arrival rate.")
        assert dict(client.status().confirmed) == {}
        assert house.knob_values() == before
    house.stop()
