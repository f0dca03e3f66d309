"""A proposer at work on a measured table: it asks, the table answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from tuner.configuration import Configuration
from tuner.replay.disturbance import UNDISTURBED, Disturbance
from tuner.replay.task import ReplayTask
from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.contract import SearchTask
from tuner.trial import Trial

TRIAL_CAP = 40
"""Most trials in one run, trial 0 included."""

MakeProposer: TypeAlias = Callable[[SearchTask], AdvisingProposer]
"""Makes a proposer from all that it may know."""


class SearchRun:
    """One run, under way: trial 0 has been measured when it begins.

    A stop that the proposer advises does not end it, it is only recorded: how good a search is and how good its
    stopping rule is are two questions.

    Attributes:
        task: The table and the SLO.
        trials: What the proposer has seen so far.
        stopped_at: Trials measured when the proposer first advised to stop; None as long as it did not.
    """

    def __init__(
        self,
        task: ReplayTask,
        make_proposer: MakeProposer,
        seed: int,
        disturbance: Disturbance = UNDISTURBED,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Measures trial 0.

        Args:
            task: The table and the SLO.
            make_proposer: Makes the proposer from all that it may know.
            seed: Of the proposer, and of the disturbance.
            disturbance: What measuring adds to the table's figures.
            clock: A monotonic clock in seconds.
        """
        self.task = task
        self.trials: list[Trial] = []
        self.stopped_at: int | None = None
        self._proposer = make_proposer(SearchTask(task.space, task.objective, seed, TRIAL_CAP))
        self._seed = seed
        self._disturbance = disturbance
        self._clock = clock
        self._proposals = 0
        self._seconds = 0.0
        self._measure(task.start)

    @property
    def seconds_per_proposal(self) -> float:
        """Mean wall-clock time of a proposal so far."""
        return self._seconds / max(self._proposals, 1)

    def advance(self) -> bool:
        """Measures what the proposer asks for, and tells whether there was anything left within the cap.

        Raises:
            ValueError: The proposer asked for a point that the table does not have, or for one twice.
        """
        if len(self.trials) >= TRIAL_CAP:
            return False
        advice = self._ask()
        if advice.stop is not None and self.stopped_at is None:
            self.stopped_at = len(self.trials)
        if advice.proposal is None:
            return False
        configuration = advice.proposal.configuration
        if any(trial.configuration == configuration for trial in self.trials):
            raise ValueError(f"The proposer asked for {configuration} twice.")
        self._measure(configuration)
        return True

    def _ask(self) -> Advice:
        started = self._clock()
        advice = self._proposer.advise(tuple(self.trials))
        self._seconds += self._clock() - started
        self._proposals += 1
        return advice

    def _measure(self, configuration: Configuration) -> None:
        deviation = self._disturbance.deviation(self._seed, f"{self.task.name}: {configuration}")
        self.trials.append(self.task.trial(len(self.trials), configuration, deviation))
