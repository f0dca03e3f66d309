"""Finds the operations of a model that ``torch.export`` can trace: nothing is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.export.graph_signature import InputKind

from tuner.energy_model.network.observer import Observer, named_arguments
from tuner.energy_model.network.records import Operation, Tensor
from tuner.energy_model.network.tree import Frame, Stack

Observed = tuple[list[tuple[Stack, Operation]], list[Tensor]]
"""Operations with the modules that ran them, and the inputs of the model."""

_STORED = {InputKind.PARAMETER, InputKind.BUFFER}


def exported(module: torch.nn.Module, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Observed:
    """Returns what a model runs.

    Args:
        module: The model, in evaluation mode.
        positional: Its positional arguments.
        named: Its keyword arguments.

    Raises:
        Exception: Whatever ``torch.export`` raises on a model that it cannot trace.
    """
    program = torch.export.export(module, positional, dict(named))
    observer = Observer()
    inputs = _name_placeholders(program, observer)
    operations: list[tuple[Stack, Operation]] = []
    for node in program.graph.nodes:
        if node.op != "call_function" or not hasattr(node.target, "_schema"):
            continue
        given = named_arguments(node.target, *_values(node))
        stack = _stack(node)
        operation = observer.observe(node.target, stack[-1].path if stack else "", given, node.meta.get("val"))
        if operation is not None:
            operations.append((stack, operation))
    return operations, inputs


def _name_placeholders(program: Any, observer: Observer) -> list[Tensor]:
    values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    inputs = []
    for spec in program.graph_signature.input_specs:
        value = values.get(spec.arg.name)
        if not isinstance(value, torch.Tensor):
            continue
        if spec.kind in _STORED:
            observer.name_parameter(spec.target, value)
        else:
            record = observer.name_input(spec.arg.name, value)
            inputs += [record] if spec.kind is InputKind.USER_INPUT else []
    return inputs


def _values(node: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns a node's arguments, nodes replaced by what they stand for."""

    def value(argument: Any) -> Any:
        return argument.meta.get("val")

    return (
        torch.fx.node.map_arg(node.args, value),
        dict(torch.fx.node.map_arg(node.kwargs, value)),
    )


def _stack(node: Any) -> Stack:
    """Returns the modules that were running, without the model itself: its frame has an empty path."""
    frames = node.meta.get("nn_module_stack", {})
    return tuple(Frame(path, str(kind).rsplit(".", 1)[-1], key) for key, (path, kind) in frames.items() if path)
