"""The polynomial: slopes, curvatures and products of logarithms, nothing at the highest choice."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.search.records import SPACE, clock, governor
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.search.basis import CURVATURE_SD, INTERACTION_SD, SLOPE_SD, Basis
from tuner.search.encoding import Encoding


def values(space: ConfigurationSpace, configuration: dict[str, int | str]) -> list[float]:
    encoding = Encoding(space)
    found: list[float] = Basis(encoding)(encoding.encode([Configuration(configuration)]))[0].tolist()
    return found


def test_at_the_highest_choices_nothing_is_added() -> None:
    assert values(SPACE, {"gpu.core.max_mhz": 1300, "batch_size": 16}) == [0.0] * 5


@given(st.sampled_from(SPACE.parameters[0].choices), st.sampled_from(SPACE.parameters[1].choices))
def test_it_is_a_polynomial_in_logarithms_times_the_deviations_of_its_coefficients(mhz: int, items: int) -> None:
    x, y = math.log(mhz / 1300), math.log(items / 16)
    expected = [
        *(SLOPE_SD * x, SLOPE_SD * y),
        *(CURVATURE_SD * x * x / 2, CURVATURE_SD * y * y / 2),
        INTERACTION_SD * x * y,
    ]
    torch.testing.assert_close(
        torch.tensor(values(SPACE, {"gpu.core.max_mhz": mhz, "batch_size": items})), torch.tensor(expected)
    )


def test_a_category_has_a_slope_and_neither_curvature_nor_interaction() -> None:
    space = ConfigurationSpace((clock(), governor()))
    found = values(space, {"gpu.core.max_mhz": 1300, "cpu.governor": "performance"})
    assert found == [0.0, 0.0, SLOPE_SD, 0.0, 0.0]


def test_categories_alone_and_a_single_choice_are_no_polynomials() -> None:
    for parameter in (governor(), clock(choices=(900,))):
        space = ConfigurationSpace((parameter,))
        encoding = Encoding(space)
        assert Basis(encoding)(encoding.encode(space)).isfinite().all()
