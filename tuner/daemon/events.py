"""What happens in a study, in order, for any number of watchers, and across restarts of the daemon."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from tuner.study.standing import standing
from tuner.study_record import Study, StudyEvent, StudyState

_PLACES = 1000
"""Sequence numbers kept for one trial: the trial itself has the last of them, its phases those before."""

_LOOK_S = 0.5
"""How often a waiting watcher looks whether its client is still there."""


class EventLog:
    """The events of one study.

    A finished trial has the same number whenever the log is made anew from the store, so that a client can
    go on from where it was even after the daemon was killed. Numbers only grow; some are never used.
    """

    def __init__(self, study: Study) -> None:
        """Makes the events of what has happened so far."""
        self._changed = threading.Condition()
        self._events: list[StudyEvent] = []
        self._closed = False
        for count in range(1, len(study.trials) + 1):
            self.publish(_trial_done(replace(study, trials=study.trials[:count])))
        if study.state.is_final:
            self.publish(ended(study))

    def publish(self, event: StudyEvent) -> None:
        """Numbers an event and adds it."""
        with self._changed:
            sequence = self._next_place(event)
            # Hundreds of phases in one trial would be noise: the trial itself is never dropped.
            if self._events and sequence <= self._events[-1].sequence:
                return
            self._events.append(replace(event, sequence=sequence))
            self._changed.notify_all()

    def _next_place(self, event: StudyEvent) -> int:
        last = self._events[-1].sequence if self._events else 0
        if event.trial is not None:
            return (event.trial.number + 1) * _PLACES
        if event.state.is_final:
            return (last // _PLACES + 1) * _PLACES
        return last if last % _PLACES == _PLACES - 1 else last + 1

    def close(self) -> None:
        """Ends every watch, also where the study has not ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def phase(self) -> str:
        """What the study does now, in a few words."""
        with self._changed:
            return self._events[-1].phase if self._events else "starting"

    def watch(self, after_sequence: int, is_watched: Callable[[], bool]) -> Iterator[StudyEvent]:
        """Yields events as they come, until the study has ended, the log is closed or nobody watches.

        Args:
            after_sequence: The last event that the watcher has seen; 0 for none.
            is_watched: Asked while waiting.
        """
        seen = after_sequence
        while is_watched():
            with self._changed:
                fresh = [event for event in self._events if event.sequence > seen]
                if not fresh and (self._closed or self._has_ended()):
                    return
                if not fresh:
                    self._changed.wait(_LOOK_S)
            for event in fresh:
                seen = event.sequence
                yield event

    def _has_ended(self) -> bool:
        return bool(self._events) and self._events[-1].state.is_final


def _trial_done(study: Study) -> StudyEvent:
    """Returns the event of a study's latest trial, as it was when the trial was finished."""
    trial = study.trials[-1]
    incumbent, saving = standing(study, study.trials)
    return StudyEvent(
        study_id=study.id,
        sequence=0,
        phase=f"trial {trial.number} done",
        state=StudyState.RUNNING,
        trial=trial,
        incumbent=incumbent,
        saving=saving,
    )


def ended(study: Study) -> StudyEvent:
    """Returns the last event of a study."""
    incumbent, saving = standing(study, study.trials)
    return StudyEvent(
        study_id=study.id,
        sequence=0,
        phase=study.state.value,
        state=study.state,
        incumbent=incumbent,
        saving=saving,
        reason=study.reason,
    )
