"""Which configuration is worth most: every one is looked at in a small space, the promising ones in a large one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import torch
from torch import Tensor

from tuner.configuration import Configuration, ConfigurationSpace
from tuner.search.encoding import Encoding
from tuner.search.grid import Grid
from tuner.search.listing import CHUNK_SIZE, Listing
from tuner.search.local_search import LocalSearch

EXHAUSTIVE_SIZE = 16_384
"""A grid of at most so many legal configurations is listed and valued as a whole."""

Valuation: TypeAlias = Callable[[Tensor], Tensor]
"""Feature vectors (``n x d``, float64) to what measuring them is worth (``n``, float64; minus infinity: never)."""


@dataclass(frozen=True)
class Ranking:
    """Configurations, the best first.

    Attributes:
        rows: Their choice numbers, ``n x parameters``, int16.
        features: Their feature vectors, ``n x d``, float64.
        values: What they are worth, ``n``, float64.
    """

    rows: Tensor
    features: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.rows)


class Candidates:
    """The legal configurations of a space, as a proposer chooses among them.

    A pool, and a grid of at most :data:`EXHAUSTIVE_SIZE` points, is valued as a whole. A larger grid is never listed
    but searched (:mod:`tuner.search.local_search`), by at most ``MAX_EVALUATIONS`` values a call.
    """

    def __init__(self, space: ConfigurationSpace, encoding: Encoding, seed: int = 0) -> None:
        """Prepares the choices; what is random follows from the seed."""
        self._space = space
        self._grid = Grid(space)
        self._encoded_choices = tuple(encoding.encode_choices(parameter) for parameter in space.parameters)
        self._seed = seed

    def best(
        self,
        value: Valuation,
        tried: Iterable[Configuration],
        anchors: Sequence[Configuration] = (),
        count: int = 1,
    ) -> Ranking:
        """Returns the best legal configurations that were not tried.

        Args:
            value: What is to be highest; called with at most :data:`CHUNK_SIZE` configurations at a time.
            tried: What is not to be returned.
            anchors: Where the best is likely to be near, most likely first (the incumbent). In a large grid, their
                surroundings are searched, too; they need not be legal.
            count: How many to return.

        Returns:
            At most ``count`` configurations whose value is above minus infinity (what is not a number never is). They
            are the best of a space that is valued as a whole, and else the best of those that the search came by.
        """
        valued = partial(self._values, value)
        if self._is_listed:
            rows, values = self._listing.best(valued, tried, count)
        else:
            rows, values = self._search.best(valued, tried, anchors, count)
        return Ranking(rows, self.features(rows), values)

    def configuration(self, row: Tensor) -> Configuration:
        """Returns the configuration that a row of a ranking stands for."""
        return self._grid.configuration(row)

    def features(self, rows: Tensor) -> Tensor:
        """Returns the feature vectors of rows (``n x parameters``), ``n x d``."""
        numbers = rows.long()
        return torch.cat([choices[numbers[:, column]] for column, choices in enumerate(self._encoded_choices)], dim=1)

    def is_exhausted(self, tried: Iterable[Configuration]) -> bool:
        """Tells whether every legal configuration has been tried."""
        if self._is_listed:
            return not len(self._listing.untried(tried))
        return sum(configuration in self._space for configuration in set(tried)) >= self._space.size

    @cached_property
    def _is_listed(self) -> bool:
        return self._space.pool is not None or self._space.size <= EXHAUSTIVE_SIZE

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self._space, self._grid)

    @cached_property
    def _search(self) -> LocalSearch:
        return LocalSearch(self._grid, self._seed)

    def _values(self, value: Valuation, rows: Tensor) -> Tensor:
        if not len(rows):
            return torch.empty(0, dtype=torch.float64)
        values = torch.cat([value(self.features(chunk)) for chunk in rows.split(CHUNK_SIZE)])
        return torch.where(values.isnan(), -math.inf, values)
