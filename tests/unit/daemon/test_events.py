"""The numbers of a study's events, and watching."""

from __future__ import annotations

import threading
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tuner.records import study, trial
from tuner.daemon.events import EventLog, ended
from tuner.study_record import Study, StudyEvent, StudyState
from tuner.trial import Purpose


def phase(text: str) -> StudyEvent:
    return StudyEvent("s", 0, text, StudyState.RUNNING)


def trial_done(number: int) -> StudyEvent:
    return StudyEvent("s", 0, f"trial {number} done", StudyState.RUNNING, trial=trial(number, 1.0))


def seen(log: EventLog, after: int = 0) -> list[StudyEvent]:
    log.close()
    return list(log.watch(after, lambda: True))


def with_trials(count: int, state: StudyState = StudyState.RUNNING) -> Study:
    trials = [replace(trial(number, 10.0 - number), purpose=Purpose.SEARCH) for number in range(count)]
    if trials:
        trials[0] = replace(trials[0], purpose=Purpose.BASELINE)
    return replace(study(*trials), state=state, reason="because")


@given(st.lists(st.integers(0, 3), max_size=6))
def test_numbers_grow_and_trials_keep_theirs_when_the_log_is_made_anew(phases: list[int]) -> None:
    live = EventLog(with_trials(0))
    for number, count in enumerate(phases):
        for _ in range(count):
            live.publish(phase("measuring"))
        live.publish(trial_done(number))
    live.publish(ended(with_trials(len(phases), StudyState.DONE)))
    remade = EventLog(with_trials(len(phases), StudyState.DONE))

    events = seen(live)
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert [event.sequence for event in events if event.trial or event.state.is_final] == [
        event.sequence for event in seen(remade)
    ]


def test_a_watcher_goes_on_after_the_event_that_it_saw_last() -> None:
    log = EventLog(with_trials(3, StudyState.DONE))
    events = seen(log)
    assert seen(log, after=events[1].sequence) == events[2:]
    assert seen(log, after=events[-1].sequence) == []


def test_a_log_made_anew_shows_the_incumbent_and_its_saving_as_they_were() -> None:
    events = seen(EventLog(with_trials(3)))
    assert [event.incumbent for event in events] == [0, 1, 2]
    assert [round(event.saving or 0.0, 3) for event in events] == [0.0, 0.1, 0.2]


def test_endless_phases_do_not_push_a_trial_out_of_its_place() -> None:
    log = EventLog(with_trials(0))
    for _ in range(1500):
        log.publish(phase("measuring"))
    log.publish(trial_done(0))
    events = seen(log)
    assert events[-1].trial is not None
    assert len(events) == 1000


def test_a_waiting_watcher_gets_what_comes() -> None:
    log = EventLog(with_trials(0))
    got: list[StudyEvent] = []
    watcher = threading.Thread(target=lambda: got.extend(log.watch(0, lambda: True)))
    watcher.start()
    log.publish(phase("measuring"))
    log.publish(ended(with_trials(1, StudyState.DONE)))
    watcher.join(60)
    assert [event.state for event in got] == [StudyState.RUNNING, StudyState.DONE]
    assert got[-1].reason == "because"


def test_a_watch_ends_when_nobody_watches() -> None:
    assert list(EventLog(with_trials(2)).watch(0, lambda: False)) == []
