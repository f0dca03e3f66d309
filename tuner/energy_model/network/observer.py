"""From a call of PyTorch, with its real or imagined tensors, to an operation's record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from tuner.energy_model.network.call import Call
from tuner.energy_model.network.description import described
from tuner.energy_model.network.operators import IGNORED, meaning_of
from tuner.energy_model.network.records import Argument, Kind, Operation, Tensor

_MAY_BE_A_VIEW = frozenset({Kind.DATA_MOVEMENT, Kind.VIEW, Kind.UNKNOWN})


class Observer:
    """Turns calls into records, and knows which memory is whose."""

    def __init__(self) -> None:
        """Knows no memory yet."""
        self._names: dict[int, str] = {}
        self._parameters: set[str] = set()
        self._calls = 0

    def name_parameter(self, name: str, tensor: torch.Tensor) -> None:
        """Says that a tensor is a parameter or buffer; what shares its memory keeps the first name."""
        self._parameters.add(self._names.setdefault(storage_id(tensor), name))

    def name_input(self, name: str, tensor: torch.Tensor) -> Tensor:
        """Says that a tensor is an input of the model, and returns its record."""
        self._names.setdefault(storage_id(tensor), name)
        return self._record(tensor)

    def observe(self, target: Any, path: str, given: Mapping[str, Any], returned: Any) -> Operation | None:
        """Returns the record of one call; None if it touches no data.

        Args:
            target: The operator, an ``OpOverload``.
            path: The module that calls it.
            given: Its arguments by name, tensors being tensors.
            returned: What it returns.
        """
        namespace, name, overload = name_parts(target)
        inputs = dict(_tensors(given))
        outputs = [tensor for _, tensor in _tensors({"": returned})]
        if name in IGNORED or not outputs:
            return None
        kind, _ = meaning_of(name, overload)
        if kind in _MAY_BE_A_VIEW and self._is_view(target, name, given, inputs, outputs):
            kind = Kind.VIEW
        self._name_outputs(name, inputs, outputs)
        call = Call(
            inputs={key: self._record(tensor) for key, tensor in inputs.items()},
            outputs=tuple(self._record(tensor) for tensor in outputs),
            arguments={key: _plain(value) for key, value in given.items() if not _holds_tensor(value)},
        )
        return described(f"{namespace}.{name}", overload, call, path, kind)

    def _is_view(
        self,
        target: Any,
        name: str,
        given: Mapping[str, Any],
        inputs: Mapping[str, torch.Tensor],
        outputs: Sequence[torch.Tensor],
    ) -> bool:
        """Tells whether nothing moves: the outputs lie in the memory of an input, which is not written to."""
        if "dropout" in name and not given.get("train", given.get("training", False)):
            self._names[storage_id(outputs[0])] = self._name(next(iter(inputs.values())))
            return True
        is_writing = any(
            argument.alias_info is not None and argument.alias_info.is_write for argument in _schema(target)
        )
        storages = {storage_id(tensor) for tensor in inputs.values()}
        return not is_writing and all(storage_id(output) in storages for output in outputs)

    def _name_outputs(self, name: str, inputs: Mapping[str, torch.Tensor], outputs: Sequence[torch.Tensor]) -> None:
        """Names memory that is new. A real run uses freed memory again: what no input lies in is new."""
        known = {self._name(tensor) for tensor in inputs.values()}
        self._calls += 1
        for number, output in enumerate(outputs):
            storage = storage_id(output)
            if self._names.get(storage) not in known:
                self._names[storage] = f"{name}#{self._calls}" + (f".{number}" if number else "")

    def _name(self, tensor: torch.Tensor) -> str:
        storage = storage_id(tensor)
        return self._names.setdefault(storage, f"constant#{len(self._names)}")

    def _record(self, tensor: torch.Tensor) -> Tensor:
        name = self._name(tensor)
        return Tensor(
            shape=tuple(int(size) for size in tensor.shape),
            dtype=str(tensor.dtype).removeprefix("torch."),
            n_bytes=_bytes_behind(tensor),
            storage=name,
            is_parameter=name in self._parameters,
        )


def named_arguments(target: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a call of an operator by the names that its schema gives them."""
    names = (argument.name for argument in _schema(target))
    return {**dict(zip(names, positional, strict=False)), **named}


def name_parts(target: Any) -> tuple[str, str, str]:
    """Returns namespace, name and overload of an operator: of ``aten::add_.Tensor`` ``aten``, ``add_``, ``Tensor``."""
    namespace, _, rest = target.name().partition("::")
    name, _, overload = rest.partition(".")
    return namespace, name, overload


def storage_id(tensor: torch.Tensor) -> int:
    """Returns a number that tensors have in common which lie in the same memory, as long as it is theirs."""
    return int(StorageWeakRef(tensor.untyped_storage()).cdata)


def _schema(target: Any) -> Sequence[Any]:
    return tuple(target._schema.arguments)  # noqa: SLF001 - nothing public tells the names of arguments


def _tensors(values: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in values.items():
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, list | tuple):
            yield from _tensors({f"{name}[{index}]": element for index, element in enumerate(value)})


def _holds_tensor(value: Any) -> bool:
    return any(True for _ in _tensors({"": value}))


def _plain(value: Any) -> Argument:
    if isinstance(value, list | tuple):
        return tuple(_plain(element) for element in value)
    return value if isinstance(value, int | float | bool | str | None) else str(value)


def _bytes_behind(tensor: torch.Tensor) -> int:
    sides = (int(size) for size, step in zip(tensor.shape, tensor.stride(), strict=True) if step != 0 or size == 0)
    return prod(sides) * int(tensor.element_size())
