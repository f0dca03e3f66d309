"""Spaces of every kind of parameter, and imagined devices whose constants a test may set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from tests.unit.search.records import batch, clock, governor
from tuner.configuration import (
    Configuration,
    ConfigurationSpace,
    OrderConstraint,
    Owner,
    Parameter,
    ParameterKind,
    Value,
)
from tuner.search.encoding import Encoding
from tuner.search.evidence import Output
from tuner.search.physics import ensemble as ensemble_module
from tuner.search.physics.controls import Controls
from tuner.search.physics.devices import Devices, imagine
from tuner.search.physics.ensemble import Ensemble
from tuner.search.rates import RATE


def parameter(name: str, kind: ParameterKind, choices: Sequence[Value]) -> Parameter:
    return Parameter(name, "", kind, tuple(choices), Owner.KNOB)


GPU = clock("gpu.core.max_mhz", (300, 600, 900, 1200))
GPU_MIN = clock("gpu.core.min_mhz", (300, 600, 900, 1200))
PREFILL = clock("gpu.prefill_mhz", (300, 700, 1100))
CPU = clock("cpu.max_mhz", (400, 800, 1600))
MEMORY = clock("memory.mhz", (800, 1600, 3200))
CORES = parameter("cpu.cores", ParameterKind.CORES, (1, 2, 4, 8))
THREADS = parameter("threads", ParameterKind.THREADS, (1, 3, 6))
QUOTA = parameter("cpu.quota", ParameterKind.QUOTA, (25, 50, 100))
GPU_CAP = parameter("gpu.power_cap_w", ParameterKind.POWER_CAP, (100, 150, 200, 300))
CPU_CAP = parameter("cpu.package.power_cap_w", ParameterKind.POWER_CAP, (15, 25, 45))
INSTANCES = parameter("instances", ParameterKind.INSTANCES, (1, 2, 4))
BATCH = batch((1, 2, 4, 8, 16))
RATES = parameter(RATE, ParameterKind.RATE, (5.0, 20.0, 60.0))

NUMBERS = (GPU, GPU_MIN, PREFILL, CPU, MEMORY, CORES, THREADS, QUOTA, GPU_CAP, CPU_CAP, INSTANCES, BATCH, RATES)

UNUSUAL_SPACES = {
    "one point": ConfigurationSpace((clock(choices=(900,)),)),
    "categories only": ConfigurationSpace((governor(),)),
    "zero among the choices": ConfigurationSpace((clock(choices=(0, 300, 900)), BATCH)),
    "nothing but zero": ConfigurationSpace((clock(choices=(0,)), BATCH)),
    "minimum and maximum clock": ConfigurationSpace((GPU_MIN, GPU), (OrderConstraint(GPU_MIN.id, GPU.id),)),
    "a clock for each phase": ConfigurationSpace((PREFILL, GPU)),
    "processor alone with cap": ConfigurationSpace((CPU_CAP, CPU, CORES)),
    "caps alone": ConfigurationSpace((CPU_CAP, GPU_CAP)),
    "rate alone": ConfigurationSpace((RATES,)),
    "clocks named by words": ConfigurationSpace((parameter("gpu.level", ParameterKind.CLOCK, ("low", "high")),)),
    "everything": ConfigurationSpace((*NUMBERS, governor())),
}


few = settings(max_examples=15)
"""Each example asks 256 devices."""


@st.composite
def numeric_spaces(
    draw: st.DrawFn, within: Sequence[Parameter] = NUMBERS, always: tuple[Parameter, ...] = ()
) -> ConfigurationSpace:
    """Spaces of one to five of these parameters, and of what is always to be there."""
    drawn = draw(st.lists(st.sampled_from(within), max_size=5, unique_by=lambda one: one.id))
    parameters = [*always, *(one for one in drawn if one not in always)]
    return ConfigurationSpace(tuple(parameters or [GPU]))


def configurations(space: ConfigurationSpace) -> st.SearchStrategy[Configuration]:
    return st.fixed_dictionaries({one.id: st.sampled_from(one.choices) for one in space.parameters}).map(Configuration)


def highest(space: ConfigurationSpace) -> Configuration:
    return Configuration({one.id: one.choices[-1] for one in space.parameters})


def line(space: ConfigurationSpace, configuration: Configuration, along: Parameter) -> Tensor:
    """Features of a configuration with each choice of one parameter, ascending."""
    return Encoding(space).encode(Configuration({**configuration, along.id: choice}) for choice in along.choices)


def devices_of(space: ConfigurationSpace) -> Devices:
    """The very devices that an ensemble of this space asks."""
    return imagine(Controls(Encoding(space)), ensemble_module.DEVICES)


def ensemble_of(space: ConfigurationSpace, is_paced: bool = False, **constants: Any) -> Ensemble:
    """Imagines devices for a space; the given constants replace those that were drawn."""

    def changed(*arguments: Any) -> Devices:
        return replace(imagine(*arguments), **constants)

    with patch.object(ensemble_module, "imagine", changed):
        return Ensemble(Encoding(space), is_paced)


def seconds_per_request(answers: Tensor) -> Tensor:
    """Returns the logarithm, where the work itself sets the pace."""
    return answers[Output.LATENCY] + answers[Output.PACE]


def constant(value: float) -> Tensor:
    return torch.full((ensemble_module.DEVICES,), value, dtype=torch.float64)
