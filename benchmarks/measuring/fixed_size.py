"""Tests that look once: what a sequential test is measured against, and what no test can do better."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial


@cache
def queries_of_fixed_test(allowed: float, actual: float, error: float, miss: float) -> int:
    """Returns the fewest independent queries with which one look tells the actual share from the allowed one.

    Args:
        allowed: Share of late queries that may be.
        actual: Share that is; known to this test only.
        error: Probability of a wrong verdict if the share were the allowed one.
        miss: Probability of no verdict.
    """
    late = 0
    while True:
        if actual < allowed:  # held if at most so many are late
            queries = _first(partial(_is_at_most, late, allowed, error))
            if at_most(late, queries, actual) >= 1.0 - miss:
                return queries
        else:  # broken if more than so many are late
            queries = _first(partial(_is_at_most, late, actual, miss))
            if 1.0 - at_most(late, queries, allowed) <= error:
                return queries
        late += 1


def miss_of_oracle(allowed: float, actual: float, error: float, queries: int) -> float:
    """Returns how often even a test that knows the actual share has no verdict after so many independent queries.

    Args:
        allowed: Share of late queries that may be.
        actual: Share that is.
        error: Probability of a wrong verdict.
        queries: The cap.
    """
    if actual < allowed:
        most = -1
        while at_most(most + 1, queries, allowed) <= error:
            most += 1
        return 1.0 - at_most(most, queries, actual)
    most = 0
    while 1.0 - at_most(most, queries, allowed) > error:
        most += 1
    return at_most(most, queries, actual)


def at_most(late: int, queries: int, share: float) -> float:
    """Returns the binomial probability that at most so many queries are late."""
    if late < 0:
        return 0.0
    if late >= queries:
        return 1.0
    if share >= 1.0:
        return 0.0
    log_term = queries * math.log1p(-share)
    log_odds, logs = math.log(share) - math.log1p(-share), [log_term]
    for count in range(late):
        log_term += math.log((queries - count) / (count + 1)) + log_odds
        logs.append(log_term)
    largest = max(logs)
    return min(1.0, math.exp(largest) * math.fsum(math.exp(value - largest) for value in logs))


def _is_at_most(late: int, share: float, probability: float, queries: int) -> bool:
    return at_most(late, queries, share) <= probability


def _first(holds: Callable[[int], bool]) -> int:
    """Returns the smallest count for which a condition holds that stays true from there on."""
    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
