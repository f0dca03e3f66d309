"""A network at any batch size, from its records at two.

Every size and every count of a network is taken to grow by the same amount with each item of the batch: true of
networks that treat items alike and keep them apart. Two records tell both numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuner.energy_model.network.records import Kind, Network, Operation, Tensor
from tuner.energy_model.working_set.touches import Step, Touch
from tuner.errors import BadInputError


@dataclass(frozen=True)
class Growing:
    """A number that grows with the batch: ``fixed + per_item * batch``, and never beyond ``most``.

    Attributes:
        fixed: The part that every batch has.
        per_item: What each item adds.
        most: What it does not grow beyond, as the rows read of a table.
    """

    fixed: float
    per_item: float
    most: float = float("inf")

    def at(self, batch: int) -> int:
        """Returns the number at a batch size."""
        return round(min(self.fixed + self.per_item * batch, self.most))


@dataclass(frozen=True)
class _GrowingTouch:
    storage: str
    n_bytes: Growing
    is_replicated: bool
    is_lasting: bool

    def at(self, batch: int) -> Touch:
        return Touch(self.storage, self.n_bytes.at(batch), self.is_replicated, self.is_lasting)


@dataclass(frozen=True)
class GrowingOperation:
    """One operation at any batch size.

    Attributes:
        operator: Its name.
        path: The module that runs it.
        reads: What it reads.
        writes: What it writes.
        flops: Its arithmetic.
    """

    operator: str
    path: str
    reads: tuple[_GrowingTouch, ...]
    writes: tuple[_GrowingTouch, ...]
    flops: Growing

    def step(self, batch: int) -> Step:
        """Returns what it touches."""
        return tuple(touch.at(batch) for touch in (*self.reads, *self.writes))


@dataclass(frozen=True)
class BatchedNetwork:
    """A network at any batch size.

    Attributes:
        name: The network's name.
        operations: What gives a device something to do, in the order in which it runs; views do not.
        inputs: Storages of what the network is called with.
    """

    name: str
    operations: tuple[GrowingOperation, ...]
    inputs: frozenset[str]

    def steps(self, batch: int) -> tuple[Step, ...]:
        """Returns what a forward pass touches, operation by operation."""
        return tuple(operation.step(batch) for operation in self.operations)

    def flops(self, batch: int) -> int:
        """Returns the arithmetic of a forward pass."""
        return sum(operation.flops.at(batch) for operation in self.operations)


def batched(records: Mapping[int, Network]) -> BatchedNetwork:
    """Returns a network at any batch size.

    Args:
        records: The network at two batch sizes.

    Raises:
        BadInputError: It runs other operations at another batch size, or shrinks as the batch grows.
    """
    (small_batch, small), (large_batch, large) = sorted(records.items())
    launches = [[each for each in network.operations if each.is_launch] for network in (small, large)]
    if [each.operator for each in launches[0]] != [each.operator for each in launches[1]]:
        raise BadInputError(
            f"'{small.name}' runs other operations at batch size {large_batch} than at {small_batch}: its working sets "
            "cannot be told for other batch sizes."
        )
    grow = _Growth(small.name, small_batch, large_batch)
    return BatchedNetwork(
        name=small.name,
        operations=tuple(grow.operation(*pair) for pair in zip(*launches, strict=True)),
        inputs=frozenset(tensor.storage for tensor in small.inputs),
    )


class _Growth:
    """Compares a network at two batch sizes."""

    def __init__(self, name: str, small: int, large: int) -> None:
        self._name = name
        self._small = small
        self._large = large

    def operation(self, small: Operation, large: Operation) -> GrowingOperation:
        inputs = zip(small.inputs.values(), large.inputs.values(), strict=True)
        outputs = zip(small.outputs, large.outputs, strict=True)
        return GrowingOperation(
            operator=small.operator,
            path=small.path,
            reads=tuple(
                self._touch(first, _bytes_read(small, first), _bytes_read(large, second)) for first, second in inputs
            ),
            writes=tuple(self._touch(first, first.n_bytes, second.n_bytes) for first, second in outputs),
            flops=self._growing(small.flops, large.flops),
        )

    def _touch(self, tensor: Tensor, small_bytes: int, large_bytes: int) -> _GrowingTouch:
        most = tensor.n_bytes if tensor.is_parameter else float("inf")
        size = self._growing(small_bytes, large_bytes, most)
        return _GrowingTouch(tensor.storage, size, is_replicated=tensor.is_parameter, is_lasting=tensor.is_parameter)

    def _growing(self, small: int, large: int, most: float = float("inf")) -> Growing:
        if large < small:
            raise BadInputError(
                f"Something in '{self._name}' is smaller at batch size {self._large} than at {self._small}: its "
                "working sets cannot be told for other batch sizes."
            )
        per_item = (large - small) / (self._large - self._small)
        return Growing(small - per_item * self._small, per_item, most)


def _bytes_read(operation: Operation, tensor: Tensor) -> int:
    """Returns how much of an input is read: of a table, the rows that are looked up."""
    if not (tensor.is_parameter and operation.kind is Kind.EMBEDDING):
        return tensor.n_bytes
    others = sum(each.n_bytes for each in operation.inputs.values() if each is not tensor)
    return min(tensor.n_bytes, operation.bytes_read - others)
