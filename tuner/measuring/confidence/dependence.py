"""How much less a stream tells than one of independent observations: batch sums on a ladder of doubling lengths.

What the variance of a mean is inflated by is the integrated autocorrelation. It is found by blocking: neighbours are
merged in pairs, again and again, and each merging inflates the variance by ``1 + r``, where ``r`` is the correlation of
neighbours at that length (Flyvbjerg and Petersen, "Error estimates on averages of correlated data", J. Chem. Phys. 91,
1989, section III). One stops at the first length whose neighbours are not correlated: there batches are independent
(adaptive batch length, as Flegal and Jones ask of batch means, "Batch means and spectral variance estimators in Markov
chain Monte Carlo", Annals of Statistics 38(2), 2010; the rule is that of Geyer's initial positive sequence, "Practical
Markov chain Monte Carlo", Statistical Science 7(4), 1992, section 3.3).
"""

from __future__ import annotations

import math

_NOISE = 0.5
"""A correlation below so many standard errors is that of independent batches. Few, since to miss dependence costs a
wrong verdict, and to see some that is not there costs only queries."""
_LEAST_BATCHES = 4
"""Fewer batches tell nothing about their correlation."""


class BatchLadder:
    """Sums of pieces in batches of 1, 2, 4, 8 ... neighbours, updated in constant time on average.

    A piece is an amount (late queries, joules) and a size (queries, requests). What correlates are the residuals
    ``amount - ratio * size``.
    """

    def __init__(self) -> None:
        """Holds no piece."""
        self.amount = 0.0
        self.size = 0.0
        self._rungs: list[_Rung] = [_Rung()]

    @property
    def pieces(self) -> int:
        """Number of pieces."""
        return self._rungs[0].batches

    @property
    def ratio(self) -> float:
        """Amount a size, over all pieces; 0 without any."""
        return self.amount / self.size if self.size else 0.0

    def add(self, amount: float, size: float = 1.0) -> None:
        """Adds a piece."""
        self.amount += amount
        self.size += size
        for rung in self._rungs:
            if (pair := rung.add(amount, size)) is None:
                return
            amount, size = pair
        rung = _Rung()
        rung.add(amount, size)
        self._rungs.append(rung)

    def squares(self) -> float:
        """Returns the sum of the squared residuals of single pieces."""
        return self._rungs[0].squares(self.ratio)

    def inflation(self) -> float:
        """Returns by what dependence inflates the variance of the ratio; 1 for independent pieces."""
        ratio, inflation = self.ratio, 1.0
        for rung in self._rungs:
            if rung.batches < _LEAST_BATCHES:
                break
            correlation = rung.correlation(ratio)
            if correlation <= _NOISE / math.sqrt(rung.batches):
                break
            inflation *= 1.0 + correlation
        return inflation


class _Rung:
    """Batches of one length: sums of their squares, and of the products of neighbours."""

    __slots__ = (
        "_across",
        "_amounts",
        "_before",
        "_is_odd",
        "_mixed",
        "_neighbours",
        "_sizes",
        "_sizes_across",
        "batches",
    )

    def __init__(self) -> None:
        self.batches = 0
        self._before = (0.0, 0.0)
        self._is_odd = False
        self._amounts = self._mixed = self._sizes = 0.0
        self._neighbours = self._across = self._sizes_across = 0.0

    def add(self, amount: float, size: float) -> tuple[float, float] | None:
        """Adds a batch; returns its sum with the one before if the two are a pair of the next rung."""
        before, size_before = self._before
        self._before = amount, size
        self.batches += 1
        self._sizes += size * size
        self._sizes_across += size * size_before
        if amount:
            self._amounts += amount * amount
            self._mixed += amount * size
            self._across += amount * size_before
            self._neighbours += amount * before
        if before:
            self._across += before * size
        self._is_odd = not self._is_odd
        return None if self._is_odd else (before + amount, size_before + size)

    def squares(self, ratio: float) -> float:
        return max(0.0, self._amounts - 2.0 * ratio * self._mixed + ratio * ratio * self._sizes)

    def correlation(self, ratio: float) -> float:
        """Returns the correlation of neighbours, free of the bias that the estimated ratio brings."""
        squares = self.squares(ratio)
        if squares <= 1e-12 * self._amounts:
            return 0.0
        products = self._neighbours - ratio * self._across + ratio * ratio * self._sizes_across
        return products / squares * self.batches / (self.batches - 1) + 1.0 / self.batches
