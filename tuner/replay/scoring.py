"""Scores a proposer on one measured table: how many trials until it is nearly as good as the table's optimum.

The proposer sees nothing but the points that it asked for: it gets the space and :class:`~tuner.trial.Trial` records
made from those points, never the table.

Trial 0 is the measured point nearest to the machine's usual state: smallest batch, every clock, core count and cap at
its maximum. Every trial counts, trial 0 included.

Where trials are disturbed, the proposer sees the disturbed figures and the score goes by the table's own: a point is
found, or breaks the SLO, if the table says so, whatever the trial said.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tuner.configuration import Configuration
from tuner.replay.disturbance import UNDISTURBED, Disturbance
from tuner.replay.search_run import TRIAL_CAP, MakeProposer, SearchRun
from tuner.replay.task import ReplayTask

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


def is_worth_scoring(task: ReplayTask) -> bool:
    """Tells whether a task can tell proposers apart: not if hardly anything is feasible or trial 0 already is near."""
    return len(task.feasible) >= FEWEST_FEASIBLE_POINTS and _found_at(_regrets(task, [task.start])) is None


def score(
    task: ReplayTask,
    make_proposer: MakeProposer,
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
    return score_run(SearchRun(task, make_proposer, seed, disturbance, clock))


def score_run(run: SearchRun) -> Score:
    """Does the same with a run that has just begun.

    Raises:
        ValueError: The proposer asked for a point that the table does not have, or for one twice.
    """
    while not (run.stopped_at and _found_at(_regrets_of(run))) and run.advance():
        pass
    regrets = _regrets_of(run)
    found_at = _found_at(regrets)
    stopped_at = run.stopped_at or len(run.trials)
    is_violation = tuple(not run.task.holds_slo(trial.configuration) for trial in run.trials)
    return Score(
        trials_to_5pct=TRIAL_CAP + 1 if found_at is None else found_at,
        violations=sum(is_violation[:found_at]),
        stopped_at=stopped_at,
        regret_at_stop=regrets[stopped_at - 1],
        seconds_per_proposal=run.seconds_per_proposal,
        regrets=tuple(regrets),
        is_violation=is_violation,
    )


def _regrets_of(run: SearchRun) -> list[float | None]:
    return _regrets(run.task, (trial.configuration for trial in run.trials))


def _regrets(task: ReplayTask, configurations: Iterable[Configuration]) -> list[float | None]:
    """Returns by which share the best feasible one so far exceeds the optimum; None before the first."""
    regrets: list[float | None] = []
    best_j = math.inf
    for configuration in configurations:
        if task.holds_slo(configuration):
            best_j = min(best_j, task.energy_j(configuration))
        regrets.append(None if math.isinf(best_j) else best_j / task.optimum_j - 1)
    return regrets


def _found_at(regrets: Sequence[float | None]) -> int | None:
    """Returns after how many trials a nearly optimal one was among them."""
    near = (place for place, regret in enumerate(regrets, start=1) if regret is not None and regret <= NEARLY_OPTIMAL)
    return next(near, None)
