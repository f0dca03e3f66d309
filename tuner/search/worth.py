"""What measuring each candidate is worth: improvement, chance to hold the SLOs, caution, and what the trial costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace
from tuner.search import acquisition, front
from tuner.search.contract import Goal, SearchTask
from tuner.search.encoding import Encoding
from tuner.search.front import Point
from tuner.search.incumbents import Incumbents
from tuner.search.reach import Reach
from tuner.search.surrogate import Prediction, Surrogate
from tuner.trial import Trial

_RISKY = -1e6
"""Below what anything within the operator's caution is worth, and above minus infinity: the least risky of what is
left can still be told."""

_BEYOND_SLO = 0.2
"""What a gain of the front beyond the SLO counts, against one within.

The front's end of least energy is what will be recommended. It is a point, which adds little area: so what improves on
it counts on top, as if it were gained over a factor e of latency.
"""


@dataclass(frozen=True)
class Front:
    """The Pareto front so far.

    Attributes:
        points: Its points, by latency, ascending.
        within_slo: What is worse than everything within the SLO and better than the worst trial.
        overall: What is worse than everything that was seen.
    """

    points: tuple[Point, ...]
    within_slo: Point
    overall: Point


def front_of(task: SearchTask, trials: Sequence[Trial]) -> Front:
    """Returns the Pareto front of the trials at the highest arrival rate; at least one was measured."""
    highest_hz = task.objective.rates_hz[-1]
    measured = [
        trial.measurement for trial in trials if trial.measurement is not None and trial.arrival_rate_hz == highest_hz
    ]
    points = [(math.log(one.slo_latency_s), math.log(one.energy.per_request_j)) for one in measured]
    bound = math.log(task.objective.slos[0].bound_s)
    worst_energy = max(energy for _, energy in points)
    worst_latency = max(bound, *(latency for latency, _ in points)) if points else bound
    return Front(tuple(front.non_dominated(points)), (bound, worst_energy), (worst_latency, worst_energy))


class Worth:
    """The acquisition function of a search at one moment. A function of features (``n x d``) to worth (``n``)."""

    def __init__(
        self,
        task: SearchTask,
        space: ConfigurationSpace,
        encoding: Encoding,
        surrogate: Surrogate,
        incumbents: Incumbents,
        trials: Sequence[Trial],
    ) -> None:
        """Keeps what is known.

        Args:
            task: What is searched, and how cautiously.
            space: The legal configurations, the arrival rate included.
            encoding: Of that space.
            surrogate: Fitted to the trials.
            incumbents: The best so far.
            trials: This study's trials.
        """
        self._task = task
        self._surrogate = surrogate
        self._incumbents = incumbents
        self._reach = Reach(space, encoding, task.caution.max_steps)
        self._switching = _Switching(space, encoding, trials[-1].configuration, task.trial_s)
        self._front = front_of(task, trials) if task.goal is Goal.FRONT else None

    def __call__(self, features: Tensor) -> Tensor:
        """Returns the logarithm of the worth; nothing beyond the operator's caution is above :data:`_RISKY`."""
        prediction = self._surrogate.predict(features)
        feasibility = acquisition.log_feasibility(prediction, self._task.objective.slos)
        worth = self._gain(prediction, features, feasibility) - self._switching.log_cost(features)
        return torch.where(self._is_acceptable(features, feasibility), worth, _RISKY + feasibility)

    def is_acceptable(self, worth: float) -> bool:
        """Tells whether what has this worth lies within the operator's caution."""
        return worth > _RISKY / 2

    def front_gain(self, features: Tensor) -> float:
        """Returns by which part the first of these candidates is expected to enlarge the front within the SLO."""
        assert self._front is not None
        reference = self._front.within_slo
        volume = front.hypervolume(self._front.points, reference)
        gain = front.expected_improvement(self._surrogate.predict(features[:1]), self._front.points, reference)
        return float(gain[0]) / max(volume, 1e-9)

    def _is_acceptable(self, features: Tensor, feasibility: Tensor) -> Tensor:
        if not self._incumbents.proven:
            return torch.ones(len(features), dtype=torch.bool)
        least = self._task.caution.min_feasibility
        is_likely = feasibility >= math.log(least) if least > 0 else torch.ones(len(features), dtype=torch.bool)
        return is_likely & self._reach.holds(features, self._incumbents.proven)

    def _gain(self, prediction: Prediction, features: Tensor, feasibility: Tensor) -> Tensor:
        to_beat = self._incumbents.log_energies(features)
        finite = to_beat.isfinite()
        improvement = acquisition.log_improvement(prediction, torch.where(finite, to_beat, 0.0))
        least_energy = feasibility + torch.where(finite, improvement, 0.0) + self._incumbents.log_weights(features)
        if self._front is None:
            return least_energy
        return torch.logaddexp(least_energy, self._front_worth(prediction, self._front))

    def _front_worth(self, prediction: Prediction, now: Front) -> Tensor:
        within = front.expected_improvement(prediction, now.points, now.within_slo)
        overall = front.expected_improvement(prediction, now.points, now.overall)
        return (within + _BEYOND_SLO * overall).clamp_min(1e-300).log()


class _Switching:
    """What a trial takes: the time of any trial, and that of changing what is to be changed."""

    def __init__(self, space: ConfigurationSpace, encoding: Encoding, present: Configuration, trial_s: float) -> None:
        costs_s = {parameter.id: parameter.switch_cost_s for parameter in space.parameters}
        self._costs_s = torch.tensor([costs_s[column.parameter_id] for column in encoding.columns], dtype=torch.float64)
        rows = [
            column.encode(present[column.parameter_id]) if column.parameter_id in present else 0.0
            for column in encoding.columns
        ]
        self._present = torch.tensor(rows, dtype=torch.float64)
        self._trial_s = trial_s

    def log_cost(self, features: Tensor) -> Tensor:
        """Returns the logarithm of a trial's time over that of one that changes nothing, ``n``."""
        is_changed = (features - self._present).abs() > 1e-9
        return torch.log1p((is_changed * self._costs_s).sum(1) / self._trial_s)
