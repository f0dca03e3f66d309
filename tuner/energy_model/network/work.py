"""Arithmetic by kind, as transistors see it: a division is not an addition.

The words are those of the transistor operations of Li, Tsourdos and Guo, "Transistor Operations" (IEEE Transactions on
Artificial Intelligence 5(1), 2024), who count the tasks of the arithmetic unit behind each layer, linear or not. The
counts themselves are ours: a function is counted as the textbook computes it, once per element.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Work:
    """How many arithmetic operations of each kind.

    Attributes:
        multiply_accumulates: Products added to a sum, as matrix units do: two floating-point operations each.
        additions: Sums and differences.
        multiplications: Products.
        comparisons: Comparisons, selections, changes of sign and logical operations.
        divisions: Quotients and reciprocals.
        roots: Square roots.
        exponentials: Powers of e (or of another constant).
        logarithms: Logarithms.
        error_functions: Values of the error function.
        trigonometrics: Sines and cosines.
    """

    multiply_accumulates: int = 0
    additions: int = 0
    multiplications: int = 0
    comparisons: int = 0
    divisions: int = 0
    roots: int = 0
    exponentials: int = 0
    logarithms: int = 0
    error_functions: int = 0
    trigonometrics: int = 0

    @property
    def matrix_flops(self) -> int:
        """Floating-point operations of the multiply-accumulates alone: what is usually called a model's FLOPs."""
        return 2 * self.multiply_accumulates

    @property
    def flops(self) -> int:
        """Operations of every kind, a multiply-accumulate being two and any other one."""
        return self.multiply_accumulates + sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """Returns the counts by kind."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __add__(self, other: Work) -> Work:
        return Work(*(mine + theirs for mine, theirs in zip(self._values(), other._values(), strict=True)))

    def __mul__(self, times: int) -> Work:
        return Work(*(mine * times for mine in self._values()))

    def _values(self) -> tuple[int, ...]:
        return tuple(self.counts().values())


NOTHING = Work()
