"""Scores a proposer on one measured table: how many trials until it is nearly as good as the table's optimum.

The proposer sees nothing but the points that it asked for: it gets the space and :class:`~tuner.trial.Trial` records
made from those points, never the table.

Trial 0 is the measured point nearest to the machine's usual state: smallest batch, every clock, core count and cap at
its maximum. Every trial counts, trial 0 included. A stop does not end the scoring, it is only recorded: how good the
search is and how good its stopping rule is are two questions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tuner.configuration import Configuration
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
    """

    trials_to_5pct: int
    violations: int
    stopped_at: int
    regret_at_stop: float | None
    seconds_per_proposal: float


@dataclass
class _Run:
    """What has happened so far in one run."""

    trials: list[Trial]
    proposals: int = 0
    seconds: float = 0.0
    stopped_at: int | None = None


def is_worth_scoring(task: ReplayTask) -> bool:
    """Tells whether a task can tell proposers apart: not if hardly anything is feasible or trial 0 already is near."""
    return len(task.feasible) >= FEWEST_FEASIBLE_POINTS and not _is_found(task, [task.trial(0, task.start)])


def score(
    task: ReplayTask,
    make_proposer: Callable[[SearchTask], AdvisingProposer],
    seed: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Score:
    """Runs a proposer until it has found a nearly optimal point and has stopped, or to the cap.

    Args:
        task: The table and the SLO.
        make_proposer: Makes the proposer from all that it may know.
        seed: The proposer's seed.
        clock: A monotonic clock in seconds.

    Raises:
        ValueError: The proposer asked for a point that the table does not have, or for one twice.
    """
    proposer = make_proposer(SearchTask(task.space, task.objective, seed, TRIAL_CAP))
    run = _Run([task.trial(0, task.start)])
    while len(run.trials) < TRIAL_CAP and not (run.stopped_at and _is_found(task, run.trials)):
        configuration = _ask(proposer, run, clock)
        if configuration is None:
            break
        if any(trial.configuration == configuration for trial in run.trials):
            raise ValueError(f"The proposer asked for {configuration} twice.")
        run.trials.append(task.trial(len(run.trials), configuration))
    return _score(task, run)


def _ask(proposer: AdvisingProposer, run: _Run, clock: Callable[[], float]) -> Configuration | None:
    started = clock()
    advice = proposer.advise(tuple(run.trials))
    run.seconds += clock() - started
    run.proposals += 1
    if advice.stop is not None and run.stopped_at is None:
        run.stopped_at = len(run.trials)
    return advice.proposal.configuration if advice.proposal is not None else None


def _score(task: ReplayTask, run: _Run) -> Score:
    stopped_at = run.stopped_at or len(run.trials)
    found_at = next((n for n in range(1, len(run.trials) + 1) if _is_found(task, run.trials[:n])), None)
    until_then = run.trials[:found_at]
    return Score(
        trials_to_5pct=TRIAL_CAP + 1 if found_at is None else found_at,
        violations=sum(not trial.is_feasible for trial in until_then),
        stopped_at=stopped_at,
        regret_at_stop=_regret(task, run.trials[:stopped_at]),
        seconds_per_proposal=run.seconds / max(run.proposals, 1),
    )


def _is_found(task: ReplayTask, trials: list[Trial]) -> bool:
    regret = _regret(task, trials)
    return regret is not None and regret <= NEARLY_OPTIMAL


def _regret(task: ReplayTask, trials: list[Trial]) -> float | None:
    energies_j = [trial.measurement.energy.per_request_j for trial in trials if trial.measurement and trial.is_feasible]
    return min(energies_j) / task.optimum_j - 1 if energies_j else None
