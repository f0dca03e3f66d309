"""Where a study stands: every trial is stored the moment it is done, and everybody is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tuner.clock import Clock
from tuner.parameter_effect import ParameterEffect
from tuner.store import Store
from tuner.study.drift import levelled
from tuner.study.standing import incumbent_of, standing
from tuner.study_record import Recommendation, Study, StudyEvent, StudyState
from tuner.trial import Trial


class Recorder:
    """Keeps the record of one study, in memory and in the store.

    Attributes:
        study: The study so far.
    """

    def __init__(self, study: Study, store: Store, publish: Callable[[StudyEvent], None], clock: Clock) -> None:
        """Goes on from wherever a study has got to.

        Args:
            study: The study, with the trials made so far if it is resumed.
            store: Where every trial goes.
            publish: Takes the study's events; their sequence is zero, the receiver numbers them.
            clock: Durations and times for the record.
        """
        self.study = study
        self._store = store
        self._publish = publish
        self._clock = clock
        self._started_s = clock.monotonic_s() - study.duration_s

    @property
    def elapsed_s(self) -> float:
        """Time that the study has taken so far, over restarts."""
        return self._clock.monotonic_s() - self._started_s

    @property
    def levelled(self) -> tuple[Trial, ...]:
        """The trials as if all had been measured when the baseline was."""
        return levelled(self.study.trials)

    def incumbent(self, arrival_rate_hz: float | None = None) -> Trial | None:
        """Returns the best feasible trial so far at one arrival rate, by its levelled energy.

        Args:
            arrival_rate_hz: One of several; None where there is one or none.
        """
        return incumbent_of(self.levelled, arrival_rate_hz)

    def add(self, trial: Trial) -> None:
        """Stores a finished trial.

        Raises:
            StoreError: It could not be stored.
        """
        self._store.add_trial(self.study.id, trial, self.elapsed_s)
        self.study = replace(self.study, trials=(*self.study.trials, trial), duration_s=self.elapsed_s)
        self.announce(f"trial {trial.number} done", trial)

    def book_search(self, seconds: float, energy_j: float | None) -> None:
        """Books what choosing a configuration took; joules that are not known once are not known at all.

        Raises:
            StoreError: It could not be stored.
        """
        spent_j = 0.0 if not self.study.search_s else self.study.search_j
        search_j = None if spent_j is None or energy_j is None else spent_j + energy_j
        self.study = replace(self.study, search_s=self.study.search_s + seconds, search_j=search_j)
        self._store.book_search(self.study.id, self.study.search_s, search_j)

    def keep_effects(self, effects: tuple[ParameterEffect, ...]) -> None:
        """Stores what the search knows of each parameter.

        Raises:
            StoreError: It could not be stored.
        """
        self.study = replace(self.study, effects=effects)
        self._store.keep_effects(self.study.id, effects)

    def finish(self, state: StudyState, reason: str, recommendation: Recommendation | None = None) -> Study:
        """Stores how the study ended, and returns it.

        Raises:
            StoreError: It could not be stored.
        """
        self.study = replace(
            self.study, state=state, reason=reason, recommendation=recommendation, duration_s=self.elapsed_s
        )
        self._store.finish(self.study.id, state, reason, recommendation, self.study.duration_s)
        return self.study

    def announce(self, phase: str, trial: Trial | None = None) -> None:
        """Tells everybody what the study does now.

        Args:
            phase: What it does, in a few words.
            trial: The trial that was finished, if one was.
        """
        incumbent, saving = standing(self.study, self.levelled)
        self._publish(
            StudyEvent(
                study_id=self.study.id,
                sequence=0,
                phase=phase,
                state=self.study.state,
                trial=trial,
                incumbent=incumbent,
                saving=saving,
            )
        )
