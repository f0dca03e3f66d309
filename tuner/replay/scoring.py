"""Scores a proposer on one measured table: how many trials until it is nearly as good as the table's optimum.

The proposer sees nothing but the points that it asked for: it gets the space and :class:`~tuner.trial.Trial` records
made from those points, never the table.

Trial 0 is the measured point nearest to the machine's usual state: smallest batch, every clock, core count and cap at
its maximum. Every trial counts, trial 0 included. A stop does not end the scoring, it is only recorded: how good the
search is and how good its stopping rule is are two questions.

Where trials are disturbed, the proposer sees the disturbed figures and the score goes by the table's own: a point is
found, or breaks the SLO, if the table says so, whatever the trial said.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tuner.configuration import Configuration
from tuner.replay.disturbance import UNDISTURBED, Disturbance
from tuner.replay.task import ReplayTask
from tuner.search.advice import AdvisingProposer
from tuner.search.contract import SearchTask
from tuner.trial import Trial

TRIAL_CAP = 40
"""Most trials in one run, trial 0 included; a run that needs more is counted as one more."""

NEARLY_OPTIMAL = 0.05
"""A feasible point counts as found when its energy exceeds the optimum's by at most this share."""

FEWEST_FEASIBLE_POINTS = 4


@dataclass(frozen=True)
class Score:
    """What one run was worth.

    Attributes:
        trials_to_5pct: Trials until the best feasible one is within 5 % of the optimum, trial 0 included;
            ``TRIAL_CAP + 1`` if that never happened.
        violations: Trials up to then that broke the SLO.
        stopped_at: Trials measured when the proposer advised to stop (at the latest, its budget's end).
        regret_at_stop: By which share the best feasible trial then exceeded the optimum; None if none was feasible.
        seconds_per_proposal: Mean wall-clock time of a proposal.
        regrets: The same share after each trial of the run.
        is_violation: Whether that trial broke the SLO.
    """

    trials_to_5pct: int
    violations: int
    stopped_at: int
    regret_at_stop: float | None
    seconds_per_proposal: float
    regrets: tuple[float | None, ...]
    is_violation: tuple[bool, ...]


@dataclass
class _Run:
    """What has happened so far in one run: the trials as the proposer sees them, and what the table says of them."""

    task: ReplayTask
    seed: int
    disturbance: Disturbance
    trials: list[Trial] = field(default_factory=list)
    regrets: list[float | None] = field(default_factory=list)
    is_violation: list[bool] = field(default_factory=list)
    proposals: int = 0
    seconds: float = 0.0
    stopped_at: int | None = None

    def measure(self, configuration: Configuration) -> None:
        deviation = self.disturbance.deviation(self.seed, f"{self.task.name}: {configuration}")
        self.trials.append(self.task.trial(len(self.trials), configuration, deviation))
        self.regrets.append(self._regret_with(configuration))
        self.is_violation.append(not self.task.holds_slo(configuration))

    def _regret_with(self, configuration: Configuration) -> float | None:
        so_far = self.regrets[-1] if self.regrets else None
        if not self.task.holds_slo(configuration):
            return so_far
        regret = self.task.energy_j(configuration) / self.task.optimum_j - 1
        return min(regret, math.inf if so_far is None else so_far)

    @property
    def found_at(self) -> int | None:
        """Trials until a nearly optimal point was among them."""
        return next((place + 1 for place, regret in enumerate(self.regrets) if _is_near(regret)), None)


def is_worth_scoring(task: ReplayTask) -> bool:
    """Tells whether a task can tell proposers apart: not if hardly anything is feasible or trial 0 already is near."""
    if len(task.feasible) < FEWEST_FEASIBLE_POINTS:
        return False
    run = _Run(task, 0, UNDISTURBED)
    run.measure(task.start)
    return run.found_at is None


def score(
    task: ReplayTask,
    make_proposer: Callable[[SearchTask], AdvisingProposer],
    seed: int,
    disturbance: Disturbance = UNDISTURBED,
    clock: Callable[[], float] = time.perf_counter,
) -> Score:
    """Runs a proposer until it has found a nearly optimal point and has stopped, or to the cap.

    Args:
        task: The table and the SLO.
        make_proposer: Makes the proposer from all that it may know.
        seed: Of the proposer, and of the disturbance.
        disturbance: What measuring adds to the table's figures.
        clock: A monotonic clock in seconds.

    Raises:
        ValueError: The proposer asked for a point that the table does not have, or for one twice.
    """
    proposer = make_proposer(SearchTask(task.space, task.objective, seed, TRIAL_CAP))
    run = _Run(task, seed, disturbance)
    run.measure(task.start)
    while len(run.trials) < TRIAL_CAP and not (run.stopped_at and run.found_at):
        configuration = _ask(proposer, run, clock)
        if configuration is None:
            break
        if any(trial.configuration == configuration for trial in run.trials):
            raise ValueError(f"The proposer asked for {configuration} twice.")
        run.measure(configuration)
    return _score(run)


def _ask(proposer: AdvisingProposer, run: _Run, clock: Callable[[], float]) -> Configuration | None:
    started = clock()
    advice = proposer.advise(tuple(run.trials))
    run.seconds += clock() - started
    run.proposals += 1
    if advice.stop is not None and run.stopped_at is None:
        run.stopped_at = len(run.trials)
    return advice.proposal.configuration if advice.proposal is not None else None


def _score(run: _Run) -> Score:
    stopped_at = run.stopped_at or len(run.trials)
    found_at = run.found_at
    return Score(
        trials_to_5pct=TRIAL_CAP + 1 if found_at is None else found_at,
        violations=sum(run.is_violation[:found_at]),
        stopped_at=stopped_at,
        regret_at_stop=run.regrets[stopped_at - 1],
        seconds_per_proposal=run.seconds / max(run.proposals, 1),
        regrets=tuple(run.regrets),
        is_violation=tuple(run.is_violation),
    )


def _is_near(regret: float | None) -> bool:
    return regret is not None and regret <= NEARLY_OPTIMAL
