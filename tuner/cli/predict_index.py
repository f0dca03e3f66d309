"""``wattune predict index MODEL``: transistor operations of a model, layer by layer and by kind of work."""

from __future__ import annotations

import argparse
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from tuner.cli.arguments import positive_integer
from tuner.cli.model_argument import add_batch_size, add_model, load_model
from tuner.cli.terminal import print_json, remark, show
from tuner.report.plain_table import plain_table
from tuner.report.vocabulary import share_text

if TYPE_CHECKING:
    from tuner.energy_model.network.records import Network
    from tuner.energy_model.operations.index import Index, ModuleIndex

_DEPTH = 3
_LEAST_SHARE = 0.001
_PREFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the action's options."""
    add_model(parser)
    add_batch_size(parser)
    parser.add_argument(
        "--depth", type=positive_integer, default=_DEPTH, metavar="N", help=f"levels of modules to show ({_DEPTH})"
    )


def run(arguments: argparse.Namespace) -> int:
    """Counts and shows.

    Raises:
        BadInputError: There is no such model, it cannot be loaded or run, or torch is missing.
    """
    model = load_model(arguments.model, arguments.batch_size)
    from tuner.energy_model.network.extraction import extract
    from tuner.energy_model.operations.index import index_network

    network = extract(model.module, model.inputs, model.name)
    tree = index_network(network)
    if arguments.json:
        print_json(_record(network, tree, model.batch_size))
        return 0
    _show_total(network, tree.index, model.batch_size)
    _show_kinds(tree.index)
    show(Text("\nBy layer", "bold"))
    show(_branch(tree, tree.index.total_to, arguments.depth))
    for sentence in network.missing:
        remark(sentence)
    return 0


def _record(network: Network, tree: ModuleIndex, batch_size: int) -> dict[str, Any]:
    root = network.root
    return {
        "model": network.name,
        "batch_size": batch_size,
        "index_to": tree.index.total_to,
        "linear_to": tree.index.linear_to,
        "nonlinear_to": tree.index.nonlinear_to,
        "memory_to": tree.index.memory_to,
        "flops": root.matrix_flops,
        "bytes_moved": root.bytes_moved,
        "parameter_bytes": network.parameter_bytes,
        "launches": root.launches,
        "by_kind": tree.index.by_kind,
        "by_layer": _module_record(tree),
        "counts": root.work.counts(),
        "source": network.source,
        "unknown_operators": network.unknown_operators,
        "missing": network.missing,
    }


def _module_record(module: ModuleIndex) -> dict[str, Any]:
    return {
        "path": module.path,
        "class_name": module.class_name,
        "index_to": module.index.total_to,
        "by_kind": module.index.by_kind,
        "launches": module.index.launches,
        "children": [_module_record(child) for child in module.children],
    }


def _show_total(network: Network, index: Index, batch_size: int) -> None:
    show(Text(f"{network.name}, batch {batch_size}: {_amount(index.total_to, ' TO')} (estimated)", "bold"))
    root = network.root
    table = plain_table("", "", "")
    table.columns[1].justify = "right"
    for name, amount in (
        ("of linear work", _amount(index.linear_to, " TO")),
        ("of other arithmetic", _amount(index.nonlinear_to, " TO")),
        ("of memory", _amount(index.memory_to, " TO")),
        ("FLOPs of matrices", _amount(root.matrix_flops)),
        ("bytes moved without caches", _amount(root.bytes_moved, "B")),
        ("parameters", _amount(network.parameter_bytes, "B")),
        ("launches", str(root.launches)),
    ):
        table.add_row(name, amount)
    show(table)


def _show_kinds(index: Index) -> None:
    table = plain_table("\nBy kind of work", "kind")
    table.add_column("TO", justify="right")
    table.add_column("share", justify="right")
    for kind, to in sorted(index.by_kind.items(), key=lambda item: -item[1]):
        table.add_row(kind.replace("_", " "), _amount(to), share_text(to / index.total_to))
    show(table)


def _branch(module: ModuleIndex, total_to: float, depth: int, alike: str = "") -> Tree:
    """Returns a module and those below; siblings that cost the same in every kind are shown once."""
    share = share_text(module.index.total_to / total_to) if total_to else ""
    name = alike or _name(module) or "model"
    each = " each" if alike else ""
    tree = Tree(Text(f"{name} ({module.class_name})  {_amount(module.index.total_to, ' TO')}{each}  {share}{each}"))
    children = [child for child in module.children if child.index.total_to >= _LEAST_SHARE * total_to]
    for _, group in groupby(children if depth else [], key=lambda child: (child.class_name, child.index)):
        first, *others = group
        names = f"{_name(first)} to {_name(others[-1])}, {len(others) + 1} alike" if others else ""
        tree.children.append(_branch(first, total_to, depth - 1, names))
    return tree


def _name(module: ModuleIndex) -> str:
    return module.path.rpartition(".")[2]


def _amount(number: float, unit: str = "") -> str:
    """Returns a number with three digits and a prefix of the metric system."""
    for size, prefix in _PREFIXES:
        if number >= size:
            return f"{number / size:.3g} {prefix}{unit}"
    return f"{number:.3g} {unit.strip()}".rstrip()
