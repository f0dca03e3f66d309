"""A client that starts a study and follows it, whatever happens to the daemon meanwhile."""

from __future__ import annotations

import re
import threading
import time
from uuid import uuid4

from tests.chaos.household import GENEROUS_S, Household
from tuner.errors import WattuneError
from tuner.study_record import StudyEvent, StudyRequest
from tuner.trial import Trial

_PAUSE_S = 0.05


class Follower:
    """One dry-run study, and everything that the daemon has said about it."""

    def __init__(self, household: Household, seed: int) -> None:
        self._household = household
        self._request = StudyRequest("victim", seed=seed, idempotency_key=uuid4().hex)
        self._events: list[StudyEvent] = []
        self.study_id: str | None = None
        self.refusals: list[str] = []
        """What was answered to the request to start, until it succeeded."""
        self.failure: str | None = None
        """Why the stream ended before the study did."""
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    @property
    def phase(self) -> str:
        """What the study does, without numbers and reasons."""
        if not self._events:
            return "planning" if self.study_id is None else "resuming"
        phase = self._events[-1].phase.split("(")[0].split(":")[0]
        return re.sub(r"\d+", "N", phase).strip()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def last(self) -> StudyEvent | None:
        return self._events[-1] if self._events else None

    def trials(self) -> list[Trial]:
        """Returns the trials that were streamed."""
        return [event.trial for event in tuple(self._events) if event.trial is not None]

    def measurements(self) -> list[Trial]:
        """Returns the trials that were streamed and count."""
        return [trial for trial in self.trials() if trial.measurement is not None]

    def _run(self) -> None:
        with self._household.client() as client:
            while self.study_id is None:
                try:
                    self.study_id = client.start_study(self._request)
                except WattuneError as error:
                    self.refusals.append(str(error))
                    time.sleep(_PAUSE_S)
            try:
                if self.study_id is not None:
                    for event in client.watch(self.study_id, patience_s=GENEROUS_S):
                        self._events.append(event)
            except WattuneError as error:
                self.failure = str(error)
