"""Configurations and the finite space of them that a study searches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from tuner.errors import BadInputError

Value: TypeAlias = int | float | str


class ParameterKind(StrEnum):
    """What a parameter physically is. Prior knowledge of the search is attached to this."""

    CLOCK = "clock"
    CORES = "cores"
    POWER_CAP = "power_cap"
    QUOTA = "quota"
    BATCH = "batch"
    THREADS = "threads"
    INSTANCES = "instances"
    CATEGORY = "category"


class Owner(StrEnum):
    """Who keeps a parameter's value once a study has ended."""

    KNOB = "knob"
    """The hardware, through the keeper."""
    PROCESS = "process"
    """The process that was tuned: a knob that ends with it."""
    PERSISTENT = "persistent"
    """The server, through its adapter."""
    STUDY_ONLY = "study-only"
    """Nobody: it may be explored and reported, and is never claimed as applied."""


@dataclass(frozen=True)
class Parameter:
    """One dimension of a space: a knob or a serving parameter.

    Attributes:
        id: The knob's or serving parameter's dotted name.
        unit: Unit of the choices.
        kind: What it physically is.
        choices: The values to be searched, ascending for numbers.
        owner: Who keeps the value once the study has ended.
        switch_cost_s: How long changing it takes.
    """

    id: str
    unit: str
    kind: ParameterKind
    choices: tuple[Value, ...]
    owner: Owner
    switch_cost_s: float = 0.0

    @property
    def is_knob(self) -> bool:
        """Whether the keeper sets it, and not the adapter."""
        return self.owner in (Owner.KNOB, Owner.PROCESS)


@dataclass(frozen=True)
class OrderConstraint:
    """A legal configuration keeps ``lower <= factor * upper`` (``gpu.core.min_mhz <= gpu.core.max_mhz``)."""

    lower: str
    upper: str
    factor: float = 1.0

    def holds(self, configuration: Configuration) -> bool:
        """Tells whether the configuration keeps the order."""
        return float(configuration[self.lower]) <= self.factor * float(configuration[self.upper])


class Configuration(Mapping[str, Value]):
    """One value for every parameter of a space, by parameter id. Immutable and hashable."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        """Keeps a copy of the values, ordered by id."""
        self._values: dict[str, Value] = dict(sorted(values.items()))

    def __getitem__(self, parameter_id: str) -> Value:
        return self._values[parameter_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(tuple(self._values.items()))

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.items())

    def __repr__(self) -> str:
        return f"Configuration({self._values!r})"

    def only(self, parameter_ids: Iterable[str]) -> Configuration:
        """Returns the part of this configuration that concerns these parameters."""
        wanted = set(parameter_ids)
        return Configuration({name: value for name, value in self.items() if name in wanted})


@dataclass(frozen=True)
class ConfigurationSpace:
    """A finite grid with constraints, or an explicit pool of configurations.

    Attributes:
        parameters: The dimensions.
        constraints: Orders that legal configurations keep.
        pool: If given, exactly these configurations are legal (scattered points of a measured table).
    """

    parameters: tuple[Parameter, ...]
    constraints: tuple[OrderConstraint, ...] = ()
    pool: tuple[Configuration, ...] | None = None

    def __iter__(self) -> Iterator[Configuration]:
        """Yields every legal configuration, in the order of the choices, first parameter slowest."""
        if self.pool is not None:
            yield from self.pool
        else:
            yield from (Configuration(values) for values in self._extend({}, 0))

    def _extend(self, chosen: dict[str, Value], depth: int) -> Iterator[dict[str, Value]]:
        if depth == len(self.parameters):
            yield dict(chosen)
            return
        parameter = self.parameters[depth]
        for choice in parameter.choices:
            chosen[parameter.id] = choice
            if all(self._possible(constraint, chosen) for constraint in self.constraints):
                yield from self._extend(chosen, depth + 1)
        del chosen[parameter.id]

    @staticmethod
    def _possible(constraint: OrderConstraint, chosen: Mapping[str, Value]) -> bool:
        if constraint.lower not in chosen or constraint.upper not in chosen:
            return True
        return float(chosen[constraint.lower]) <= constraint.factor * float(chosen[constraint.upper])

    @property
    def knob_ids(self) -> tuple[str, ...]:
        """The parameters that the keeper sets."""
        return tuple(parameter.id for parameter in self.parameters if parameter.is_knob)

    @cached_property
    def size(self) -> int:
        """The number of legal configurations."""
        if self.pool is not None:
            return len(self.pool)
        if not self.constraints:
            return math.prod(len(parameter.choices) for parameter in self.parameters)
        return sum(1 for _ in self)

    def check(self, configuration: Configuration) -> None:
        """Makes sure that a configuration is legal.

        Raises:
            BadInputError: A parameter is missing or unknown, a value is not a choice, or an order is broken.
        """
        known = {parameter.id: parameter for parameter in self.parameters}
        if odd := sorted(known.keys() ^ configuration.keys()):
            raise BadInputError(f"The configuration and the space differ in {', '.join(odd)}.")
        for name, parameter in known.items():
            if configuration[name] not in parameter.choices:
                choices = ", ".join(map(str, parameter.choices))
                raise BadInputError(f"{name} cannot be {configuration[name]}: choose one of {choices}.")
        for constraint in self.constraints:
            if not constraint.holds(configuration):
                raise BadInputError(f"{constraint.lower} must not exceed {constraint.factor:g} x {constraint.upper}.")
        if self.pool is not None and configuration not in self.pool:
            raise BadInputError(f"The space has no point {configuration}.")

    def __contains__(self, configuration: Configuration) -> bool:
        try:
            self.check(configuration)
        except BadInputError:
            return False
        return True
