"""What a model is fed with: shapes from its metadata, elements as the workload's definition asks for them."""

import math
import random
from dataclasses import dataclass
from typing import Iterator, List, Sequence, Tuple

from serving_adapter.contract import AdapterError
from serving_adapter.kserve.datatypes import TEXT, Element, element_bytes, is_float, pack
from serving_adapter.kserve.metadata import OPEN, ModelMetadata, TensorMetadata
from serving_adapter.kserve.options import InputOptions, KserveOptions

_MOST_DISTINCT_ITEMS = 16
"""A batch repeats so many items: more of them would cost memory and change nothing for the server."""

_LARGEST_BATCH_BYTES = 1 << 27
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Input:
    """One input, filled.

    Attributes:
        name: Its name.
        datatype: Its datatype.
        item_shape: Shape of one item, without the batch.
        is_batched: Whether the batch is its first dimension; if not, it is the same for every batch.
        items: Distinct items, packed.
    """

    name: str
    datatype: str
    item_shape: Tuple[int, ...]
    is_batched: bool
    items: Tuple[bytes, ...]

    def shape(self, items: int) -> List[int]:
        """Returns the shape in a batch of so many items."""
        return [items, *self.item_shape] if self.is_batched else list(self.item_shape)


def repeated(pieces: Sequence[bytes], tensor: Input, items: int) -> Iterator[bytes]:
    """Yields the pieces that make up a batch.

    Args:
        pieces: One for each distinct item of the input.
        tensor: The input.
        items: Items of the batch.
    """
    return (pieces[item % len(pieces)] for item in range(items if tensor.is_batched else 1))


def declared(model: ModelMetadata, options: KserveOptions) -> ModelMetadata:
    """Returns a model's metadata as the definition wants them read.

    Where the server does not name its inputs, the definition has to; where the definition says that an open first
    dimension is no batch, it is a dimension like any other.

    Raises:
        AdapterError: The definition does not fit the model.
    """
    if model.name != options.model:
        raise AdapterError(f"The server was asked about the model '{options.model}' and told of '{model.name:.80}'.")
    if not model.inputs:
        return ModelMetadata(model.name, tuple(_declare(model.name, options)), model.outputs)
    names = [tensor.name for tensor in model.inputs]
    for name in options.inputs:
        if name not in names:
            raise AdapterError(f"The model '{model.name}' has no input '{name:.80}': use {', '.join(names)}.")
    for tensor in model.inputs:
        expected = options.inputs.get(tensor.name, InputOptions()).datatype
        if expected not in ("", tensor.datatype):
            raise AdapterError(
                f"The input '{tensor.name}' of the model '{model.name}' is {tensor.datatype}, and the definition "
                f"says {expected}: correct it, or leave it out."
            )
    return model


def _declare(model_name: str, options: KserveOptions) -> Iterator[TensorMetadata]:
    if not options.inputs:
        raise AdapterError(
            f"The server does not say which inputs the model '{model_name}' has: add a table for each, "
            "[options.inputs.NAME] with shape (of one item) and datatype."
        )
    for name, tensor in options.inputs.items():
        if tensor.shape is None or not tensor.datatype:
            raise AdapterError(
                f"The server does not say what the input '{name}' of the model '{model_name}' is: "
                "add its shape (of one item) and its datatype."
            )
        batch = (OPEN,) if options.batch_dimension else ()
        yield TensorMetadata(name, tensor.datatype, (*batch, *tensor.shape))


def fill(model: ModelMetadata, options: KserveOptions, largest_batch: int) -> Tuple[Input, ...]:
    """Returns the inputs of a model, filled.

    Args:
        model: The model.
        options: How its inputs are filled.
        largest_batch: The most items that a batch will have.

    Raises:
        AdapterError: A shape is missing or too large, or elements do not fit.
    """
    generator = random.Random(options.seed)  # noqa: S311 - reproducible inputs, not a secret
    return tuple(
        _Filler(model.name, tensor, options.inputs.get(tensor.name, InputOptions()), generator).fill(
            is_batched=options.batch_dimension and tensor.leads_open, largest_batch=largest_batch
        )
        for tensor in model.inputs
    )


class _Filler:
    """Fills one input."""

    def __init__(
        self, model_name: str, tensor: TensorMetadata, options: InputOptions, generator: random.Random
    ) -> None:
        self._what = f"The input '{tensor.name}' of the model '{model_name}'"
        self._tensor = tensor
        self._options = options
        self._generator = generator

    def fill(self, is_batched: bool, largest_batch: int) -> Input:
        shape = self._item_shape(self._tensor.shape[1:] if is_batched else self._tensor.shape)
        elements = math.prod(shape)
        if elements < 1:
            raise AdapterError(f"{self._what} has items without elements ({list(shape)}), which cannot be sent.")
        batch_bytes = elements * element_bytes(self._tensor.datatype) * largest_batch
        if batch_bytes > _LARGEST_BATCH_BYTES:
            raise AdapterError(
                f"{self._what} takes {batch_bytes} bytes a batch of {largest_batch}, which is more than "
                f"{_LARGEST_BATCH_BYTES}: use smaller batches or shapes."
            )
        is_random = self._options.data is None and self._options.fill == "random"
        distinct = min(largest_batch, _MOST_DISTINCT_ITEMS) if is_batched and is_random else 1
        items = tuple(self._item(elements) for _ in range(distinct))
        return Input(self._tensor.name, self._tensor.datatype, shape, is_batched, items)

    def _item_shape(self, sizes: Tuple[int, ...]) -> Tuple[int, ...]:
        shape = self._options.shape
        if shape is None:
            if OPEN in sizes:
                raise AdapterError(
                    f"{self._what} leaves dimensions of an item open ({list(sizes)}): add the shape of one item, "
                    f"[options.inputs.{self._tensor.name}] with shape = […]."
                )
            return sizes
        if len(shape) != len(sizes) or any(own not in (OPEN, given) for own, given in zip(sizes, shape)):
            raise AdapterError(
                f"{self._what} has items of the shape {list(sizes)}, and the definition says {list(shape)}: "
                "give every size of one item, without the batch."
            )
        return shape

    def _item(self, elements: int) -> bytes:
        try:
            if self._options.data is not None:
                return pack(self._tensor.datatype, self._given(elements))
            if self._tensor.datatype == TEXT:
                raise AdapterError(f'{self._what} takes texts: add data = ["…"], the texts of one item.')
            return b"".join(
                pack(self._tensor.datatype, self._generated(min(_CHUNK, elements - done)))
                for done in range(0, elements, _CHUNK)
            )
        except ValueError as error:
            raise AdapterError(f"{self._what} cannot be filled: {error}.") from error

    def _given(self, elements: int) -> Sequence[Element]:
        data = self._options.data or ()
        if len(data) != elements:
            raise AdapterError(f"{self._what} has {elements} elements an item, and its data {len(data)}.")
        return data

    def _generated(self, elements: int) -> Sequence[Element]:
        if self._options.fill != "random":
            return [1 if self._options.fill == "ones" else 0] * elements
        lowest, highest = self._options.lowest, self._options.highest
        draw = self._generator.random
        if is_float(self._tensor.datatype):
            width = highest - lowest
            return [lowest + width * draw() for _ in range(elements)]
        first, choices = math.ceil(lowest), math.floor(highest) - math.ceil(lowest) + 1
        if choices < 1:
            raise ValueError("its range holds no whole number")
        return [first + int(choices * draw()) for _ in range(elements)]
