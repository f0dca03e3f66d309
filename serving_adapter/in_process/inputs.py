"""What a model file is fed with, as the definition declares it: a file brings no code that could make inputs.

Each input is a table of the option ``inputs``::

    [[options.inputs]]
    name = "input_ids"          # needed where the model tells its inputs apart by name
    shape = ["batch", 128]      # "batch" stands for the number of items
    dtype = "int64"             # default float32; of an ONNX model, what the model says
    fill = "random"             # or a number, which fills the whole tensor
    range = [0, 30521]          # of random values, both ends included

Random values of a floating type are drawn from the standard normal distribution unless a range is given; those of an
integer type are 0 or 1.
"""

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple, Union

from serving_adapter.contract import AdapterError, WorkloadDefinition

BATCH = "batch"

FLOATING = ("float16", "bfloat16", "float32", "float64")
INTEGERS = {
    "bool": (0, 1),
    "uint8": (0, 2**8 - 1),
    "uint16": (0, 2**16 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**63 - 1),  # no generator of random numbers here goes beyond
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}
"""The smallest and the largest value of each type."""

_MOST_INPUTS = 256
_MOST_DIMENSIONS = 16
_LONGEST_DIMENSION = 2**31 - 1
_FIELDS = ("name", "shape", "dtype", "fill", "range")

Shape = Tuple[Union[int, str], ...]


@dataclass(frozen=True)
class Values:
    """What a tensor is filled with.

    Attributes:
        constant: The value of every element; None if they are random.
        bounds: The range of random values; None for the standard normal distribution.
    """

    constant: Optional[float] = None
    bounds: Optional[Tuple[float, float]] = None


@dataclass(frozen=True)
class DeclaredInput:
    """One input.

    Attributes:
        name: Its name; empty if it has none.
        shape: Its dimensions, one of which may be ``"batch"``; None if the definition leaves them to the model.
        dtype: The type of its elements; empty if the definition leaves it to the model.
        fill: ``"random"`` or the value of every element.
        bounds: The range of random values, if one is given.
    """

    name: str = ""
    shape: Optional[Shape] = None
    dtype: str = ""
    fill: Union[str, float] = "random"
    bounds: Optional[Tuple[float, float]] = None


@dataclass(frozen=True)
class Input:
    """One input of which everything is known.

    Attributes:
        name: Its name; empty if it has none.
        shape: Its dimensions.
        dtype: The type of its elements.
        values: What it is filled with.
    """

    name: str
    shape: Shape
    dtype: str
    values: Values

    @property
    def batch_axis(self) -> Optional[int]:
        """Which dimension counts the items; None if none does."""
        return self.shape.index(BATCH) if BATCH in self.shape else None

    def shape_of(self, items: int) -> Tuple[int, ...]:
        """Returns the dimensions for a batch of so many items."""
        return tuple(items if size == BATCH else int(size) for size in self.shape)


def declared_inputs(definition: WorkloadDefinition) -> List[DeclaredInput]:
    """Returns the inputs that a definition declares, in its order; none if it declares none.

    Raises:
        AdapterError: A declaration is not one.
    """
    tables = definition.options.get("inputs", [])
    if not isinstance(tables, list) or len(tables) > _MOST_INPUTS:
        raise AdapterError(
            f"The option 'inputs' of the workload '{definition.name}' is no list of at most {_MOST_INPUTS} tables: "
            'write inputs = [{ shape = ["batch", 3, 224, 224], dtype = "float32" }].'
        )
    inputs = [_Reader(definition.name, number, table).read() for number, table in enumerate(tables, start=1)]
    names = [declared.name for declared in inputs if declared.name]
    if len(set(names)) != len(names):
        raise AdapterError(f"Two inputs of the workload '{definition.name}' have the same name.")
    return inputs


def complete(declared: DeclaredInput, shape: Shape, dtype: str) -> Input:
    """Returns an input whose shape and type are known.

    Args:
        declared: What the definition says about it.
        shape: Its dimensions.
        dtype: The type of its elements.

    Raises:
        AdapterError: Values of this type cannot be what the definition says.
    """
    return Input(declared.name, shape, dtype, _values(declared, dtype))


def fixed_batch_size(inputs: Sequence[Input]) -> Optional[int]:
    """Returns the only number of items that a batch can have; None if it is free.

    It is the first dimension of the first input that has one.
    """
    if any(given.batch_axis is not None for given in inputs):
        return None
    return next((int(given.shape[0]) for given in inputs if given.shape), 1)


def _values(declared: DeclaredInput, dtype: str) -> Values:
    if dtype in FLOATING:
        is_random = isinstance(declared.fill, str)
        return Values(bounds=declared.bounds) if is_random else Values(constant=float(declared.fill))
    smallest, largest = INTEGERS[dtype]
    bounds = declared.bounds or (0, 1)
    wanted = bounds if isinstance(declared.fill, str) else (declared.fill,)
    if not all(float(value).is_integer() and smallest <= value <= largest for value in wanted):
        raise AdapterError(
            f"The input '{declared.name or 'without a name'}' of type {dtype} cannot hold {list(wanted)}: "
            f"give whole numbers from {smallest} to {largest}."
        )
    return Values(bounds=bounds) if isinstance(declared.fill, str) else Values(constant=declared.fill)


class _Reader:
    """Reads the declaration of one input."""

    def __init__(self, workload: str, number: int, table: Any) -> None:
        self._what = f"Input {number} of the workload '{workload}'"
        if not isinstance(table, dict) or not all(field in _FIELDS for field in table):
            raise AdapterError(f"{self._what} is not a table of {', '.join(_FIELDS)}.")
        self._table = table

    def read(self) -> DeclaredInput:
        name = self._table.get("name", "")
        if not isinstance(name, str):
            raise AdapterError(f"{self._what} has a name that is no text.")
        return DeclaredInput(name, self._shape(), self._dtype(), self._fill(), self._bounds())

    def _shape(self) -> Optional[Shape]:
        shape = self._table.get("shape")
        if shape is None:
            return None
        is_shape = isinstance(shape, list) and len(shape) <= _MOST_DIMENSIONS and shape.count(BATCH) <= 1
        if not is_shape or not all(size == BATCH or _is_dimension(size) for size in shape):
            raise AdapterError(
                f"{self._what} has a shape that is none: list its dimensions as whole numbers above zero, "
                'and "batch" once for the number of items, like ["batch", 3, 224, 224].'
            )
        return tuple(shape)

    def _dtype(self) -> str:
        dtype = self._table.get("dtype", "")
        if not isinstance(dtype, str) or dtype not in ("", *FLOATING, *INTEGERS):
            raise AdapterError(f"{self._what} has an unknown type: use {', '.join((*FLOATING, *INTEGERS))}.")
        return dtype

    def _fill(self) -> Union[str, float]:
        fill: Any = self._table.get("fill", "random")
        if fill != "random" and not _is_number(fill):
            raise AdapterError(f'{self._what} is filled with something unknown: use fill = "random" or a number.')
        if fill != "random" and "range" in self._table:
            raise AdapterError(f"{self._what} has a number to be filled with and a range: leave one of them out.")
        return fill if fill == "random" else float(fill) if isinstance(fill, float) else int(fill)

    def _bounds(self) -> Optional[Tuple[float, float]]:
        bounds = self._table.get("range")
        if bounds is None:
            return None
        is_pair = isinstance(bounds, list) and len(bounds) == 2 and all(_is_number(bound) for bound in bounds)
        if not is_pair or bounds[0] > bounds[1]:
            raise AdapterError(f"{self._what} has a range that is none: give the smallest and the largest value.")
        return (bounds[0], bounds[1])


def _is_dimension(size: Any) -> bool:
    return type(size) is int and 0 < size <= _LONGEST_DIMENSION


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
