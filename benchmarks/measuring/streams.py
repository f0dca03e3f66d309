"""Streams of latencies, dependent or not, whose distribution is known exactly."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Latencies = NDArray[np.float64]


class Stream(ABC):
    """Latencies of queries in order of completion.

    Attributes:
        name: What it is like.
        changes: Whether its distribution changes on the way, so that a limit may be crossed.
        promises: Whether the figures are held against what was promised; not where no test can keep it.
    """

    name: str
    changes = False
    promises = True

    @abstractmethod
    def draw(self, generator: np.random.Generator, trials: int, queries: int) -> Latencies:
        """Returns independent stretches of the stream, of shape ``(trials, queries)``."""

    @abstractmethod
    def late_share(self, bound_s: float) -> float:
        """Returns the share of queries that take longer than a bound."""

    def quantile_s(self, late_share: float) -> float:
        """Returns the bound that this share of queries exceeds."""
        low_s, high_s = 1e-6, 1e6
        while high_s / low_s > 1.0 + 1e-9:
            middle_s = math.sqrt(low_s * high_s)
            low_s, high_s = (middle_s, high_s) if self.late_share(middle_s) > late_share else (low_s, middle_s)
        return high_s


def _normal_tail(value: float) -> float:
    return 0.5 * math.erfc(value / math.sqrt(2.0))


def autoregressive(generator: np.random.Generator, trials: int, queries: int, correlation: float) -> Latencies:
    """Returns stationary normal AR(1) series of unit variance, of shape ``(trials, queries)``."""
    noise = generator.standard_normal((trials, queries))
    for query in range(1, queries):
        noise[:, query] = correlation * noise[:, query - 1] + math.sqrt(1.0 - correlation**2) * noise[:, query]
    return noise


@dataclass(frozen=True)
class Lognormal(Stream):
    """Lognormal latencies, whose logarithms are an AR(1) series (a Gaussian copula)."""

    name: str
    spread: float = 0.25
    correlation: float = 0.0

    def draw(self, generator: np.random.Generator, trials: int, queries: int) -> Latencies:
        """See base class."""
        return np.exp(self.spread * autoregressive(generator, trials, queries, self.correlation))

    def late_share(self, bound_s: float) -> float:
        """See base class."""
        return _normal_tail(math.log(bound_s) / self.spread)


@dataclass(frozen=True)
class Gamma(Stream):
    """The sum of so many exponential stages."""

    name: str
    stages: int = 16

    def draw(self, generator: np.random.Generator, trials: int, queries: int) -> Latencies:
        """See base class."""
        return generator.gamma(self.stages, 1.0 / self.stages, (trials, queries))

    def late_share(self, bound_s: float) -> float:
        """See base class (Erlang's tail)."""
        rate = bound_s * self.stages
        return math.fsum(math.exp(-rate + k * math.log(rate) - math.lgamma(k + 1)) for k in range(self.stages))


@dataclass(frozen=True)
class Pareto(Stream):
    """A power-law tail."""

    name: str
    index: float = 4.0

    def draw(self, generator: np.random.Generator, trials: int, queries: int) -> Latencies:
        """See base class."""
        return (1.0 - generator.random((trials, queries))) ** (-1.0 / self.index)

    def late_share(self, bound_s: float) -> float:
        """See base class."""
        return min(1.0, math.pow(bound_s, -self.index))


@dataclass(frozen=True)
class Switching(Stream):
    """Lognormal latencies that are slower by a factor while something interferes, for a geometric number of queries.

    Attributes:
        slow_share: Share of queries in slow stretches.
        slowdown: Their factor.
        stretch: Mean length of a slow stretch in queries.
    """

    name: str
    slow_share: float
    slowdown: float
    stretch: float = 1.0
    spread: float = 0.25
    promises: bool = True

    def draw(self, generator: np.random.Generator, trials: int, queries: int) -> Latencies:
        """See base class."""
        luck = generator.random((trials, queries))
        begins = self.slow_share / (1.0 - self.slow_share) / self.stretch
        is_slow = np.empty((trials, queries), dtype=bool)
        is_slow[:, 0] = luck[:, 0] < self.slow_share
        for query in range(1, queries):
            goes_on = luck[:, query] > 1.0 / self.stretch
            is_slow[:, query] = np.where(is_slow[:, query - 1], goes_on, luck[:, query] < begins)
        if self.stretch == 1.0:
            is_slow = luck < self.slow_share
        return np.exp(self.spread * generator.standard_normal((trials, queries)) + math.log(self.slowdown) * is_slow)

    def late_share(self, bound_s: float) -> float:
        """See base class."""
        quick = _normal_tail(math.log(bound_s) / self.spread)
        slow = _normal_tail(math.log(bound_s / self.slowdown) / self.spread)
        return (1.0 - self.slow_share) * quick + self.slow_share * slow


@dataclass(frozen=True)
class Drifting(Stream):
    """Lognormal latencies that become slower on the way, on a logarithmic scale. The truth is that of the whole."""

    name: str
    rise: float = 0.08
    spread: float = 0.25
    queries: int = 2000
    changes = True

    def draw(self, generator: np.random.Generator, trials: int, queries: int) -> Latencies:
        """See base class."""
        return np.exp(self.spread * generator.standard_normal((trials, queries)) + self._level()[:queries])

    def late_share(self, bound_s: float) -> float:
        """See base class."""
        return (
            math.fsum(_normal_tail((math.log(bound_s) - level) / self.spread) for level in self._level()) / self.queries
        )

    def _level(self) -> Latencies:
        return self.rise * (np.arange(self.queries) / self.queries - 0.5)


@dataclass(frozen=True)
class Resampled(Stream):
    """Blocks of a recording, which keep its dependence (stationary bootstrap, Politis and Romano, JASA 89, 1994).

    Attributes:
        recorded_s: Latencies in order of completion; the distribution is theirs exactly.
        block: Mean length of a block in queries.
    """

    name: str
    recorded_s: Latencies
    block: float = 25.0

    def draw(self, generator: np.random.Generator, trials: int, queries: int) -> Latencies:
        """See base class."""
        count = len(self.recorded_s)
        index = generator.integers(count, size=(trials, queries))
        begins = generator.random((trials, queries)) < 1.0 / self.block
        for query in range(1, queries):
            index[:, query] = np.where(begins[:, query], index[:, query], (index[:, query - 1] + 1) % count)
        return self.recorded_s[index]

    def late_share(self, bound_s: float) -> float:
        """See base class."""
        return float(np.mean(self.recorded_s > bound_s))


def synthetic_streams() -> Sequence[Stream]:
    """Returns the streams whose truth follows from a formula."""
    return (
        Lognormal("independent, lognormal"),
        Gamma("independent, gamma"),
        Lognormal("autocorrelated to 0.5, lognormal", correlation=0.5),
        Pareto("heavy tail, Pareto with index 4"),
        Switching("heavy tail, 2 % five times slower", slow_share=0.02, slowdown=5.0),
        Switching("bursts of 5, a quarter of all, 1.65 x slower", slow_share=0.25, slowdown=math.exp(0.5), stretch=5.0),
        Drifting("drifting by 8 % on the way"),
        Switching("rare bursts of 5, a tenth, 2 x slower", slow_share=0.1, slowdown=2.0, stretch=5.0, promises=False),
    )
