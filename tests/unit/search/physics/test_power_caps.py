"""A power cap holds, costs no more time than it has to, and does nothing above what the device draws."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tests.unit.search.physics.spaces import (
    BATCH,
    CORES,
    CPU,
    CPU_CAP,
    GPU,
    GPU_CAP,
    MEMORY,
    PREFILL,
    configurations,
    constant,
    devices_of,
    ensemble_of,
    few,
    highest,
    line,
    numeric_spaces,
)
from tuner.configuration import Configuration, ConfigurationSpace, Parameter
from tuner.search.encoding import Encoding
from tuner.search.evidence import Output
from tuner.search.physics.controls import Controls

WITHIN = (GPU, PREFILL, CPU, MEMORY, CORES, BATCH)
ROUNDING = 1e-9
caps = st.sampled_from([GPU_CAP, CPU_CAP])


@st.composite
def capped_lines(draw: st.DrawFn) -> tuple[ConfigurationSpace, Tensor, Tensor]:
    """A space with a cap, features along the cap, and the cap as a share of the highest choice."""
    cap = draw(caps)
    space = draw(numeric_spaces(WITHIN, (cap, GPU if cap is GPU_CAP else CPU)))
    shares = torch.tensor([float(one) / float(cap.choices[-1]) for one in cap.choices], dtype=torch.float64)
    return space, line(space, draw(configurations(space)), cap), shares.unsqueeze(1)


@few
@given(capped_lines())
def test_raising_a_cap_never_lengthens_time_nor_lowers_power(
    given_line: tuple[ConfigurationSpace, Tensor, Tensor],
) -> None:
    space, features, _ = given_line
    steepness = {name: exponent.clamp_min(1.0) for name, exponent in devices_of(space).steepness.items()}
    answers = ensemble_of(space, steepness=steepness)(features)
    assert (answers[Output.LATENCY].diff(dim=0) <= ROUNDING).all()
    assert (answers[Output.POWER].diff(dim=0) >= -ROUNDING).all()


@few
@given(capped_lines(), st.floats(0.1, 3.0))
def test_power_stays_within_the_cap_where_throttling_can_achieve_it(
    given_line: tuple[ConfigurationSpace, Tensor, Tensor], demand: float
) -> None:
    space, features, shares = given_line
    power = demand * ensemble_of(space, demand=constant(demand))(features)[Output.POWER].exp()
    floor = demand * ensemble_of(space, demand=constant(1e6))(features)[Output.POWER].exp()
    assert (power <= torch.maximum(shares.expand_as(power), floor) + 1e-6).all()


@few
@given(capped_lines())
def test_a_cap_above_what_the_device_draws_does_nothing(given_line: tuple[ConfigurationSpace, Tensor, Tensor]) -> None:
    space, features, _ = given_line
    answers = ensemble_of(space, demand=constant(0.3))(features)
    torch.testing.assert_close(answers, answers[:, -1:].expand_as(answers))


@pytest.mark.parametrize(("cap", "throttled", "other"), [(GPU_CAP, GPU, CPU), (CPU_CAP, CPU, GPU)])
def test_a_cap_replaces_the_clock_that_it_throttles_and_leaves_the_others(
    cap: Parameter, throttled: Parameter, other: Parameter
) -> None:
    space = ConfigurationSpace((throttled, other, cap))
    constants = devices_of(space)
    shares = {name: 0.85 if name in Controls(Encoding(space)).capped else 0.05 for name in constants.dynamic}
    hungry = {
        "static": constant(0.1),
        "dynamic": {name: constant(share) for name, share in shares.items()},
        "steepness": dict.fromkeys(shares, constant(2.0)),
        "idling": dict.fromkeys(shares, constant(1.0)),
        "demand": constant(2.0),
    }
    middling = Configuration({**highest(space), cap.id: cap.choices[-2]})
    latency = [
        ensemble_of(space, **hungry)(line(space, middling, one))[Output.LATENCY][-2:] for one in (throttled, other)
    ]
    torch.testing.assert_close(latency[0][0], latency[0][1], rtol=0.0, atol=1e-3)
    assert ((latency[1][0] - latency[1][1]).abs() > 1e-3).double().mean() > 0.4


def test_a_small_batch_leaves_room_under_a_cap() -> None:
    space = ConfigurationSpace((GPU, BATCH, GPU_CAP))
    roomy = {"demand": constant(1.2), "filling": constant(0.3), "saturation": constant(1e6), "sharpness": constant(4.0)}
    latency = ensemble_of(space, **roomy)(line(space, highest(space), BATCH))[Output.LATENCY]
    assert (latency[0] < latency[-1]).all()


def test_a_device_that_the_highest_cap_already_throttles_is_slower_than_its_highest_clock() -> None:
    space = ConfigurationSpace((GPU, GPU_CAP))
    features = Encoding(space).encode([highest(space)])
    at_most, throttled = (ensemble_of(space, demand=constant(demand))(features) for demand in (0.9, 1.3))
    torch.testing.assert_close(at_most, torch.zeros_like(at_most), rtol=0.0, atol=ROUNDING)
    assert (throttled[Output.LATENCY] > 0).all()
    assert (throttled[Output.POWER] < 0).all()
