"""Whatever dies in the middle of a study: knobs come back, stored trials stay, and the study goes on."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator

import pytest

from tests.service.daemon_process import House, finished, is_trial, wait_until, watch_until
from tuner.client import Client
from tuner.errors import ProcessLostError
from tuner.study_record import StudyEvent, StudyRequest, StudyState
from tuner.trial import Purpose, Rejection, RejectionCause

REQUEST = StudyRequest("classifier", max_trials=8)


def begin(client: Client, trials: int = 2) -> tuple[str, Iterator[StudyEvent]]:
    """Starts a study and follows it until a few trials are done."""
    study_id = client.start_study(REQUEST)
    events = client.watch(study_id)
    watch_until(events, is_trial(trials))
    return study_id, events


def test_a_killed_daemon_resumes_its_study_and_watchers_go_on(house: House, client: Client) -> None:
    before = house.knob_values()
    study_id, events = begin(client)
    stored = client.get_study(study_id).trials
    house.end(signal.SIGKILL)
    wait_until(lambda: house.knob_values() == before, "the keeper takes trial values back")

    house.start()
    rest = list(events)
    study = client.get_study(study_id)
    assert study.state is StudyState.DONE
    assert study.trials[: len(stored)] == stored
    assert [trial.number for trial in study.trials] == list(range(len(study.trials)))
    assert sum(trial.purpose is Purpose.BASELINE for trial in study.trials) == 1
    seen = [event.trial.number for event in rest if event.trial]
    assert seen == list(range(3, len(study.trials)))
    assert rest[-1].state is StudyState.DONE
    assert house.knob_values() == before


def test_a_stopped_daemon_takes_trial_values_back_and_resumes_later(house: House, client: Client) -> None:
    before = house.knob_values()
    study_id, _ = begin(client)
    assert house.stop() == 0
    assert house.knob_values() == before
    house.start()
    assert client.get_study(study_id).state is StudyState.RUNNING
    assert finished(client, study_id).state is StudyState.DONE


@pytest.mark.parametrize("words", [("keeper",), ("tuner.search.worker",)])
def test_a_study_goes_on_when_its_keeper_or_its_worker_is_killed(
    house: House, client: Client, words: tuple[str, ...]
) -> None:
    before = house.knob_values()
    study_id, events = begin(client)
    house.child(*words).kill()
    last = list(events)[-1]
    assert last.state is StudyState.DONE
    assert house.knob_values() == before
    study = client.get_study(study_id)
    assert [trial.number for trial in study.trials] == list(range(len(study.trials)))


def test_a_study_goes_on_when_its_runner_is_killed(house: House, client: Client) -> None:
    before = house.knob_values()
    study_id, _ = begin(client)
    house.child("serving_adapter").kill()
    study = finished(client, study_id)
    assert study.state is StudyState.DONE
    assert house.knob_values() == before
    causes = [trial.rejection.cause for trial in study.trials if isinstance(trial.rejection, Rejection)]
    assert set(causes) <= {RejectionCause.PROCESS_LOST}


def test_a_keeper_that_dies_while_nothing_runs_is_started_again(house: House, client: Client) -> None:
    client.apply_values({"gpu.core.max_mhz": 918}, hold_s=100)
    client.confirm()
    house.child("keeper").kill()
    assert client.verify().mismatches == ()
    assert dict(client.verify().confirmed) == {"gpu.core.max_mhz": 918}


def test_a_workload_that_changed_meanwhile_ends_the_study_with_one_sentence(house: House, client: Client) -> None:
    study_id, _ = begin(client)
    house.end(signal.SIGKILL)
    path = house.config_path.parent / "workloads.d" / "classifier.toml"
    path.write_text(path.read_text().replace("[1, 4]", "[1, 2]"))
    house.start()
    study = finished(client, study_id)
    assert study.state is StudyState.FAILED
    assert study.reason == (f"Study {study_id} cannot go on: serving.batch_size no longer takes 4; start a new study.")
    assert len(study.trials) >= 3


def test_a_watcher_of_a_daemon_that_never_comes_back_is_told_so(house: House, client: Client) -> None:
    study_id, _ = begin(client)
    events = client.watch(study_id, patience_s=1.0)
    next(events)
    house.end(signal.SIGKILL)
    with pytest.raises(ProcessLostError, match="goes on when 'wattune serve' is started again"):
        list(events)


def test_a_full_disk_ends_the_study_for_now_and_loses_nothing(house: House, client: Client) -> None:
    before = house.knob_values()
    study_id, events = begin(client)
    assert house.process is not None
    # Files may not grow beyond what the store has already: what a full disk does, for this process only.
    unlimited = resource.prlimit(house.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    last = list(events)[-1]
    assert last.state is StudyState.FAILED
    assert "make sure that its directory exists, is writable and has room" in last.reason
    assert last.reason.endswith("The study goes on when the daemon is started again.")
    assert house.knob_values() == before
    stored = client.get_study(study_id).trials
    assert len(stored) >= 3

    resource.prlimit(house.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert house.stop() == 0
    house.start()
    study = finished(client, study_id)
    assert study.state is StudyState.DONE
    assert study.trials[: len(stored)] == stored
