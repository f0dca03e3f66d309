"""One call of an operator: what the rules of arithmetic and of memory look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tuner.energy_model.network.records import Argument, Tensor
from tuner.energy_model.network.work import Work


@dataclass(frozen=True)
class Call:
    """A call.

    Attributes:
        inputs: Tensors by the argument's name.
        outputs: What it returns.
        arguments: Everything else, by the argument's name.
    """

    inputs: Mapping[str, Tensor]
    outputs: tuple[Tensor, ...]
    arguments: Mapping[str, Argument]

    @property
    def first(self) -> Tensor:
        """The first tensor that goes in."""
        return next(iter(self.inputs.values()))

    @property
    def output(self) -> Tensor:
        """The first tensor that comes out."""
        return self.outputs[0]

    @property
    def elements(self) -> int:
        """Elements of the output."""
        return self.output.elements

    def number(self, name: str, default: float) -> float:
        """Returns an argument that is a number."""
        value = self.arguments.get(name)
        return value if isinstance(value, int | float) else default

    def numbers(self, name: str) -> tuple[int, ...]:
        """Returns an argument that is a number or a list of them."""
        value = self.arguments.get(name)
        numbers = value if isinstance(value, tuple) else (value,)
        return tuple(int(number) for number in numbers if isinstance(number, int | float))


Rule = Callable[[Call], Work]
"""Tells the arithmetic of a call."""
