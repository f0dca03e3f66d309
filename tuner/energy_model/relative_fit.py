"""Non-negative least squares of relative errors: the fit under every sum of costs.

Costs span orders of magnitude and no part of a cost is negative: minimised is ``sum(((x . b - y) / scale)^2)`` over
``b >= 0`` (Lawson and Hanson, *Solving Least Squares Problems*, 1974, chapter 23; ``scipy.optimize.nnls``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def relative_fit(design: NDArray[Any], targets: NDArray[Any], scales: NDArray[Any]) -> NDArray[Any]:
    """Returns the coefficients, none negative.

    Args:
        design: One row an observation, one column a coefficient.
        targets: What each row is to explain.
        scales: What an error is relative to, above zero.
    """
    import numpy as np
    from scipy.optimize import nnls

    rows = design / scales[:, None]
    # Columns of one size: what a coefficient is counted in must not decide how well it is found.
    sizes = np.linalg.norm(rows, axis=0)
    sizes[sizes == 0] = 1.0
    coefficients, _ = nnls(rows / sizes, targets / scales)
    return np.asarray(coefficients / sizes)
