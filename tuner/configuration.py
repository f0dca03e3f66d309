"""Configurations and the finite space of them that a study searches."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    RATE = "rate"
    """How often requests arrive: no control, but a circumstance that a search may look at like one."""


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

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Tells whether these values, by parameter id, keep the order."""
        return float(values[self.lower]) <= self.factor * float(values[self.upper])

    def partners(self, parameter_id: str, value: Value, choices: Iterable[Value]) -> list[Value]:
        """Returns those choices of the other parameter that keep the order with this value of one."""
        if parameter_id == self.upper:
            limit = self.factor * float(value)
            return [choice for choice in choices if float(choice) <= limit]
        return [choice for choice in choices if float(value) <= self.factor * float(choice)]


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
        return constraint.lower not in chosen or constraint.upper not in chosen or constraint.holds(chosen)

    @property
    def knob_ids(self) -> tuple[str, ...]:
        """The parameters that the keeper sets."""
        return tuple(parameter.id for parameter in self.parameters if parameter.is_knob)

    @cached_property
    def size(self) -> int:
        """The number of legal configurations; those of a grid are counted without being listed."""
        if self.pool is not None:
            return len(self.pool)
        return _count({parameter.id: parameter.choices for parameter in self.parameters}, self.constraints)

    @cached_property
    def _points(self) -> frozenset[Configuration]:
        return frozenset(self.pool or ())

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
        if self.pool is not None and configuration not in self._points:
            raise BadInputError(f"The space has no point {configuration}.")

    def __contains__(self, configuration: Configuration) -> bool:
        try:
            self.check(configuration)
        except BadInputError:
            return False
        return True


def _count(choices: Mapping[str, Sequence[Value]], constraints: Sequence[OrderConstraint]) -> int:
    """Counts legal combinations: groups of parameters that no constraint ties to each other multiply."""
    count, remaining = 1, dict(choices)
    while remaining:
        group = _tied_to(next(iter(remaining)), constraints)
        own = [constraint for constraint in constraints if constraint.lower in group]
        count *= _count_group({name: remaining.pop(name) for name in group}, own)
    return count


def _count_group(choices: Mapping[str, Sequence[Value]], constraints: Sequence[OrderConstraint]) -> int:
    """Counts by fixing the parameter with the most constraints at each choice in turn, which unties the others."""
    if not constraints:
        return math.prod(map(len, choices.values()))
    pivot = Counter(name for one in constraints for name in (one.lower, one.upper)).most_common(1)[0][0]
    resolved = [constraint for constraint in constraints if pivot in (constraint.lower, constraint.upper)]
    others = [constraint for constraint in constraints if constraint not in resolved]
    count = 0
    for choice in choices[pivot]:
        narrowed = {**choices, pivot: (choice,)}
        for constraint in resolved:
            other = constraint.lower if constraint.upper == pivot else constraint.upper
            narrowed[other] = constraint.partners(pivot, choice, narrowed[other])
        count += _count(narrowed, others)
    return count


def _tied_to(parameter_id: str, constraints: Sequence[OrderConstraint]) -> list[str]:
    """Returns this parameter and all those that constraints tie to it, directly or through others."""
    group = [parameter_id]
    for name in group:
        for constraint in constraints:
            if name in (constraint.lower, constraint.upper):
                group += {constraint.lower, constraint.upper} - set(group)
    return group
