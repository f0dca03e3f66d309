"""Who follows a study waits for a daemon that has gone, whenever and however it went."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.daemon_process import House, is_trial, watch_until
from tuner.errors import ProcessLostError
from tuner.study_record import StudyRequest

LOST = "goes on when 'wattune serve' is started again"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A daemon that serves; what still runs at the end is ended."""
    house = House(tmp_path)
    house.start()
    yield house
    if house.process is not None:
        house.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_daemon_that_ends_before_the_first_event_is_waited_for(house: House, number: signal.Signals) -> None:
    with house.client() as client:
        assert client.status().running_study is None
        house.end(number)
        with pytest.raises(ProcessLostError, match=LOST):
            next(client.watch("just-started", patience_s=0.5))


def test_a_daemon_that_is_stopped_in_mid_study_is_waited_for(house: House) -> None:
    with house.client() as client:
        study_id = client.start_study(StudyRequest("classifier", max_trials=8))
        events = client.watch(study_id, patience_s=0.5)
        watch_until(events, is_trial(1))
        assert house.end(signal.SIGTERM) == 0
        with pytest.raises(ProcessLostError, match=LOST):
            list(events)
