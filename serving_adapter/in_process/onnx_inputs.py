"""What an ONNX model is fed with: shapes and types from the model, the rest from the definition."""

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple, Union

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.in_process.failures import words_of
from serving_adapter.in_process.inputs import (
    BATCH,
    FLOATING,
    DeclaredInput,
    Input,
    Shape,
    complete,
    declared_inputs,
)

TYPES: Mapping[str, str] = {
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""Our names of the types that ONNX Runtime names and numpy has."""

Feeds = Dict[str, Any]
"""An array for each input, by name."""


def model_inputs(definition: WorkloadDefinition, arguments: Sequence[Any]) -> List[Input]:
    """Returns the inputs of a model.

    The first dimension counts the items if the model leaves it open, and so does every other dimension that bears the
    same name.

    Args:
        definition: The workload.
        arguments: What a session says about its inputs: ``name``, ``shape`` and ``type`` of each.

    Raises:
        AdapterError: The definition does not fit the model, or leaves a dimension open.
    """
    declared = {each.name: each for each in declared_inputs(definition)}
    names = [argument.name for argument in arguments]
    for name in declared:
        if name not in names:
            raise AdapterError(
                f"The model of the workload '{definition.name}' has no input '{name}': "
                f"declare only {', '.join(names)}, by name."
            )
    batch = {argument.shape[0] for argument in arguments if argument.shape and isinstance(argument.shape[0], str)}
    return [
        _complete(argument, declared.get(argument.name, DeclaredInput(argument.name)), batch) for argument in arguments
    ]


def feeds(numpy: Any, inputs: Sequence[Input], sizes: Sequence[int], seed: int, workload: str) -> Dict[int, Feeds]:
    """Returns the inputs of a batch of each size: views of those of the largest, where they can be.

    Args:
        numpy: The library, imported.
        inputs: The model's inputs.
        sizes: Items of each batch.
        seed: Seed of random values.
        workload: The workload's name.

    Raises:
        AdapterError: They cannot be made.
    """
    generator = numpy.random.default_rng(seed)
    largest = max(sizes)
    try:
        arrays = [_array(numpy, generator, given, largest) for given in inputs]
        return {
            items: {given.name: _cut(numpy, given, array, items) for given, array in zip(inputs, arrays)}
            for items in sizes
        }
    except Exception as error:
        raise AdapterError(
            f"The inputs of {largest} items of the workload '{workload}' cannot be made: {words_of(error)}."
        ) from error


def _complete(argument: Any, declared: DeclaredInput, batch: Set[str]) -> Input:
    dtype = TYPES.get(argument.type)
    if dtype is None:
        raise AdapterError(f"The model's input '{argument.name}' is a {argument.type}, which cannot be made up here.")
    if declared.dtype not in ("", dtype):
        raise AdapterError(
            f"The model's input '{argument.name}' is of type {dtype}, not {declared.dtype}: leave dtype out."
        )
    dimensions = tuple(
        BATCH if (axis == 0 and not isinstance(size, int)) or size in batch else size
        for axis, size in enumerate(argument.shape)
    )
    shape = dimensions if declared.shape is None else _fitting(argument, dimensions, declared.shape)
    known = tuple(size for size in shape if isinstance(size, int) or size == BATCH)
    if len(known) < len(shape):
        advice = ", ".join(f'"{BATCH}"' if size == BATCH else str(size) for size in shape)
        raise AdapterError(
            f"The model's input '{argument.name}' leaves dimensions open ({_shown(argument.shape)}): add "
            f'inputs = [{{ name = "{argument.name}", shape = [{advice}] }}] with a number for each.'
        )
    return complete(declared, known, dtype)


def _fitting(argument: Any, dimensions: Tuple[Union[int, str, None], ...], declared: Shape) -> Shape:
    """Returns the shape that the definition declares, if the model takes it."""
    fits = len(declared) == len(dimensions) and all(
        size == own or not isinstance(own, int) for size, own in zip(declared, dimensions)
    )
    if not fits:
        raise AdapterError(
            f"The model's input '{argument.name}' has the dimensions ({_shown(argument.shape)}), "
            f"which the shape ({_shown(declared)}) of the definition does not fit."
        )
    return declared


def _shown(shape: Sequence[Any]) -> str:
    return ", ".join("?" if size is None else str(size) for size in shape)


def _array(numpy: Any, generator: Any, given: Input, items: int) -> Any:
    shape, values = given.shape_of(items), given.values
    if values.constant is not None:
        return numpy.full(shape, values.constant, dtype=given.dtype)
    if values.bounds is None:
        return generator.standard_normal(shape, dtype="float32").astype(given.dtype)
    low, high = values.bounds
    if given.dtype in FLOATING:
        return generator.uniform(low, high, shape).astype(given.dtype)
    return generator.integers(int(low), int(high), shape, dtype="int64", endpoint=True).astype(given.dtype)


def _cut(numpy: Any, given: Input, array: Any, items: int) -> Any:
    cut = array[tuple(slice(items) if size == BATCH else slice(None) for size in given.shape)]
    return numpy.ascontiguousarray(cut) if given.shape else array
