"""Measured model trees in the CSV layout that was published with IrEne (Cao et al., ACL 2021).

A directory holds four files: primitives with parameters (``ml1``), primitives without (``ml2``), modules, and whole
models. A row is one node of one model at one batch size and sequence length; ``level_name`` is ``scope:Class``, of
which a primitive without parameters names the scope that runs it. A node's parent is the nearest scope above it that
has a row of its own, else the model.
"""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tuner.energy_model.model_tree.node import CostNode, Level, Measured
from tuner.errors import BadInputError

_FILES = {
    "ml1": Level.LEAF,
    "ml2": Level.LEAF,
    "module": Level.MODULE,
    "model": Level.MODEL,
}
_SCOPE_IS_PARENT = "ml2"
_UTILIZATION = ("cpu", "mem", "gpu", "gpu_mem", "gpu_clk", "gpu_mem_clk")
_NUMBERS = (
    *("batch_size", "seq_len", "flops", "mem_bytes"),
    *_UTILIZATION,
    *("times_mean", "gpu_energy_mean", "energy_mean"),
)
_NAMES = ("level_name", "model_name")
_POSITIVE = ("times_mean", "energy_mean")
_MEGA = 1e6
_MEBI = 2.0**20


@dataclass(frozen=True)
class Forest:
    """The measured trees of one device.

    Attributes:
        device: What the directory is called.
        trees: One for each model, batch size and sequence length, by model.
        left_out: What could not be used, each in one sentence.
    """

    device: str
    trees: dict[str, tuple[CostNode, ...]]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """One row of one file."""

    file: str
    scope: str
    kind: str
    model: str
    numbers: dict[str, float]


@dataclass
class _Branch:
    """A node while its tree is being put together."""

    row: _Row
    children: list[_Branch] = field(default_factory=list)


def find_devices(directory: Path) -> list[Path]:
    """Returns the directories of devices: the one given, or those inside it.

    Raises:
        BadInputError: Neither holds the four files.
    """
    for candidates in ([directory], sorted(path for path in directory.glob("*") if path.is_dir())):
        found = [path for path in candidates if any(_path(path, file).exists() for file in _FILES)]
        if found:
            return found
    raise BadInputError(
        f"{directory} holds no measured trees: it needs {', '.join(_path(Path(), file).name for file in _FILES)}, or "
        "directories of them."
    )


def read_forest(directory: Path) -> Forest:
    """Reads one device's directory.

    Raises:
        BadInputError: A file is missing or is no such table, or no tree can be put together.
    """
    left_out: Counter[str] = Counter()
    rows = [row for file in _FILES for row in _read_file(_path(directory, file), file, left_out)]
    by_tree: dict[tuple[str, float, float], list[_Row]] = defaultdict(list)
    for row in rows:
        by_tree[row.model, row.numbers["batch_size"], row.numbers["seq_len"]].append(row)
    trees: dict[str, list[CostNode]] = defaultdict(list)
    for (model, batch_size, seq_len), of_tree in sorted(by_tree.items()):
        where = f"{model} at batch size {batch_size:g} and sequence length {seq_len:g}"
        tree = _tree(of_tree, where, left_out)
        if tree is not None:
            trees[model].append(tree)
    if not trees:
        raise BadInputError(f"{directory} holds no model whose rows make a tree: {'; '.join(left_out) or 'no rows'}.")
    sentences = tuple(f"{what}{f' ({count} times)' if count > 1 else ''}" for what, count in left_out.items())
    return Forest(directory.resolve().name, {model: tuple(of_model) for model, of_model in trees.items()}, sentences)


def _path(directory: Path, file: str) -> Path:
    return directory / f"{file}_level_features.csv"


def _read_file(path: Path, file: str, left_out: Counter[str]) -> Iterator[_Row]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            missing = [name for name in (*_NUMBERS, *_NAMES) if name not in (reader.fieldnames or ())]
            if missing:
                raise BadInputError(f"{path} lacks the columns {', '.join(missing)}: it is no file of this layout.")
            for cells in reader:
                row = _row(file, cells)
                if row is None:
                    left_out[f"{path.name}: a row that is incomplete, or with a number that cannot be"] += 1
                else:
                    yield row
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path} is no CSV file: {error}.") from error


def _row(file: str, cells: dict[str, str | None]) -> _Row | None:
    """Returns a row; None if it cannot be one."""
    try:
        numbers = {name: float(cells[name] or "nan") for name in _NUMBERS}
    except ValueError:
        return None
    is_real = all(math.isfinite(number) and number >= 0 for number in numbers.values())
    level_name, model = cells["level_name"], cells["model_name"]
    if not (is_real and all(numbers[name] > 0 for name in _POSITIVE) and level_name and model):
        return None
    scope, separator, kind = level_name.rpartition(":")
    if _FILES[file] is Level.MODEL:
        return _Row(file, "", model, model, numbers)
    return _Row(file, scope, kind, model, numbers) if separator and kind else None


def _tree(rows: Sequence[_Row], where: str, left_out: Counter[str]) -> CostNode | None:
    roots = [row for row in rows if _FILES[row.file] is Level.MODEL]
    if len(roots) != 1:
        left_out[f"{where}: {len(roots)} rows of the whole model instead of one"] += 1
        return None
    branches = {"": _Branch(roots[0])}
    for row in sorted(rows, key=lambda row: row.scope.count(".")):
        if _FILES[row.file] is Level.MODULE:
            if row.scope in branches:
                left_out[f"{where}: {row.scope} is there a second time"] += 1
                continue
            branch = _Branch(row)
            _nearest(branches, _above(row.scope)).children.append(branch)
            branches[row.scope] = branch
    for row in rows:
        if _FILES[row.file] is Level.LEAF:
            scope = row.scope if row.file == _SCOPE_IS_PARENT else _above(row.scope)
            _nearest(branches, scope).children.append(_Branch(row))
    tree = _node(branches[""])
    if tree is None:
        left_out[f"{where}: no primitives"] += 1
    return tree


def _nearest(branches: dict[str, _Branch], scope: str) -> _Branch:
    while scope not in branches:
        scope = _above(scope)
    return branches[scope]


def _above(scope: str) -> str:
    return scope.rpartition(".")[0]


def _node(branch: _Branch) -> CostNode | None:
    """Returns the node of a branch; None of a module that runs no primitive."""
    row, numbers = branch.row, branch.row.numbers
    level = _FILES[row.file]
    children = tuple(node for child in branch.children if (node := _node(child)) is not None)
    if not children and level is not Level.LEAF:
        return None
    return CostNode(
        name=row.scope or row.model,
        kind=row.kind,
        level=level,
        flops=numbers["flops"] * _MEGA,
        n_bytes=numbers["mem_bytes"] * _MEBI,
        sizes=(numbers["batch_size"], numbers["seq_len"]),
        children=children,
        measured=Measured(
            energy_j=numbers["energy_mean"],
            time_s=numbers["times_mean"],
            device_energy_j=numbers["gpu_energy_mean"],
            utilization=tuple(numbers[name] for name in _UTILIZATION),
        ),
    )
