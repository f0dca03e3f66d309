"""Spaces and surfaces for the tests of the candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from hypothesis import strategies as st
from torch import Tensor

from tests.unit.search.records import clock, governor
from tuner.configuration import ConfigurationSpace, OrderConstraint, Parameter
from tuner.search.candidates import Candidates
from tuner.search.encoding import Encoding

Surface = Callable[[Tensor], Tensor]


def clocks(counts: Sequence[int], orders: tuple[OrderConstraint, ...] = ()) -> ConfigurationSpace:
    """Clocks ``p0``, ``p1``, ... of so many choices each, all over four octaves."""
    parameters = tuple(
        clock(f"p{number}", tuple(100.0 * 16.0 ** (choice / max(count - 1, 1)) for choice in range(count)))
        for number, count in enumerate(counts)
    )
    return ConfigurationSpace(parameters, orders)


def candidates_of(space: ConfigurationSpace, seed: int = 0) -> Candidates:
    return Candidates(space, Encoding(space), seed)


def draws(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def polynomial(width: int, interaction: float, seed: int) -> Surface:
    """A random concave parabola in every column, and products of columns of at most that weight."""
    tops, curvatures = torch.special.ndtr(draws(2, width, seed=seed))
    products = interaction * torch.special.ndtr(draws(width, width, seed=seed + 1)).triu(1) / width
    return lambda x: -(((x - tops) ** 2) * (0.2 + curvatures)).sum(1) + ((x @ products) * x).sum(1)


@st.composite
def spaces(draw: st.DrawFn) -> ConfigurationSpace:
    """Small spaces of every sort: with orders that some choices cannot keep, categories, pools, single points."""
    numbers = st.lists(st.integers(1, 30), min_size=1, max_size=5, unique=True).map(lambda one: tuple(sorted(one)))
    parameters: list[Parameter] = [clock(f"p{number}", draw(numbers)) for number in range(draw(st.integers(1, 3)))]
    pairs = [(one.id, other.id) for one in parameters for other in parameters if one is not other]
    ends = draw(st.lists(st.sampled_from(pairs), max_size=2)) if pairs else []
    orders = [OrderConstraint(*pair, draw(st.sampled_from([0.5, 1.0, 1.5]))) for pair in ends]
    if draw(st.booleans()):
        parameters.append(governor())
    space = ConfigurationSpace(tuple(parameters), tuple(orders))
    if draw(st.booleans()):
        return ConfigurationSpace(space.parameters, pool=tuple(space)[::2])
    return space
