"""Prices are found again in data made from them, and the figures beside them are what they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.energy_model.working_set.cost_model import (
    cross_validated,
    fit_costs,
    flops_form,
    full_form,
    levelless_form,
)
from tuner.energy_model.working_set.load import Load
from tuner.errors import BadInputError

LEVELS = ("L1", "L2", "memory")
NAMES = ("batch", "launch", "flop", "L1 byte", "L2 byte", "memory byte")
PRICES = (2e-4, 3e-6, 1e-11, 2e-12, 1e-11, 1.5e-10)


def random_loads(count: int, seed: int = 0) -> list[Load]:
    generator = np.random.default_rng(seed)
    return [
        Load(int(generator.integers(1, 300)), 10 ** generator.uniform(5, 9), tuple(10 ** generator.uniform(4, 8, 3)))
        for _ in range(count)
    ]


def costs_of(loads: list[Load], prices: tuple[float, ...] = PRICES, noise: float = 0.0, seed: int = 1) -> list[float]:
    generator = np.random.default_rng(seed)
    factors = np.exp(generator.normal(0, noise, len(loads)))
    return [float(factor * np.dot(full_form(load), prices)) for factor, load in zip(factors, loads, strict=True)]


def test_prices_are_found_again() -> None:
    loads = random_loads(60)
    model = fit_costs(loads, costs_of(loads), LEVELS)
    assert tuple(each.name for each in model.coefficients) == NAMES
    assert [each.value for each in model.coefficients] == pytest.approx(PRICES, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=6))
def test_any_prices_are_found_again(factors: list[float]) -> None:
    prices = tuple(price * factor for price, factor in zip(PRICES, factors, strict=True))
    loads = random_loads(80)
    model = fit_costs(loads, costs_of(loads, prices), LEVELS)
    predicted = [model.cost(load) for load in loads]
    assert predicted == pytest.approx(costs_of(loads, prices), rel=1e-6)


def test_intervals_hold_the_prices_under_noise() -> None:
    held = 0
    for seed in range(10):
        loads = random_loads(100, seed)
        model = fit_costs(loads, costs_of(loads, noise=0.05, seed=seed), LEVELS, seed)
        held += sum(each.low <= price <= each.high for each, price in zip(model.coefficients, PRICES, strict=True))
    assert held >= 48, "60 intervals of 95 %"


def test_what_costs_nothing_costs_nothing_and_never_less() -> None:
    prices = (0.0, 0.0, 1e-11, 0.0, 0.0, 1e-10)
    loads = random_loads(60)
    model = fit_costs(loads, costs_of(loads, prices, noise=0.1), LEVELS)
    assert all(each.value >= 0 and each.low >= 0 for each in model.coefficients)
    assert model.coefficients[5].value == pytest.approx(1e-10, rel=0.1)


def test_parts_add_up_to_the_cost() -> None:
    loads = random_loads(30)
    model = fit_costs(loads, costs_of(loads), LEVELS)
    parts = model.parts(loads[0])
    assert list(parts) == list(NAMES)
    assert sum(parts.values()) == pytest.approx(costs_of(loads)[0], rel=1e-6)


def test_who_knows_the_levels_predicts_better_than_who_does_not() -> None:
    loads = random_loads(90)
    costs = costs_of(loads, noise=0.02)
    groups = [number % 9 for number in range(len(loads))]
    errors = [
        cross_validated(loads, costs, groups, form).mean_error for form in (full_form, levelless_form, flops_form)
    ]
    assert errors[0] < 0.03
    assert errors == sorted(errors)


def test_a_group_is_predicted_without_itself() -> None:
    loads = [Load(1, flops, (0.0,)) for flops in (1.0, 1.0, 1.0, 1.0)]
    accuracy = cross_validated(loads, [1.0, 1.0, 2.0, 2.0], ["a", "a", "b", "b"], flops_form)
    # From b, a flop costs 2: a is missed by +100 %. From a it costs 1: b is missed by -50 %.
    assert accuracy.mean_error == pytest.approx(0.75)
    assert accuracy.median_error == pytest.approx(0.75)
    assert accuracy.bias == pytest.approx(0.25)


@pytest.mark.parametrize("costs", [[], [1.0] * 5 + [0.0], [1.0] * 5 + [float("nan")], [1.0] * 5 + [-1.0]])
def test_costs_that_are_none_are_refused(costs: list[float]) -> None:
    with pytest.raises(BadInputError, match="above zero"):
        fit_costs(random_loads(len(costs)), costs, LEVELS)


def test_too_few_measurements_are_refused() -> None:
    loads = random_loads(5)
    with pytest.raises(BadInputError, match="5 measurements cannot tell 6 coefficients"):
        fit_costs(loads, costs_of(loads), LEVELS)


def test_one_group_alone_is_refused() -> None:
    loads = random_loads(8)
    with pytest.raises(BadInputError, match="One group"):
        cross_validated(loads, costs_of(loads), ["a"] * 8)
