"""Finds the operations of a model by running it once, for models that cannot be exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tuner.energy_model.network.exported import Observed
from tuner.energy_model.network.observer import Observer, named_arguments
from tuner.energy_model.network.records import Operation, Tensor
from tuner.energy_model.network.tree import Frame, Stack


def recorded(module: torch.nn.Module, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Observed:
    """Returns what a model runs, seen while it runs.

    Args:
        module: The model, in evaluation mode.
        positional: Its positional arguments.
        named: Its keyword arguments.

    Raises:
        Exception: Whatever the model raises.
    """
    observer = Observer()
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        observer.name_parameter(name, tensor)
    inputs = _name_inputs(observer, positional, named)
    with torch.no_grad(), _running_modules(module) as stack, _Recorder(observer, stack) as recorder:
        module(*positional, **named)
    return recorder.operations, inputs


class _Recorder(TorchDispatchMode):  # type: ignore[misc]  # torch is not followed by the type checker
    def __init__(self, observer: Observer, stack: list[Frame]) -> None:
        super().__init__()
        self.operations: list[tuple[Stack, Operation]] = []
        self._observer = observer
        self._stack = stack

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        returned = func(*args, **(kwargs or {}))
        path = self._stack[-1].path if self._stack else ""
        operation = self._observer.observe(func, path, named_arguments(func, args, kwargs or {}), returned)
        if operation is not None:
            self.operations.append((tuple(self._stack), operation))
        return returned


@contextmanager
def _running_modules(model: torch.nn.Module) -> Iterator[list[Frame]]:
    """Yields the modules that are running at the time, kept up to date by hooks.

    The model itself is left out, and so are modules of TorchScript, which take no hooks.
    """
    stack: list[Frame] = []
    calls: dict[str, int] = {}
    hooks = []
    for path, module in model.named_modules():
        if not path or isinstance(module, torch.jit.ScriptModule):
            continue

        def enter(module: torch.nn.Module, _: Any, path: str = path) -> None:
            calls[path] = calls.get(path, 0) + 1
            stack.append(Frame(path, type(module).__name__, str(calls[path])))

        def leave(*_: Any) -> None:
            stack.pop()

        hooks += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave, always_call=True)]
    try:
        yield stack
    finally:
        for hook in hooks:
            hook.remove()


def _name_inputs(observer: Observer, positional: tuple[Any, ...], named: Mapping[str, Any]) -> list[Tensor]:
    given = {**{f"input{index}": value for index, value in enumerate(positional)}, **named}
    return [observer.name_input(name, value) for name, value in given.items() if isinstance(value, torch.Tensor)]
