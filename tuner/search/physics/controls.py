"""What each parameter does to a device, whatever it is called: from features to clocks, cores, batch and cap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from tuner.configuration import ParameterKind
from tuner.search.encoding import Column, Encoding

CPU = "cpu"
MEMORY = "memory"
ACCELERATOR = "accelerator"

_SMALLEST_RATIO = 1e-3
"""Stands in for what is zero (a minimum clock of 0 MHz, say), so that it has a logarithm."""


class Effect(StrEnum):
    """What happens to work when there is more of something to do it."""

    CLOCK = "clock"
    CORES = "cores"
    QUOTA = "quota"


@dataclass(frozen=True)
class Settings:
    """Configurations in physical terms. Everything is relative to the highest choice, and ``n x 1``.

    Attributes:
        clocks: The clock of each resource that has one.
        cores: The number of cores or threads of each parameter that sets one, and its highest choice.
        quota: The share of time that the CPU may work.
        batch: Items in a batch, relative to the smallest choice.
        largest_batch: The largest choice, relative to the smallest.
        cap: The power limit, if there is one.
        instances: Requests or copies at a time, and their highest choice.
        rate: The arrival rate.
        categories: Whether each category is chosen.
    """

    clocks: Mapping[str, Tensor]
    cores: tuple[tuple[Tensor, float], ...]
    quota: Tensor
    batch: Tensor
    largest_batch: float
    cap: Tensor | None
    instances: tuple[tuple[Tensor, float], ...]
    rate: Tensor
    categories: tuple[Tensor, ...]


class Controls:
    """The parameters of a space by what they do.

    Attributes:
        resources: What does the work: accelerators (one for each clock that is not the CPU's or the memory's, since
            an accelerator may have a clock for each phase), ``cpu`` and ``memory``.
        cores: How many parameters set a number of cores or threads.
        instances: How many set a number of copies.
        categories: How many columns stand for a category.
        capped: The resources that a power limit slows down.
    """

    def __init__(self, encoding: Encoding) -> None:
        """Sorts the columns of an encoding."""
        self._columns = encoding.columns
        kinds = [column.kind for column in self._columns]
        self.cores = sum(kind in (ParameterKind.CORES, ParameterKind.THREADS) for kind in kinds)
        self.instances = kinds.count(ParameterKind.INSTANCES)
        self.categories = kinds.count(ParameterKind.CATEGORY)
        caps = [resource_of(column) for column in self._columns if column.kind is ParameterKind.POWER_CAP]
        named = [resource_of(column) for column in self._columns if column.kind is ParameterKind.CLOCK]
        if self.cores or ParameterKind.QUOTA in kinds or CPU in caps:
            named.append(CPU)
        if (any(map(is_accelerator, caps)) and not any(map(is_accelerator, named))) or not named:
            named.append(ACCELERATOR)
        self.resources = tuple(dict.fromkeys(named))
        self.capped = frozenset(
            name for name in self.resources if (is_accelerator(name) and set(caps) - {CPU}) or name in caps
        )

    def settings(self, features: Tensor) -> Settings:
        """Returns configurations in physical terms (features ``n x d``)."""
        one = features.new_ones(len(features), 1)
        clocks: dict[str, Tensor] = dict.fromkeys(self.resources, one)
        cores, instances, categories = [], [], []
        quota, batch, rate, cap, largest_batch = one, one, one, None, 1.0
        for place, column in enumerate(self._columns):
            feature = features[:, place : place + 1]
            if column.kind is ParameterKind.CATEGORY:
                categories.append(feature)
                continue
            ratio = one if column.is_constant else _ratio_to_highest(column, feature)
            match column.kind:
                case ParameterKind.CLOCK:
                    clocks[resource_of(column)] = clocks[resource_of(column)] * ratio
                case ParameterKind.CORES | ParameterKind.THREADS:
                    cores.append((ratio, _highest(column)))
                case ParameterKind.QUOTA:
                    quota = quota * ratio
                case ParameterKind.BATCH:
                    span = math.exp(column.log_span)
                    batch, largest_batch = batch * ratio * span, largest_batch * span
                case ParameterKind.POWER_CAP:
                    cap = ratio if cap is None else torch.minimum(cap, ratio)
                case ParameterKind.INSTANCES:
                    instances.append((ratio, _highest(column)))
                case ParameterKind.RATE:
                    rate = rate * ratio
        return Settings(
            clocks, tuple(cores), quota, batch, largest_batch, cap, tuple(instances), rate, tuple(categories)
        )


def resource_of(column: Column) -> str:
    """Tells whose clock a column is, by the words that drivers and tables use in its name."""
    name = column.parameter_id.lower()
    if "mem" in name or "emc" in name:
        return MEMORY
    if "cpu" in name:
        return CPU
    return f"{ACCELERATOR} {column.parameter_id}"


def is_accelerator(resource: str) -> bool:
    """Tells an accelerator from the CPU and the memory."""
    return resource not in (CPU, MEMORY)


def _ratio_to_highest(column: Column, feature: Tensor) -> Tensor:
    if column.is_logarithmic:
        return ((feature - 1.0) * column.span).exp()
    return ((column.low + feature * column.span) / (column.low + column.span)).clamp_min(_SMALLEST_RATIO)


def _highest(column: Column) -> float:
    highest = column.low + column.span
    return math.exp(highest) if column.is_logarithmic else highest
