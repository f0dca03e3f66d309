"""Under an arrival rate: what arrives is served, the busier the longer the wait, the idler the less power."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.search.physics.spaces import (
    GPU,
    NUMBERS,
    RATES,
    configurations,
    constant,
    devices_of,
    ensemble_of,
    few,
    highest,
    line,
    numeric_spaces,
)
from tuner.configuration import ConfigurationSpace, Parameter, ParameterKind
from tuner.search.encoding import Encoding
from tuner.search.evidence import Output
from tuner.search.physics.controls import Controls
from tuner.search.physics.devices import imagine
from tuner.search.physics.ensemble import DEVICES

ROUNDING = 1e-9


@few
@given(numeric_spaces(NUMBERS, (RATES,)), st.data())
def test_seconds_per_request_are_the_reciprocal_of_the_rate_whatever_the_knobs_do(
    space: ConfigurationSpace, data: st.DataObject
) -> None:
    along = line(space, data.draw(configurations(space)), RATES)
    seconds = ensemble_of(space, is_paced=True)(along)[Output.PACE]
    expected = (
        torch.tensor([60.0 / float(rate_hz) for rate_hz in RATES.choices], dtype=torch.float64).log().unsqueeze(1)
    )
    torch.testing.assert_close(seconds, expected.expand(-1, DEVICES))


@few
@given(numeric_spaces(NUMBERS, (RATES,)), st.data())
def test_waiting_and_power_grow_with_the_rate(space: ConfigurationSpace, data: st.DataObject) -> None:
    along = line(space, data.draw(configurations(space)), RATES)
    answers = ensemble_of(space, is_paced=True)(along)
    assert (answers[Output.LATENCY].diff(dim=0) >= -ROUNDING).all()
    assert (answers[Output.POWER].diff(dim=0) >= -ROUNDING).all()


def test_utilization_lies_about_what_was_seen() -> None:
    controls = Controls(Encoding(ConfigurationSpace((GPU, RATES))))
    anybody, seen = (imagine(controls, DEVICES, utilization).utilization for utilization in (None, 0.1))
    assert anybody.min() < 0.1 < 0.9 < anybody.max()
    assert 0.05 < seen.min() < 0.1 < seen.max() < 0.2
    assert abs(seen.median() - 0.1) < 0.005


def test_waiting_is_that_of_a_queue() -> None:
    space = ConfigurationSpace((RATES,))
    answers = ensemble_of(space, is_paced=True, utilization=constant(0.6), queueing=constant(1.0))
    latency = answers(line(space, highest(space), RATES))[Output.LATENCY].exp()
    sojourn = [1 / (1 - 0.6 * float(rate_hz) / 60) for rate_hz in RATES.choices]  # M/M/1
    expected = torch.tensor(sojourn, dtype=torch.float64).unsqueeze(1) / sojourn[-1]
    torch.testing.assert_close(latency, expected.expand_as(latency))


def test_power_is_that_of_work_for_as_long_as_there_is_work() -> None:
    space = ConfigurationSpace((GPU, RATES))
    power = ensemble_of(space, is_paced=True, utilization=constant(0.5))(line(space, highest(space), RATES))
    static = devices_of(space).static
    expected = torch.stack([static + (1 - static) * float(rate_hz) / 60 for rate_hz in RATES.choices])
    torch.testing.assert_close(power[Output.POWER].exp(), expected)


def test_without_arrivals_one_request_at_a_time_is_under_way() -> None:
    space = ConfigurationSpace((GPU,))
    pace = ensemble_of(space)(Encoding(space).encode(space))[Output.PACE]
    torch.testing.assert_close(pace, torch.zeros_like(pace))


def test_a_rate_beyond_what_the_device_can_serve_stays_finite() -> None:
    level = Parameter(GPU.id, "MHz", ParameterKind.CLOCK, (1, 1200), GPU.owner)
    space = ConfigurationSpace((level, RATES))
    answers = ensemble_of(space, is_paced=True, utilization=constant(0.95))(line(space, highest(space), level))
    assert answers.isfinite().all()
    assert (answers[Output.LATENCY][0] > 3.0).any()
