"""A network: a tree of modules with primitive operations at its leaves. Plain records that need no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import prod

from tuner.energy_model.network.work import NOTHING, Work

Argument = int | float | bool | str | None | tuple["Argument", ...]


class Kind(StrEnum):
    """What an operation does, coarsely."""

    LINEAR = "linear"
    MATMUL = "matmul"
    CONVOLUTION = "convolution"
    ATTENTION = "attention"
    NORMALIZATION = "normalization"
    SOFTMAX = "softmax"
    ACTIVATION = "activation"
    ELEMENTWISE = "elementwise"
    REDUCTION = "reduction"
    POOLING = "pooling"
    EMBEDDING = "embedding"
    DATA_MOVEMENT = "data movement"
    VIEW = "view"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Tensor:
    """A tensor that goes into an operation or comes out of it.

    Attributes:
        shape: Its dimensions.
        dtype: The type of its elements, as ``float32``.
        n_bytes: Bytes in memory behind it: what is broadcast counts once.
        storage: Names this memory. A view and what it looks at have the same; of a parameter it is the parameter's
            name, whichever module uses it.
        is_parameter: Whether it is (a view of) a parameter or buffer of the model.
    """

    shape: tuple[int, ...]
    dtype: str
    n_bytes: int
    storage: str = ""
    is_parameter: bool = False

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return prod(self.shape)


@dataclass(frozen=True)
class Operation:
    """One primitive operation, as it runs once in a forward pass.

    Attributes:
        operator: Its name without overload, as ``aten.addmm``.
        kind: What it does.
        path: The module that runs it, as ``encoder.layer.0.output.dense``; empty for the model itself.
        inputs: What it reads, by the argument's name (``weight``, ``tensors[1]``).
        outputs: What it writes. An in-place operation's has the storage of its input.
        arguments: Its other arguments, by name (``stride``, ``groups``, ``is_causal``).
        work: The arithmetic that it does.
        bytes_read: Bytes that it reads from memory when no cache helps; a view reads none.
        bytes_written: Bytes that it writes.
    """

    operator: str
    kind: Kind
    path: str
    inputs: Mapping[str, Tensor]
    outputs: tuple[Tensor, ...]
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    work: Work = NOTHING
    bytes_read: int = 0
    bytes_written: int = 0

    @property
    def flops(self) -> int:
        """Arithmetic operations of every kind; a multiply-accumulate is two."""
        return self.work.flops

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written."""
        return self.bytes_read + self.bytes_written

    @property
    def parameters(self) -> tuple[Tensor, ...]:
        """The inputs that are parameters or buffers."""
        return tuple(tensor for tensor in self.inputs.values() if tensor.is_parameter)

    @property
    def parameter_bytes_read(self) -> int:
        """Bytes of parameters that it reads; of an embedding's table only the rows that are looked up."""
        return min(self.bytes_read, sum(tensor.n_bytes for tensor in self.parameters))

    @property
    def is_launch(self) -> bool:
        """Whether a device has something to do for it: anything but a view."""
        return self.kind is not Kind.VIEW

    @property
    def precision(self) -> str:
        """The type that it computes in: that of its first floating input, or of its output."""
        tensors = (*self.inputs.values(), *self.outputs)
        floating = (tensor.dtype for tensor in tensors if "float" in tensor.dtype)
        return next(floating, tensors[0].dtype if tensors else "")


@dataclass(frozen=True)
class Module:
    """One module of the tree. Totals include everything below.

    Attributes:
        path: Its name in the model; empty for the model itself.
        class_name: Its class.
        children: The modules that it calls, in the order of their first call.
        own_operations: The operations that it runs itself, in order.
        calls: How often it runs in one forward pass; more than once where layers share it.
    """

    path: str
    class_name: str
    children: tuple[Module, ...] = ()
    own_operations: tuple[Operation, ...] = ()
    calls: int = 1

    def modules(self) -> Iterator[Module]:
        """Yields this module and all below, parents first."""
        yield self
        for child in self.children:
            yield from child.modules()

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Its own operations and those of all modules below."""
        below = (operation for child in self.children for operation in child.operations)
        return (*self.own_operations, *below)

    @cached_property
    def work(self) -> Work:
        """The arithmetic of all of them."""
        return sum((operation.work for operation in self.operations), NOTHING)

    @property
    def flops(self) -> int:
        """Arithmetic operations of every kind; a multiply-accumulate is two."""
        return self.work.flops

    @property
    def matrix_flops(self) -> int:
        """Floating-point operations of the multiply-accumulates alone."""
        return self.work.matrix_flops

    @cached_property
    def bytes_moved(self) -> int:
        """Bytes that its operations read and write when no cache helps."""
        return sum(operation.bytes_moved for operation in self.operations)

    @cached_property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters that its operations use, each counted once however often it is used."""
        stored = {tensor.storage: tensor.n_bytes for operation in self.operations for tensor in operation.parameters}
        return sum(stored.values())

    @property
    def launches(self) -> int:
        """How many of its operations give a device something to do."""
        return sum(operation.is_launch for operation in self.operations)


@dataclass(frozen=True)
class Network:
    """A model and the inputs of one batch.

    Attributes:
        name: How the model was named.
        root: The tree.
        operations: All operations in the order in which they run.
        inputs: The tensors that the model is called with.
        parameter_bytes: Bytes of all parameters and buffers as stored: what is shared counts once.
        parameter_count: Numbers in all parameters, buffers left out.
        source: How the operations were found.
        missing: What could not be found out, each in one sentence.
    """

    name: str
    root: Module
    operations: tuple[Operation, ...]
    inputs: tuple[Tensor, ...] = ()
    parameter_bytes: int = 0
    parameter_count: int = 0
    source: str = ""
    missing: tuple[str, ...] = ()

    @property
    def modules(self) -> tuple[Module, ...]:
        """All modules, parents first."""
        return tuple(self.root.modules())

    @property
    def unknown_operators(self) -> dict[str, int]:
        """Operators of which no rule tells the arithmetic, and how often each runs. Their bytes are counted."""
        return dict(Counter(each.operator for each in self.operations if each.kind is Kind.UNKNOWN))
