"""Non-negative least squares of relative errors, and intervals by resampling.

Costs span orders of magnitude and no part of a cost is negative: minimised is ``sum((x . b / y - 1)^2)`` over
``b >= 0`` (Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23; scipy.optimize.nnls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOW, _HIGH = 2.5, 97.5


def relative_fit(design: NDArray[Any], costs: NDArray[Any]) -> NDArray[Any]:
    """Returns the coefficients, none negative.

    Args:
        design: One row an observation, one column a coefficient.
        costs: What each row cost, above zero.
    """
    import numpy as np
    from scipy.optimize import nnls

    rows = design / costs[:, None]
    scales = np.linalg.norm(rows, axis=0)
    scales[scales == 0] = 1.0
    coefficients, _ = nnls(rows / scales, np.ones(len(costs)))
    return np.asarray(coefficients / scales)


def relative_errors(design: NDArray[Any], costs: NDArray[Any], coefficients: NDArray[Any]) -> NDArray[Any]:
    """Returns by how much of it each cost is missed."""
    import numpy as np

    return np.asarray(design @ coefficients / costs - 1.0)


def interval(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns the ends of the 95 % percentile interval of resampled coefficients, one row a resample."""
    import numpy as np

    low, high = np.percentile(values, [_LOW, _HIGH], axis=0)
    return low, high
