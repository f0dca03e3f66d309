"""What each kind of arithmetic and each access to memory costs, in transistor operations (TO).

One TO is a femtojoule in 45 nm CMOS. Anchors are Horowitz, "Computing's energy problem" (ISSCC 2014, figure 1.1.9): a
32-bit floating-point addition takes 0.9 pJ, a multiplication 3.7 pJ, 64 bits from an 8 KiB cache 10 pJ. The other costs
are those of the model family TOML (Syed et al., FLAIRS-39, 2026), most of which its authors call estimates to be
calibrated; so do we. The index ranks networks. Joules come from a fit to a device, which weighs the kinds anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tuner.energy_model.network.work import Work


class Basis(StrEnum):
    """How sure a cost is."""

    MEASURED = "measured in 45 nm"
    ESTIMATE = "estimate"


@dataclass(frozen=True)
class Cost:
    """What one operation costs.

    Attributes:
        to: Transistor operations.
        basis: How sure that is.
        source: Where it comes from.
    """

    to: float
    basis: Basis
    source: str


_HOROWITZ = "Horowitz, ISSCC 2014"
_TOML = "Syed et al., FLAIRS-39"

COSTS: Mapping[str, Cost] = MappingProxyType(
    {
        "multiply_accumulates": Cost(5_000, Basis.MEASURED, f"{_HOROWITZ}: 0.9 + 3.7 pJ, rounded in {_TOML}"),
        "additions": Cost(900, Basis.MEASURED, _HOROWITZ),
        "multiplications": Cost(3_700, Basis.MEASURED, _HOROWITZ),
        "comparisons": Cost(50, Basis.ESTIMATE, _TOML),
        "divisions": Cost(15_000, Basis.ESTIMATE, _TOML),
        "roots": Cost(15_000, Basis.ESTIMATE, _TOML),
        "exponentials": Cost(18_000, Basis.ESTIMATE, _TOML),
        "logarithms": Cost(18_000, Basis.ESTIMATE, "taken for as much as an exponential"),
        "error_functions": Cost(20_000, Basis.ESTIMATE, f"{_TOML}: its GELU"),
        "trigonometrics": Cost(18_000, Basis.ESTIMATE, "taken for as much as an exponential"),
    }
)
"""Of one operation in 32 bits, by the name of its count in :class:`~tuner.energy_model.network.work.Work`."""

_WORD_BYTES = 4
ON_CHIP_TO_PER_BYTE = 5_000 / _WORD_BYTES
"""A 32-bit word of static memory on the chip (Horowitz: half of 10 pJ for 64 bits)."""

OFF_CHIP_TO_PER_BYTE = 240_000 / _WORD_BYTES
"""A 32-bit word of GDDR6 (TOML; HBM2E 192 000, HBM3E 129 600): an estimate."""

_MULTIPLIERS = MappingProxyType(
    {
        "float64": 2.0,
        "float32": 1.0,
        "bfloat16": 0.33,
        "float16": 0.33,
        "float8_e4m3fn": 0.1,
        "float8_e5m2": 0.1,
        "int8": 0.05,
        "uint8": 0.05,
        "int4": 0.025,
    }
)
"""Cost of a multiply-accumulate relative to 32 bits (TOML; of 64 and of 8 floating bits our estimates)."""


def linear_to(work: Work, precision: str) -> float:
    """Returns the transistor operations of the multiply-accumulates, in TO.

    Args:
        work: The arithmetic.
        precision: The type that it is done in, as ``float16``.
    """
    multiplier = _MULTIPLIERS.get(precision, 1.0)
    return work.multiply_accumulates * COSTS["multiply_accumulates"].to * multiplier


def nonlinear_to(work: Work) -> dict[str, float]:
    """Returns the transistor operations of everything else, by kind of work, in TO; what is not done is left out."""
    counts = work.counts()
    del counts["multiply_accumulates"]
    return {name: count * COSTS[name].to for name, count in counts.items() if count}
