"""Quasi-random draws: every quantile is there, and always the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tuner.search.physics.draws import Draws

COUNT = 256
NORMAL = torch.distributions.Normal(0.0, 1.0)

DISTRIBUTIONS: dict[str, tuple[Callable[[Draws], Tensor], Callable[[Tensor], Tensor]]] = {
    "uniform": (lambda draws: draws.uniform(2.0, 5.0), lambda values: (values - 2) / 3),
    "normal": (lambda draws: draws.normal(1.0, 0.5), lambda values: NORMAL.cdf((values - 1) / 0.5)),
    "log_uniform": (lambda draws: draws.log_uniform(0.5, 8.0), lambda values: (values / 0.5).log() / math.log(16)),
    "log_normal": (lambda draws: draws.log_normal(3.0, 0.4), lambda values: NORMAL.cdf((values / 3).log() / 0.4)),
    "logit_normal": (
        lambda draws: draws.logit_normal(0.2, 1.1),
        lambda values: NORMAL.cdf((values.logit() - math.log(0.2 / 0.8)) / 1.1),
    ),
}
"""How to draw, and the distribution function of what is drawn."""


@pytest.mark.parametrize(("draw", "cdf"), DISTRIBUTIONS.values(), ids=DISTRIBUTIONS.keys())
@pytest.mark.parametrize("place", [0, 1, 6])
def test_one_value_lies_between_each_two_neighbouring_quantiles(
    draw: Callable[[Draws], Tensor], cdf: Callable[[Tensor], Tensor], place: int
) -> None:
    draws = Draws(COUNT, 7)
    for _ in range(place):
        draws.uniform()
    places = cdf(draw(draws)).sort().values * COUNT
    assert torch.equal(places.floor(), torch.arange(COUNT, dtype=torch.float64))


@settings(max_examples=20)
@given(st.lists(st.floats(0.2, 5.0), min_size=2, max_size=6))
def test_shares_are_positive_and_add_up_to_one(concentrations: list[float]) -> None:
    shares = torch.stack(Draws(COUNT, 6).shares(concentrations))
    assert (shares > 0).all()
    torch.testing.assert_close(shares.sum(0), torch.ones(COUNT, dtype=torch.float64))


@settings(max_examples=10)
@given(st.lists(st.floats(0.3, 5.0), min_size=2, max_size=4))
def test_shares_have_the_moments_of_a_dirichlet_distribution(concentrations: list[float]) -> None:
    shares = torch.stack(Draws(2048, 6).shares(concentrations))
    total = sum(concentrations)
    means = torch.tensor(concentrations, dtype=torch.float64) / total
    torch.testing.assert_close(shares.mean(1), means, rtol=0.0, atol=0.01)
    torch.testing.assert_close(shares.var(1), means * (1 - means) / (total + 1), rtol=0.1, atol=0.002)


def test_quantities_do_not_depend_on_each_other() -> None:
    draws = Draws(1024, 8)
    columns = torch.stack([draws.normal(0.0, 1.0) for _ in range(8)])
    correlations = torch.corrcoef(columns) - torch.eye(8, dtype=torch.float64)
    assert correlations.abs().max() < 0.05


def test_the_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    first, same, other = (Draws(COUNT, 3, seed).normal(0.0, 1.0) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_more_quantities_than_were_prepared_are_refused() -> None:
    draws = Draws(COUNT, 1)
    draws.uniform()
    with pytest.raises(StopIteration):
        draws.uniform()
