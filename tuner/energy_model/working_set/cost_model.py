"""What a batch costs, in joules or in seconds, as a sum of parts that are what they are called.

::

    cost = e_0 + e_launch * launches + e_flop * flops + sum over levels k of e_k * bytes served by k

The form is our reconstruction of the energy model of Tripp et al. (arXiv 2403.08151), whose regression is not
published; every coefficient is at least zero, so that each is the price of something. They hold for the device, the
configuration and the software that they were fitted on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.energy_model.relative_fit import relative_fit
from tuner.energy_model.working_set.load import Load
from tuner.energy_model.working_set.resampling import interval, relative_errors
from tuner.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESAMPLES = 200

Form = Callable[[Load], tuple[float, ...]]
"""What a cost is a sum of, for one load."""


@dataclass(frozen=True)
class Coefficient:
    """What one unit of something costs.

    Attributes:
        name: Of what: ``batch``, ``launch``, ``flop``, ``L2 byte``.
        value: Joules or seconds each.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CostModel:
    """Prices of one device.

    Attributes:
        coefficients: One for each part of the sum, in order.
    """

    coefficients: tuple[Coefficient, ...]

    def parts(self, load: Load) -> dict[str, float]:
        """Returns what each part of a load costs."""
        amounts = full_form(load)
        return {each.name: each.value * amount for each, amount in zip(self.coefficients, amounts, strict=True)}

    def cost(self, load: Load) -> float:
        """Returns what a load costs."""
        return sum(self.parts(load).values())


@dataclass(frozen=True)
class Accuracy:
    """How well costs of groups are predicted that the fit has not seen.

    Attributes:
        mean_error: Mean of the relative errors' sizes.
        median_error: Their median.
        bias: Mean relative error, with its sign.
    """

    mean_error: float
    median_error: float
    bias: float


def full_form(load: Load) -> tuple[float, ...]:
    """The sum above."""
    return (1.0, float(load.launches), float(load.flops), *load.served_bytes)


def flops_form(load: Load) -> tuple[float, ...]:
    """The trivial one: arithmetic alone."""
    return (float(load.flops),)


def flops_and_launches_form(load: Load) -> tuple[float, ...]:
    """Arithmetic, and what each batch and each operation cost, however large."""
    return (1.0, float(load.launches), float(load.flops))


def levelless_form(load: Load) -> tuple[float, ...]:
    """The sum above for one who knows no caches: a byte is a byte."""
    return (1.0, float(load.launches), float(load.flops), sum(load.served_bytes))


def fit_costs(loads: Sequence[Load], costs: Sequence[float], levels: Sequence[str], seed: int = 0) -> CostModel:
    """Returns the prices that explain costs best, relative to each.

    Args:
        loads: What was asked of the device.
        costs: What it cost, above zero.
        levels: Names of the levels of memory.
        seed: Of the resampling.

    Raises:
        BadInputError: There are fewer observations than coefficients, or a cost is not above zero.
    """
    import numpy as np

    design, paid = _design(loads, costs, full_form)
    if len(paid) < design.shape[1]:
        raise BadInputError(f"{len(paid)} measurements cannot tell {design.shape[1]} coefficients: measure more.")
    values = relative_fit(design, paid, paid)
    generator = np.random.default_rng(seed)
    draws = [generator.integers(len(paid), size=len(paid)) for _ in range(_RESAMPLES)]
    low, high = interval(np.array([relative_fit(design[draw], paid[draw], paid[draw]) for draw in draws]))
    names = ("batch", "launch", "flop", *(f"{level} byte" for level in levels))
    ends = zip(names, values, low, high, strict=True)
    return CostModel(tuple(Coefficient(name, *map(float, numbers)) for name, *numbers in ends))


def cross_validated(
    loads: Sequence[Load], costs: Sequence[float], groups: Sequence[object], form: Form = full_form
) -> Accuracy:
    """Returns how well a form predicts each group of observations from all others.

    Raises:
        BadInputError: There is only one group, or a cost is not above zero.
    """
    import numpy as np

    design, paid = _design(loads, costs, form)
    if len(set(groups)) < 2:
        raise BadInputError("One group of measurements cannot be predicted from others: there are none.")
    errors = np.empty(len(paid))
    for group in set(groups):
        held_out = np.array([each == group for each in groups])
        coefficients = relative_fit(design[~held_out], paid[~held_out], paid[~held_out])
        errors[held_out] = relative_errors(design[held_out], paid[held_out], coefficients)
    sizes = np.abs(errors)
    return Accuracy(float(sizes.mean()), float(np.median(sizes)), float(errors.mean()))


def _design(loads: Sequence[Load], costs: Sequence[float], form: Form) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    if not costs or not all(np.isfinite(costs)) or min(costs) <= 0:
        raise BadInputError("Costs must be there, finite and above zero.")
    return np.array([form(load) for load in loads], dtype=float), np.array(costs, dtype=float)
