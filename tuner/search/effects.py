"""What each parameter does, as far as the surrogate knows: along its line through the incumbent.

What two configurations have in common (the level of a machine, the slope of another parameter) cancels in their ratio.
So ratios are drawn from the joint posterior: they are known far better than either side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace, Parameter, ParameterKind, Value
from tuner.objective import Objective
from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.search.contract import SearchTask
from tuner.search.encoding import Encoding
from tuner.search.evidence import gather_evidence
from tuner.search.incumbents import Incumbents
from tuner.search.prior import Prior
from tuner.search.rates import at_rate
from tuner.search.surrogate import Surrogate
from tuner.trial import Interval, Trial

MOST_CHOICES = 40
"""Choices along one line: more would tell no more."""

_DRAWS = 2048
_QUANTILES = (0.025, 0.5, 0.975)
_DIGITS = 5
"""Of each ratio: what comes after them is noise of the draws."""


def parameter_effects(
    task: SearchTask, space: ConfigurationSpace, encoding: Encoding, prior: Prior, trials: Sequence[Trial]
) -> tuple[ParameterEffect, ...]:
    """Returns the effect of every parameter that has a legal choice; none before anything was measured.

    Args:
        task: What is searched.
        space: The legal configurations, the arrival rate included.
        encoding: Of that space.
        prior: Of that space.
        trials: This study's trials.
    """
    if not any(trial.measurement is not None for trial in trials):
        return ()
    evidence = gather_evidence(encoding, task.objective, trials, task.earlier, task.forecasts)
    surrogate = Surrogate(prior, evidence)
    trial = _trial_of_lines(task.objective, Incumbents(task.objective, encoding, surrogate, trials), trials)
    lines = {parameter: _line(space, at_rate(trial), parameter) for parameter in space.parameters}
    return tuple(
        _Line(trial, parameter, choices, encoding).effect(surrogate, evidence.features, task.seed)
        for parameter, choices in lines.items()
        if parameter.kind is not ParameterKind.RATE and len(choices) > 1
    )


class _Line:
    """The choices of one parameter, everything else as in one trial."""

    def __init__(self, trial: Trial, parameter: Parameter, choices: Sequence[Value], encoding: Encoding) -> None:
        origin = at_rate(trial)
        self._trial = trial
        self._parameter = parameter
        self._choices = tuple(choices)
        points = (origin, *(Configuration({**origin, parameter.id: choice}) for choice in choices))
        self._features = encoding.encode(points)
        self._columns = [place for place, one in enumerate(encoding.columns) if one.parameter_id == parameter.id]

    def effect(self, surrogate: Surrogate, tried: Tensor, seed: int) -> ParameterEffect:
        """Draws what the surrogate expects along the line.

        Args:
            surrogate: Fitted to the trials.
            tried: Features of what was measured, ``n x d``.
            seed: Of the draws.
        """
        latencies, energies = surrogate.sample(self._features, _DRAWS, seed)
        latencies = latencies[:, 0]
        return ParameterEffect(
            parameter=self._parameter.id,
            through=self._trial.number,
            tried=len(tried[:, self._columns].unique(dim=0)),
            choices=self._choices,
            latency_ratios=_ratios(latencies[:, 1:] - latencies[:, :1]),
            energy_ratios=_ratios(energies[:, 1:] - energies[:, :1]),
            latency_left=_ratios(_left(latencies[:, 1:])),
        )


def _trial_of_lines(objective: Objective, incumbents: Incumbents, trials: Sequence[Trial]) -> Trial:
    """Returns the first measured trial of the incumbent, at the highest arrival rate that has one.

    Where nothing holds every SLO, it is that of the configuration that comes closest.
    """
    measured = [trial for trial in trials if trial.measurement is not None]
    best = incumbents.first
    closest = min(measured, key=lambda trial: _tightness(objective, trial))
    wanted = at_rate(closest) if best is None else best.configuration
    return next(trial for trial in measured if at_rate(trial) == wanted)


def _tightness(objective: Objective, trial: Trial) -> float:
    assert trial.measurement is not None, "only measured trials are asked"
    slo, latency_s = objective.tightest(trial.measurement.slo_latencies_s)
    return latency_s / slo.bound_s


def _line(space: ConfigurationSpace, origin: Configuration, parameter: Parameter) -> list[Value]:
    """Returns the choices of one parameter that are legal beside all other values, at most :data:`MOST_CHOICES`."""
    legal = [
        choice for choice in parameter.choices if _is_legal(space, Configuration({**origin, parameter.id: choice}))
    ]
    if len(legal) <= MOST_CHOICES:
        return legal
    step = (len(legal) - 1) / (MOST_CHOICES - 1)
    return [legal[round(place * step)] for place in range(MOST_CHOICES)]


def _is_legal(space: ConfigurationSpace, configuration: Configuration) -> bool:
    """Tells whether a configuration is legal, although other values of a baseline need not be choices."""
    if space.pool is not None:
        return configuration in space
    return all(constraint.holds(configuration) for constraint in space.constraints)


def _left(logarithms: Tensor) -> Tensor:
    """Returns of each place of a line what lies from it on and is least by its median, less its own (``draws x n``)."""
    medians = logarithms.median(dim=0).values
    least = [place + int(medians[place:].argmin()) for place in range(len(medians))]
    return logarithms[:, least] - logarithms


def _ratios(logarithms: Tensor) -> tuple[Ratio, ...]:
    """Returns what draws of logarithms (``draws x n``) say of ``n`` ratios."""
    quantiles = torch.quantile(logarithms, torch.tensor(_QUANTILES, dtype=torch.float64), dim=0).exp()
    lows, medians, highs = ([float(f"{value:.{_DIGITS}g}") for value in row] for row in quantiles.tolist())
    return tuple(map(Ratio, medians, map(Interval, lows, highs)))
