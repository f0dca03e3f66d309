"""What a relative fit misses, and its intervals by resampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOW, _HIGH = 2.5, 97.5


def relative_errors(design: NDArray[Any], costs: NDArray[Any], coefficients: NDArray[Any]) -> NDArray[Any]:
    """Returns by how much of it each cost is missed."""
    import numpy as np

    return np.asarray(design @ coefficients / costs - 1.0)


def interval(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns the ends of the 95 % percentile interval of resampled coefficients, one row a resample."""
    import numpy as np

    low, high = np.percentile(values, [_LOW, _HIGH], axis=0)
    return low, high
