"""When a search ends: nothing left, nothing left to spend, or nothing left to gain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tuner.search.contract import Caution, SearchTask, Stop
from tuner.search.incumbents import Incumbents
from tuner.search.surrogate import Surrogate
from tuner.trial import Trial

ALL_TRIED = Stop("Every legal configuration has been tried.")

WORTHWHILE_GAIN = 0.02
"""A smaller saving than this share of the energy does not pay for another trial."""

UNLIKELY = 0.05
"""Below this probability of a worthwhile gain, the search ends."""

FEWEST_TRIALS = 8
"""Before so many measured trials, the surrogate's own confidence is not trusted."""

WORTHWHILE_FRONT_GAIN = 0.005
"""A front that the best candidate is expected to enlarge by less is known well enough."""

SHORTLIST = 64
"""Candidates that are looked at together: the chance that any of them is better is more than that of the best one."""

_DRAWS = 256


@dataclass(frozen=True)
class Outlook:
    """What measuring on may bring.

    Attributes:
        probability: That any candidate holds every SLO and saves more than :data:`WORTHWHILE_GAIN`; that any holds
            every SLO, where nothing does so far.
        saved_w: Power that the best candidate is expected to save; None while nothing holds every SLO.
    """

    probability: float
    saved_w: float | None


def budget_spent(task: SearchTask, trials: Sequence[Trial]) -> Stop | None:
    """Ends the search at the operator's budget, which confirmations do not count against."""
    spent = sum(not trial.purpose.is_another_look for trial in trials)
    if spent < task.max_trials:
        return None
    return Stop(f"The budget of {task.max_trials} trials is spent.")


def too_risky(caution: Caution) -> Stop:
    """Ends a cautious search that has nothing left which it may try."""
    return Stop(
        f"No configuration that is left both lies within reach and holds the SLO with {caution.min_feasibility:.0%}."
    )


def front_known(trials: Sequence[Trial], expected_gain: float) -> Stop | None:
    """Ends a search for the front once it hardly grows."""
    if _measured(trials) < FEWEST_TRIALS or expected_gain >= WORTHWHILE_FRONT_GAIN:
        return None
    return Stop(f"The Pareto front is not expected to grow by {WORTHWHILE_FRONT_GAIN:.1%} any more.")


def look_ahead(
    task: SearchTask, surrogate: Surrogate, incumbents: Incumbents, shortlist: torch.Tensor, seed: int
) -> Outlook:
    """Draws what the most promising candidates may turn out to be.

    Args:
        task: What is searched.
        surrogate: Fitted to the trials.
        incumbents: The best so far.
        shortlist: Features of the most promising candidates, at least one, ``n x d``.
        seed: Of the draws.
    """
    latencies, energies = surrogate.sample(shortlist, _DRAWS, seed)
    bounds = torch.tensor([math.log(slo.bound_s) for slo in task.objective.slos], dtype=torch.float64)
    holds = (latencies <= bounds.unsqueeze(1)).all(1)
    if not incumbents.is_complete:
        return Outlook(float(holds.any(1).double().mean()), None)
    saving = torch.where(holds, 1 - torch.exp(energies - incumbents.log_energies(shortlist)), 0.0).clamp_min(0.0)
    powers_w = [incumbent.power_w for incumbent in incumbents.all]
    mean_w = sum(powers_w) / len(powers_w)
    return Outlook(
        float((saving > WORTHWHILE_GAIN).any(1).double().mean()), mean_w * float(saving.max(1).values.mean())
    )


def nothing_to_gain(task: SearchTask, trials: Sequence[Trial], outlook: Outlook) -> Stop | None:
    """Ends the search when what is left hardly promises anything, or less than measuring it costs."""
    if _measured(trials) < FEWEST_TRIALS:
        return None
    if outlook.probability < UNLIKELY:
        if outlook.saved_w is None:
            return Stop(f"No configuration that is left has a chance of {UNLIKELY:.0%} to hold the SLO.")
        return Stop(
            f"No configuration that is left has a chance of {UNLIKELY:.0%} to save a further {WORTHWHILE_GAIN:.0%} of "
            "energy within the SLO."
        )
    costs_j = [trial.energy_j for trial in trials if trial.energy_j is not None]
    if outlook.saved_w is None or not costs_j:
        return None
    if outlook.saved_w * task.horizon_s < sum(costs_j) / len(costs_j):
        return Stop(f"A further trial costs more than it may save within {task.horizon_s / 3600:g} hours.")
    return None


def _measured(trials: Sequence[Trial]) -> int:
    return sum(trial.measurement is not None for trial in trials)
