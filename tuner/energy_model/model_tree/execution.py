"""Nodes of a tree as something that runs again and again: operations alone, modules with the inputs they had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch

from tuner.energy_model.model_tree.network_tree import NetworkTree
from tuner.energy_model.network.records import Operation, Tensor

Execute = Callable[[], object]

_ELEMENT = re.compile(r"(\w+)\[(\d+)\]")
_FROM_A_TABLE = "embedding"
_PLAIN = (type(None), bool, int, float, str, torch.Tensor, torch.dtype, torch.device)


class Executions:
    """Runs the nodes of one model's tree."""

    def __init__(self, module: Any, inputs: tuple[Any, ...] | Mapping[str, Any], tree: NetworkTree) -> None:
        """Runs the model once, to see what its modules are called with.

        Args:
            module: The model, in evaluation mode.
            inputs: Its positional or keyword arguments for one batch.
            tree: Its tree.
        """
        self._module = module
        self._tree = tree
        self._device = next((tensor.device for tensor in module.parameters()), torch.device("cpu"))
        self._calls = _seen_calls(module, inputs)

    def of(self, structure: str) -> Execute | None:
        """Returns what runs a node once; None of one that cannot run by itself.

        An operation cannot where its arguments are not known completely. A module cannot if it is handed something
        beside tensors and plain values, such as a cache that grows with every call.
        """
        if structure in self._tree.operations:
            return self._checked(_operation(self._tree.operations[structure], self._device))
        path = self._tree.module_paths.get(structure)
        if path not in self._calls:
            return None
        module = self._module.get_submodule(path)
        positional, named = self._calls[path]
        return self._checked(lambda: module(*positional, **named))

    def _checked(self, execute: Execute) -> Execute | None:
        """Runs it once: what raises cannot be measured."""
        complete = self._synchronized(execute)
        try:
            complete()
        except Exception:  # noqa: BLE001 - a foreign operator or module raises whatever it likes
            return None
        return complete

    def _synchronized(self, execute: Execute) -> Execute:
        def complete() -> None:
            with torch.inference_mode():
                execute()
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)

        return complete


def _seen_calls(
    module: Any, inputs: tuple[Any, ...] | Mapping[str, Any]
) -> dict[str, tuple[tuple[Any, ...], dict[str, Any]]]:
    """What each module is called with first, of those that are called with tensors and plain values only."""
    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    with _hooks(module, calls), torch.inference_mode():
        module(**inputs) if isinstance(inputs, Mapping) else module(*inputs)
    return {path: call for path, call in calls.items() if _is_plain(call[0]) and _is_plain(tuple(call[1].values()))}


@contextmanager
def _hooks(module: Any, calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]]) -> Iterator[None]:
    def hook_of(path: str) -> Callable[..., None]:
        def hook(_: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
            calls.setdefault(path, (positional, named))

        return hook

    handles = [each.register_forward_pre_hook(hook_of(path), with_kwargs=True) for path, each in module.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_plain(values: object) -> bool:
    if isinstance(values, tuple | list):
        return all(map(_is_plain, values))
    return isinstance(values, _PLAIN)


def _operation(operation: Operation, device: torch.device) -> Execute:
    """An operation on tensors of the same shapes, types and ranges."""
    arguments = {key: _typed(value) for key, value in operation.arguments.items()}
    for key, tensor in operation.inputs.items():
        made = _tensor(operation, tensor, device)
        element = _ELEMENT.fullmatch(key)
        if element is None:
            arguments[key] = made
        else:
            arguments.setdefault(element[1], []).append(made)
    overload = _overload(operation.operator, arguments)
    return lambda: overload(**arguments)


def _overload(operator: str, arguments: Mapping[str, Any]) -> Callable[..., object]:
    """The overload that takes these arguments: found once, since finding it takes longer than a small operation."""
    namespace, _, name = operator.partition(".")
    packet = getattr(getattr(torch.ops, namespace), name)
    for overload in (getattr(packet, each) for each in packet.overloads()):
        try:
            overload(**arguments)
        except (RuntimeError, TypeError, ValueError, NotImplementedError):
            continue
        return cast(Callable[..., object], overload)
    return cast(Callable[..., object], packet)


def _tensor(operation: Operation, tensor: Tensor, device: torch.device) -> torch.Tensor:
    dtype = getattr(torch, tensor.dtype)
    if dtype.is_floating_point:
        return torch.rand(tensor.shape, device=device).to(dtype)
    is_index = operation.operator.endswith(_FROM_A_TABLE)
    highest = operation.inputs["weight"].shape[0] if is_index and "weight" in operation.inputs else 1
    return torch.randint(highest, tensor.shape, device=device).to(dtype)


def _typed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_typed(each) for each in value]
    if isinstance(value, str) and value.startswith("torch."):
        return getattr(torch, value.removeprefix("torch."))
    return value
