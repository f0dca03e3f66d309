"""Averages, without the module ``statistics``: what that imports costs a small keeper more than a megabyte."""

from __future__ import annotations

from collections.abc import Collection


def mean(numbers: Collection[float]) -> float:
    """Returns the mean of at least one number."""
    return sum(numbers) / len(numbers)


def median(numbers: Collection[float]) -> float:
    """Returns the median of at least one number: of an even count the mean of the two in the middle."""
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else mean(ordered[middle - 1 : middle + 1])
