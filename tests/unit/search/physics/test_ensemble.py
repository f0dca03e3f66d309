"""Imagined devices obey the laws that they are imagined by, whatever their constants and whatever can be set."""

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
    GPU_MIN,
    INSTANCES,
    MEMORY,
    NUMBERS,
    PREFILL,
    QUOTA,
    THREADS,
    UNUSUAL_SPACES,
    configurations,
    constant,
    devices_of,
    ensemble_of,
    few,
    highest,
    line,
    numeric_spaces,
    seconds_per_request,
)
from tests.unit.search.records import governor
from tuner.configuration import Configuration, ConfigurationSpace, Parameter, ParameterKind
from tuner.search.encoding import Encoding
from tuner.search.evidence import Output
from tuner.search.physics.ensemble import DEVICES, Ensemble

CLOCKS = (GPU, GPU_MIN, PREFILL, CPU, MEMORY)
WORKERS = (CORES, THREADS, QUOTA)
UNCAPPED = tuple(one for one in NUMBERS if one.kind is not ParameterKind.POWER_CAP)
ROUNDING = 1e-9


def never_falls(values: Tensor) -> bool:
    """Tells whether rows are in ascending order, for every device."""
    return bool((values.diff(dim=0) >= -ROUNDING).all())


@st.composite
def lines(
    draw: st.DrawFn, along: tuple[Parameter, ...], within: tuple[Parameter, ...]
) -> tuple[ConfigurationSpace, Tensor]:
    """A space, and features of its configurations along one parameter while the others stay anywhere."""
    one = draw(st.sampled_from(along))
    space = draw(numeric_spaces(within, (one,)))
    return space, line(space, draw(configurations(space)), one)


class TestWhatever:
    @few
    @given(numeric_spaces(), st.booleans(), st.data())
    def test_answers_are_finite(self, space: ConfigurationSpace, is_paced: bool, data: st.DataObject) -> None:
        features = Encoding(space).encode([data.draw(configurations(space))])
        answers = ensemble_of(space, is_paced)(features)
        assert answers.shape == (len(Output), 1, DEVICES)
        assert answers.isfinite().all()

    @pytest.mark.parametrize("is_paced", [False, True])
    @pytest.mark.parametrize("space", UNUSUAL_SPACES.values(), ids=UNUSUAL_SPACES.keys())
    def test_answers_are_finite_in_unusual_spaces(self, space: ConfigurationSpace, is_paced: bool) -> None:
        features = Encoding(space).encode(one for one, _ in zip(space, range(200), strict=False))
        assert Ensemble(Encoding(space), is_paced)(features).isfinite().all()

    @few
    @given(numeric_spaces(UNCAPPED), st.booleans())
    def test_answers_are_relative_to_the_highest_settings(self, space: ConfigurationSpace, is_paced: bool) -> None:
        answers = ensemble_of(space, is_paced)(Encoding(space).encode([highest(space)]))
        torch.testing.assert_close(answers, torch.zeros_like(answers), rtol=0.0, atol=ROUNDING)

    def test_the_same_space_gets_the_same_devices(self) -> None:
        space = UNUSUAL_SPACES["everything"]
        features = Encoding(space).encode([next(iter(space))])
        assert torch.equal(ensemble_of(space)(features), ensemble_of(space)(features))

    def test_many_configurations_are_answered_as_each_by_itself(self) -> None:
        space = ConfigurationSpace((GPU, CPU, CPU_CAP, BATCH))
        features = Encoding(space).encode(space)
        answers = ensemble_of(space)
        alone = torch.cat([answers(one) for one in features[::20].split(1)], dim=1)
        torch.testing.assert_close(answers(features)[:, ::20], alone)

    def test_devices_differ(self) -> None:
        space = ConfigurationSpace((GPU, CPU))
        answers = ensemble_of(space)(Encoding(space).encode([next(iter(space))]))
        assert (answers[[Output.LATENCY, Output.POWER]].std(-1) > 0.1).all()


class TestClocks:
    @few
    @given(lines(CLOCKS, UNCAPPED), st.booleans())
    def test_raising_a_clock_never_lengthens_time(
        self, given_line: tuple[ConfigurationSpace, Tensor], is_paced: bool
    ) -> None:
        space, features = given_line
        answers = ensemble_of(space, is_paced)(features)
        assert never_falls(-answers[Output.LATENCY])
        assert never_falls(-(answers[Output.PACE] if is_paced else seconds_per_request(answers)))

    @few
    @given(lines(CLOCKS, UNCAPPED))
    def test_raising_a_clock_never_lowers_power_unless_voltage_rises_as_it_falls(
        self, given_line: tuple[ConfigurationSpace, Tensor]
    ) -> None:
        space, features = given_line
        constants = devices_of(space)
        steepness = {name: exponent.clamp_min(1.0) for name, exponent in constants.steepness.items()}
        assert never_falls(ensemble_of(space, steepness=steepness)(features)[Output.POWER])

    def test_no_clock_matters_by_more_than_its_own_ratio(self) -> None:
        space = ConfigurationSpace((GPU, MEMORY))
        latency = ensemble_of(space)(line(space, highest(space), GPU))[Output.LATENCY]
        assert (latency[0] <= torch.tensor(1200 / 300).log() + ROUNDING).all()

    def test_energy_has_its_minimum_at_a_middle_clock_on_many_devices(self) -> None:
        space = ConfigurationSpace((GPU,))
        answers = ensemble_of(space)(line(space, highest(space), GPU))
        cheapest = (seconds_per_request(answers) + answers[Output.POWER]).argmin(0)
        inside = ((cheapest > 0) & (cheapest < len(GPU.choices) - 1)).double().mean()
        assert 0.2 < inside < 0.9


class TestCores:
    @few
    @given(lines(WORKERS, UNCAPPED))
    def test_more_of_them_never_lengthen_time_nor_lower_power_without_contention(
        self, given_line: tuple[ConfigurationSpace, Tensor]
    ) -> None:
        space, features = given_line
        contention = tuple(torch.zeros_like(one) for one in devices_of(space).contention)
        answers = ensemble_of(space, contention=contention)(features)
        assert never_falls(-answers[Output.LATENCY])
        assert never_falls(answers[Output.POWER])

    def test_contention_may_turn_that_around(self) -> None:
        space = ConfigurationSpace((CORES,))
        answers = ensemble_of(space, contention=(constant(0.5),), parallel=(constant(0.9),))
        latency = answers(line(space, highest(space), CORES))[Output.LATENCY]
        assert (latency[1] < latency[3]).any()

    def test_work_that_cannot_be_divided_gains_nothing(self) -> None:
        space = ConfigurationSpace((CORES,))
        latency = ensemble_of(space, parallel=(constant(0.0),))(line(space, highest(space), CORES))[Output.LATENCY]
        torch.testing.assert_close(latency, torch.zeros_like(latency))

    def test_work_that_can_be_divided_obeys_amdahl(self) -> None:
        space = ConfigurationSpace((CORES,))
        constants = {"parallel": (constant(0.8),), "contention": (constant(0.0),), "fixed": constant(0.0)}
        latency = ensemble_of(space, **constants)(line(space, highest(space), CORES))[Output.LATENCY]
        expected = torch.tensor(
            [(0.2 + 0.8 / float(cores)) / (0.2 + 0.8 / 8) for cores in CORES.choices], dtype=torch.float64
        )
        torch.testing.assert_close(latency.exp(), expected.unsqueeze(1).expand_as(latency))


class TestBatches:
    @few
    @given(lines((BATCH,), NUMBERS), st.floats(0.5, 1.0))
    def test_a_larger_batch_never_takes_less_time_nor_more_for_each_item(
        self, given_line: tuple[ConfigurationSpace, Tensor], growth: float
    ) -> None:
        space, features = given_line
        answers = ensemble_of(space, growth=constant(growth), filling=constant(0.0))(features)
        assert never_falls(answers[Output.LATENCY])
        assert never_falls(-seconds_per_request(answers))

    @few
    @given(lines((BATCH,), UNCAPPED))
    def test_a_larger_batch_never_draws_less_power(self, given_line: tuple[ConfigurationSpace, Tensor]) -> None:
        space, features = given_line
        assert never_falls(ensemble_of(space)(features)[Output.POWER])

    def test_a_batch_far_below_saturation_costs_no_time(self) -> None:
        space = ConfigurationSpace((BATCH,))
        answers = ensemble_of(space, saturation=constant(1e6), sharpness=constant(4.0))
        latency = answers(line(space, highest(space), BATCH))[Output.LATENCY]
        torch.testing.assert_close(latency, torch.zeros_like(latency), rtol=0.0, atol=1e-6)

    @pytest.mark.parametrize("growth", [0.9, 1.0, 1.1])
    def test_a_batch_far_beyond_saturation_costs_a_power_of_its_size(self, growth: float) -> None:
        space = ConfigurationSpace((BATCH,))
        answers = ensemble_of(space, saturation=constant(1e-6), growth=constant(growth))
        latency = answers(line(space, highest(space), BATCH))[Output.LATENCY]
        expected = torch.tensor([(float(size) / 16) ** growth for size in BATCH.choices], dtype=torch.float64)
        torch.testing.assert_close(latency.exp(), expected.unsqueeze(1).expand_as(latency), rtol=1e-4, atol=0.0)


class TestInstances:
    @few
    @given(lines((INSTANCES,), NUMBERS))
    def test_more_of_them_never_answer_sooner_nor_fewer_requests(
        self, given_line: tuple[ConfigurationSpace, Tensor]
    ) -> None:
        space, features = given_line
        answers = ensemble_of(space)(features)
        assert never_falls(answers[Output.LATENCY])
        assert never_falls(-seconds_per_request(answers))

    def test_without_crowding_they_are_independent(self) -> None:
        space = ConfigurationSpace((INSTANCES,))
        answers = ensemble_of(space, crowding=(constant(0.0),))(line(space, highest(space), INSTANCES))
        torch.testing.assert_close(answers[Output.LATENCY], torch.zeros_like(answers[Output.LATENCY]))
        each = torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64).log().unsqueeze(1)
        torch.testing.assert_close(seconds_per_request(answers), each.expand(-1, DEVICES))


class TestCategories:
    def test_they_change_time_and_power_by_a_factor(self) -> None:
        space = ConfigurationSpace((GPU, governor()))
        answers = ensemble_of(space)
        low, high = (
            answers(line(space, Configuration({**highest(space), GPU.id: mhz}), governor()))
            for mhz in (GPU.choices[0], GPU.choices[-1])
        )
        torch.testing.assert_close(low.diff(dim=1), high.diff(dim=1))
        assert (high.diff(dim=1).abs() > 0.01).any()
