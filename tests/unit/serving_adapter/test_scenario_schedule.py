"""The schedule of the open loop: a Poisson process."""

import itertools
import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving_adapter.scenario import poisson_offsets_s

seeds = st.integers(0, 2**32)


@given(seeds)
@settings(max_examples=10, deadline=None, derandomize=True)
def test_gaps_between_arrivals_are_exponential_at_the_rate_asked_for(seed: int) -> None:
    count, rate_hz = 20_000, 40.0
    offsets_s = list(itertools.islice(poisson_offsets_s(rate_hz, seed), count))
    gaps_s = sorted(after - before for before, after in itertools.pairwise([0.0, *offsets_s]))
    # Five standard errors: the mean of n exponential gaps has the standard error mean / sqrt(n).
    assert statistics.fmean(gaps_s) == pytest.approx(1 / rate_hz, rel=5 / math.sqrt(count))
    # Kolmogorov-Smirnov distance to the exponential distribution; 2.3 / sqrt(n) is exceeded once in 20,000 times.
    distance = max(
        max(abs((1 - math.exp(-rate_hz * gap_s)) - edge / count) for edge in (rank, rank + 1))
        for rank, gap_s in enumerate(gaps_s)
    )
    assert distance < 2.3 / math.sqrt(count)


def test_gaps_are_independent_of_each_other() -> None:
    count = 20_000
    offsets_s = itertools.islice(poisson_offsets_s(1.0, 7), count)
    gaps_s = [after - before for before, after in itertools.pairwise([0.0, *offsets_s])]
    # The correlation of n independent pairs has the standard error 1 / sqrt(n).
    assert abs(statistics.correlation(gaps_s[:-1], gaps_s[1:])) < 4 / math.sqrt(count)


@given(st.floats(0.5, 5000.0), seeds)
def test_rate_and_seed_alone_make_the_schedule(rate_hz: float, seed: int) -> None:
    first, again = (list(itertools.islice(poisson_offsets_s(rate_hz, seed), 50)) for _ in range(2))
    assert first == again == sorted(first)
    assert first[0] > 0


@given(st.floats(0.5, 5000.0), seeds)
def test_another_rate_stretches_the_same_schedule(rate_hz: float, seed: int) -> None:
    at_one = itertools.islice(poisson_offsets_s(1.0, seed), 50)
    assert list(itertools.islice(poisson_offsets_s(rate_hz, seed), 50)) == pytest.approx(
        [offset_s / rate_hz for offset_s in at_one]
    )


def test_another_seed_gives_other_arrivals() -> None:
    assert next(poisson_offsets_s(1.0, 1)) != next(poisson_offsets_s(1.0, 2))
