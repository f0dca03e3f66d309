"""When a search ends: nothing left, nothing left to spend, or nothing left to gain."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.search.contract import SearchTask, Stop
from tuner.trial import Trial

ALL_TRIED = Stop("Every legal configuration has been tried.")

WORTHWHILE_GAIN = 0.02
"""A smaller saving than this share of the energy does not pay for another trial."""

UNLIKELY = 0.05
"""Below this probability of a worthwhile gain, the search ends."""

FEWEST_TRIALS = 8
"""Before so many measured trials, the surrogate's own confidence is not trusted."""


def budget_spent(task: SearchTask, trials: Sequence[Trial]) -> Stop | None:
    """Ends the search at the operator's budget, which confirmations do not count against."""
    spent = sum(not trial.purpose.is_another_look for trial in trials)
    if spent < task.max_trials:
        return None
    return Stop(f"The budget of {task.max_trials} trials is spent.")


def nothing_to_gain(trials: Sequence[Trial], best_probability: float) -> Stop | None:
    """Ends the search when even the most promising configuration hardly promises anything.

    Args:
        trials: Every trial so far.
        best_probability: The highest probability, over the configurations that are left, that it holds the SLO and
            saves more than :data:`WORTHWHILE_GAIN` of the incumbent's energy; that it holds the SLO at all, while
            nothing is feasible.
    """
    measured = sum(trial.measurement is not None for trial in trials)
    if measured < FEWEST_TRIALS or best_probability >= UNLIKELY:
        return None
    if any(trial.is_feasible for trial in trials):
        gain = f"to save a further {WORTHWHILE_GAIN:.0%} of energy within the SLO"
    else:
        gain = "to hold the SLO"
    return Stop(f"No configuration that is left has a chance of {UNLIKELY:.0%} {gain}.")
