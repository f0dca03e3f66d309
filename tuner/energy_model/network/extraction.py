"""What a model of PyTorch runs for one batch."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from tuner.energy_model.network.exported import Observed, exported
from tuner.energy_model.network.observer import storage_id
from tuner.energy_model.network.recorded import recorded
from tuner.energy_model.network.records import Network
from tuner.energy_model.network.tree import tree_of
from tuner.errors import BadInputError

BY_EXPORT = "torch.export"
BY_RUN = "one run with hooks"

_LONGEST_REASON = 200


def extract(module: torch.nn.Module, inputs: tuple[Any, ...] | Mapping[str, Any], name: str = "") -> Network:
    """Returns the network that a model runs forward for one batch.

    ``torch.export`` finds it without computing anything. A model that it cannot trace is run once, its operations seen
    as they run; ``source`` and ``missing`` say so.

    Args:
        module: The model; it is put into evaluation mode.
        inputs: Positional or keyword arguments of one batch.
        name: How to call the network.

    Raises:
        BadInputError: The model runs in neither way.
    """
    with contextlib.suppress(NotImplementedError):  # an exported program is in the mode that it was exported in
        module.eval()
    positional, named = ((), inputs) if isinstance(inputs, Mapping) else (tuple(inputs), {})
    try:
        with _silenced():
            observed, source, missing = exported(module, positional, named), BY_EXPORT, []
    except Exception as error:  # noqa: BLE001 - the tracer raises whatever the model makes it raise
        missing = [f"torch.export cannot trace the model ({_reason(error)}): it was run once instead."]
        if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
            missing.append("TorchScript does not tell which of its modules runs what: all stands in the model itself.")
        observed, source = _recorded(module, positional, named), BY_RUN
    return _network(module, name or type(module).__name__, observed, source, missing)


def _recorded(module: torch.nn.Module, positional: tuple[Any, ...], named: Mapping[str, Any]) -> Observed:
    try:
        return recorded(module, positional, named)
    except Exception as error:
        raise BadInputError(f"The model can be neither exported nor run: {_reason(error)}.") from error


def _network(module: torch.nn.Module, name: str, observed: Observed, source: str, missing: list[str]) -> Network:
    operations, inputs = observed
    stored = {storage_id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    network = Network(
        name=name,
        root=tree_of(type(module).__name__, operations),
        operations=tuple(operation for _, operation in operations),
        inputs=tuple(inputs),
        parameter_bytes=sum(tensor.numel() * tensor.element_size() for tensor in stored.values()),
        parameter_count=sum(parameter.numel() for parameter in module.parameters()),
        source=source,
        missing=tuple(missing),
    )
    return network if not network.unknown_operators else _with_unknown(network)


def _with_unknown(network: Network) -> Network:
    names = ", ".join(f"{operator} ({count} times)" for operator, count in network.unknown_operators.items())
    sentence = f"The arithmetic of operators that no rule describes is left out, their bytes are counted: {names}."
    return replace(network, missing=(*network.missing, sentence))


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:_LONGEST_REASON].rstrip(".:")


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Keeps the tracer's warnings from a person who did not ask for a trace."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
