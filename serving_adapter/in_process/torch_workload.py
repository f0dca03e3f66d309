"""A PyTorch module and its inputs, as a factory makes them."""

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.references import resolve
from serving_adapter.in_process.failures import words_of

Inputs = Union[Tuple[Any, ...], Mapping[str, Any]]
"""Positional or keyword arguments of a module."""


class TorchWorkload(NamedTuple):
    """A module and what it is fed with. A factory may as well return a plain pair.

    Attributes:
        module: A ``torch.nn.Module``; it is put into evaluation mode.
        make_inputs: Returns the inputs of a batch of so many items, on the device of the module. It is called once,
            for the largest batch: every tensor whose first dimension is the number of items is cut for smaller
            ones, anything else is passed as it is.
    """

    module: Any
    make_inputs: Callable[[int], Inputs]


class FactorySource:
    """A module that a factory makes, and the batches that go with it."""

    fixed_batch_size = None

    def __init__(self, torch: Any, definition: WorkloadDefinition, device: Optional[Any]) -> None:
        """Finds the factory; calls it not yet.

        Args:
            torch: The library, imported.
            definition: The workload.
            device: Where module and inputs are moved to; None if they are where they belong.

        Raises:
            AdapterError: The definition names no factory that can be imported.
        """
        self._torch = torch
        self._name = definition.name
        self._device = device
        self._reference = definition.options.get("factory")
        if not isinstance(self._reference, str):
            raise AdapterError(
                f"The workload '{self._name}' names neither a factory nor a model file: "
                'add factory = "module:function", or model = "/path/to/file.pt2".'
            )
        self._factory = resolve(self._reference, role="factory")
        self._make_inputs: Optional[Callable[[int], Inputs]] = None

    def load(self) -> Any:
        """Returns the module, in evaluation mode.

        Raises:
            AdapterError: The factory fails, or returns something else.
        """
        try:
            built = self._factory()
        except Exception as error:
            raise AdapterError(
                f"The factory '{self._reference}' of '{self._name}' failed: {words_of(error)}."
            ) from error
        is_pair = isinstance(built, tuple) and len(built) == 2
        if not (is_pair and isinstance(built[0], self._torch.nn.Module) and callable(built[1])):
            raise AdapterError(
                f"The factory '{self._reference}' of '{self._name}' returned a {type(built).__name__}: "
                "return a pair of a torch.nn.Module and a function that makes the inputs of a batch."
            )
        module, self._make_inputs = built
        return module.eval() if self._device is None else module.eval().to(self._device)

    def batches(self, sizes: Sequence[int]) -> Dict[int, Inputs]:
        """Returns the inputs of a batch of each size: views of those of the largest.

        Raises:
            AdapterError: The factory's function fails, or returns something else.
        """
        assert self._make_inputs is not None, "load() comes first"
        largest = max(sizes)
        try:
            inputs = self._make_inputs(largest)
        except Exception as error:
            raise AdapterError(
                f"The inputs of {largest} items of the workload '{self._name}' cannot be made: {words_of(error)}."
            ) from error
        if not isinstance(inputs, (tuple, Mapping)):
            raise AdapterError(
                f"The inputs of the workload '{self._name}' are a {type(inputs).__name__}: "
                "return a tuple of positional or a dictionary of keyword arguments."
            )
        inputs = mapped(self._moved, inputs)
        return {items: self._cut(inputs, items, largest) for items in sizes}

    def _moved(self, value: Any) -> Any:
        is_elsewhere = self._device is not None and isinstance(value, self._torch.Tensor)
        return value.to(self._device) if is_elsewhere else value

    def _cut(self, inputs: Inputs, items: int, largest: int) -> Inputs:
        def cut(value: Any) -> Any:
            return value[:items] if is_batch(self._torch, value, largest) else value

        return mapped(cut, inputs)


def mapped(function: Callable[[Any], Any], inputs: Inputs) -> Inputs:
    """Returns inputs of the same form, with every value passed through a function."""
    if isinstance(inputs, Mapping):
        return {name: function(value) for name, value in inputs.items()}
    return tuple(function(value) for value in inputs)


def values_of(inputs: Inputs) -> Sequence[Any]:
    """Returns the values of inputs, in order."""
    return tuple(inputs.values()) if isinstance(inputs, Mapping) else inputs


def is_batch(torch: Any, value: Any, items: int) -> bool:
    """Tells whether a value is a tensor whose first dimension counts the items of a batch."""
    return isinstance(value, torch.Tensor) and value.dim() > 0 and value.shape[0] == items


def call(module: Any, inputs: Inputs) -> Any:
    """Calls a module with positional or keyword arguments and returns what it returns."""
    return module(**inputs) if isinstance(inputs, Mapping) else module(*inputs)
