"""The options of the adapter ``kserve``."""

import math
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Tuple

from serving_adapter import metrics
from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import (
    check_options,
    flag_option,
    number_option,
    text_option,
    whole_number_option,
)
from serving_adapter.kserve.datatypes import DATATYPES, Element

_KNOWN = ("url", "model", "version", "inputs", "batch_dimension", "seed", "timeout_s", *metrics.OPTIONS)
_KNOWN_OF_INPUT = ("shape", "datatype", "fill", "range", "data")
_FILLS = ("random", "zeros", "ones")
_DEFAULT_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class InputOptions:
    """How one input is filled.

    Attributes:
        shape: Shape of one item, where the model leaves dimensions open.
        datatype: The datatype that the input is expected to have.
        fill: ``random``, ``zeros`` or ``ones``.
        lowest: Lower end of random elements.
        highest: Upper end of random elements.
        data: The elements of one item, instead of a fill.
    """

    shape: Optional[Tuple[int, ...]] = None
    datatype: str = ""
    fill: str = "random"
    lowest: float = 0
    highest: float = 1
    data: Optional[Tuple[Element, ...]] = None


@dataclass(frozen=True)
class KserveOptions:
    """What a workload's definition says.

    Attributes:
        url: ``http://host:port``, ``https://host:port`` or ``grpc://host:port``.
        model: The model's name.
        version: Its version; empty for the one that the server chooses.
        inputs: How inputs are filled, by name.
        batch_dimension: Whether an open first dimension is the number of items.
        seed: Seed of random elements.
        timeout_s: Longest wait for an answer in seconds.
    """

    url: str
    model: str
    version: str
    inputs: Mapping[str, InputOptions]
    batch_dimension: bool
    seed: int
    timeout_s: float


def read_options(definition: WorkloadDefinition) -> KserveOptions:
    """Reads the options of a workload.

    Raises:
        AdapterError: One is missing, unknown or wrong.
    """
    check_options(definition, _KNOWN)
    inputs = definition.options.get("inputs", {})
    if not isinstance(inputs, Mapping) or not all(isinstance(options, Mapping) for options in inputs.values()):
        raise AdapterError(
            f"The option 'inputs' of the workload '{definition.name}' is no table: "
            "write one table for each input, [options.inputs.NAME]."
        )
    return KserveOptions(
        url=text_option(definition, "url"),
        model=text_option(definition, "model"),
        version=text_option(definition, "version", default=""),
        inputs={name: _InputReader(definition.name, name, options).read() for name, options in inputs.items()},
        batch_dimension=flag_option(definition, "batch_dimension", default=True),
        seed=whole_number_option(definition, "seed", default=0),
        timeout_s=number_option(definition, "timeout_s", default=_DEFAULT_TIMEOUT_S),
    )


class _InputReader:
    """Reads the options of one input."""

    def __init__(self, workload_name: str, input_name: str, options: Mapping[str, Any]) -> None:
        self._where = f"inputs.{input_name}"
        self._workload_name = workload_name
        self._options = options

    def read(self) -> InputOptions:
        for name in self._options:
            if name not in _KNOWN_OF_INPUT:
                raise self._wrong(name, f"unknown: use {', '.join(_KNOWN_OF_INPUT)}")
        if "data" in self._options and ("fill" in self._options or "range" in self._options):
            raise self._wrong("data", "given beside fill or range: give the elements or say how to fill, not both")
        lowest, highest = self._range()
        return InputOptions(
            shape=self._shape(),
            datatype=self._one_of("datatype", DATATYPES, default=""),
            fill=self._one_of("fill", _FILLS, default="random"),
            lowest=lowest,
            highest=highest,
            data=self._data(),
        )

    def _shape(self) -> Optional[Tuple[int, ...]]:
        shape = self._options.get("shape")
        if shape is None:
            return None
        if not isinstance(shape, (list, tuple)) or any(type(size) is not int or size < 1 for size in shape):
            raise self._wrong("shape", "no list of whole numbers above zero")
        return tuple(shape)

    def _one_of(self, name: str, choices: Tuple[str, ...], default: str) -> str:
        if name not in self._options:
            return default
        value = self._options[name]
        if value not in choices:
            raise self._wrong(name, f"{value!r:.80}: use {', '.join(choices)}")
        return str(value)

    def _range(self) -> Tuple[float, float]:
        ends = self._options.get("range", [0, 1])
        is_pair = isinstance(ends, (list, tuple)) and len(ends) == 2 and all(map(_is_number, ends))
        if not (is_pair and ends[0] <= ends[1]):
            raise self._wrong("range", "no pair of ascending numbers: write [lowest, highest]")
        return ends[0], ends[1]

    def _data(self) -> Optional[Tuple[Element, ...]]:
        if "data" not in self._options:
            return None
        elements = _flatten(self._options["data"])
        if not elements or not all(isinstance(element, str) or _is_element(element) for element in elements):
            raise self._wrong("data", "neither finite numbers nor texts: list the elements of one item")
        return tuple(elements)

    def _wrong(self, name: str, what: str) -> AdapterError:
        return AdapterError(f"The option '{self._where}.{name}' of the workload '{self._workload_name}' is {what}.")


def _is_number(value: Any) -> bool:
    return _is_element(value) and not isinstance(value, bool)


def _is_element(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) and math.isfinite(value)


def _flatten(value: Any) -> List[Any]:
    """Returns the elements of lists in lists, row by row."""
    if not isinstance(value, (list, tuple)):
        return [value]
    return [element for row in value for element in _flatten(row)]
