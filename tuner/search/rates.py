"""Several arrival rates: one more dimension, in which every trial says something about every rate."""

from __future__ import annotations

from dataclasses import replace

from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind
from tuner.objective import Objective
from tuner.trial import Trial

RATE = "arrival_rate_hz"


def with_rates(space: ConfigurationSpace, objective: Objective) -> ConfigurationSpace:
    """Returns the space with the arrival rate as a further parameter, if the objective has several."""
    rates_hz = objective.arrival_rates_hz
    if not rates_hz:
        return space
    rate = Parameter(RATE, "Hz", ParameterKind.RATE, rates_hz, Owner.STUDY_ONLY)
    pool = None
    if space.pool is not None:
        pool = tuple(Configuration({**one, RATE: rate_hz}) for one in space.pool for rate_hz in rates_hz)
    return replace(space, parameters=(*space.parameters, rate), pool=pool)


def at_rate(trial: Trial) -> Configuration:
    """Returns a trial's configuration, with its arrival rate if it is one of several."""
    if trial.arrival_rate_hz is None:
        return trial.configuration
    return Configuration({**trial.configuration, RATE: trial.arrival_rate_hz})


def split(configuration: Configuration) -> tuple[Configuration, float | None]:
    """Returns a configuration without its arrival rate, and the rate."""
    rate_hz = configuration.get(RATE)
    if rate_hz is None:
        return configuration, None
    return configuration.only(configuration.keys() - {RATE}), float(rate_hz)
