"""Two accounts side by side: which places use more, and which use less.

Places are the same where the names on the way to them are. Two networks that have few names in common are compared by
the classes of their modules, without the network's own name (``BertLayer`` and ``AlbertLayer`` are both ``Layer``):
all modules of one class within the same class are one, and those that the other network lacks belong to what is around
them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuner.energy_model.accounting.account import Account, NodeKind, OperatorRow
from tuner.energy_model.accounting.calling_tree import Phase

_FAMILY = re.compile(r"[A-Z][a-z0-9]+(?=[A-Z])")
_ALIKE = 0.5

Path = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One place, or one operator, in both accounts.

    Attributes:
        path: The names on the way to it, its own last.
        kind: What it is.
        first_j: Joules in the first account, per batch or per item.
        second_j: Joules in the second.
        half_width_j: Half of the 95 % interval of the difference; None where it cannot be told.
    """

    path: Path
    kind: NodeKind
    first_j: float
    second_j: float
    half_width_j: float | None

    @property
    def difference_j(self) -> float:
        """How much more the second uses."""
        return self.second_j - self.first_j

    @property
    def is_certain(self) -> bool:
        """Whether the interval of the difference leaves no doubt about its sign."""
        return self.half_width_j is not None and abs(self.difference_j) > self.half_width_j


@dataclass(frozen=True)
class Comparison:
    """What two accounts differ by.

    Attributes:
        first: The first account.
        second: The second.
        unit: What joules are per: a batch, or an item where batches have different sizes.
        places: Modules and operators as a tree, each after the one around it.
        operators: Operators, wherever they run; largest difference first.
        shapes: The same, told apart by shapes.
    """

    first: Account
    second: Account
    unit: str
    places: tuple[Difference, ...]
    operators: tuple[Difference, ...]
    shapes: tuple[Difference, ...]

    @property
    def first_j(self) -> float:
        """Joules of the first account per unit."""
        return self.first.energy_j / _units(self.first, self.unit)

    @property
    def second_j(self) -> float:
        """Joules of the second account per unit."""
        return self.second.energy_j / _units(self.second, self.unit)


def compare(first: Account, second: Account) -> Comparison:
    """Returns what two accounts differ by."""
    sizes = (first.batch_size, second.batch_size)
    unit = "item" if None not in sizes and sizes[0] != sizes[1] else "batch"
    accounts = (first, second)
    return Comparison(
        first,
        second,
        unit,
        tuple(_places(accounts, unit)),
        tuple(_operators((first.operators, second.operators), accounts, unit)),
        tuple(_operators((first.shapes, second.shapes), accounts, unit)),
    )


@dataclass
class _Sum:
    """Joules of what has one path in one account, and the squares of half widths."""

    kind: NodeKind
    joules: float = 0.0
    square: float | None = 0.0

    def add(self, joules: float, half_width_j: float | None) -> None:
        self.joules += joules
        if half_width_j is None or self.square is None:
            self.square = None
        else:
            self.square += half_width_j**2


_NOTHING = _Sum(NodeKind.OPERATOR)


def _places(accounts: tuple[Account, Account], unit: str) -> Iterator[Difference]:
    names = [[account.short_name(position) for position in range(len(account.nodes))] for account in accounts]
    tables = [_sums(account, of_account) for account, of_account in zip(accounts, names, strict=True)]
    if not _are_alike(*tables):
        tables = [_sums(account, of_account) for account, of_account in zip(accounts, _roles(*accounts), strict=True)]
    units = [_units(account, unit) for account in accounts]

    def rank(path: Path) -> list[tuple[float, str]]:
        """Orders siblings by joules, and every place after the one around it."""
        ways = [path[: length + 1] for length in range(len(path))]
        known = [
            [table.get(way, _NOTHING).joules / count for table, count in zip(tables, units, strict=True)]
            for way in ways
        ]
        return [(-max(joules), way[-1]) for joules, way in zip(known, ways, strict=True)]

    for path in sorted(dict.fromkeys([*tables[0], *tables[1]]), key=rank):
        yield _difference(path, [table.get(path) for table in tables], units)


def _sums(account: Account, names: Sequence[str | None]) -> dict[Path, _Sum]:
    """Adds up what has one path; a place without a name belongs to the one around it."""
    paths: list[Path] = []
    sums: dict[Path, _Sum] = {}
    for node, name in zip(account.nodes, names, strict=True):
        around = paths[node.parent] if node.parent >= 0 else ()
        paths.append(around if name is None else (*around, name))
        if name is not None:
            sums.setdefault(paths[-1], _Sum(node.kind)).add(node.total_j, node.half_width_j)
    return sums


def _roles(first: Account, second: Account) -> tuple[list[str | None], list[str | None]]:
    """Returns what modules are by their classes; None for those of which the other network has no counterpart."""
    families = _family(first), _family(second)
    roles = [
        [node.detail.removeprefix(family) if node.kind is NodeKind.MODULE else node.name for node in account.nodes]
        for account, family in zip((first, second), families, strict=True)
    ]
    common = set(roles[0]) & set(roles[1])

    def kept(account: Account, of_account: list[str]) -> list[str | None]:
        return [
            role if node.kind is not NodeKind.MODULE or role in common else None
            for node, role in zip(account.nodes, of_account, strict=True)
        ]

    return kept(first, roles[0]), kept(second, roles[1])


def _family(account: Account) -> str:
    """Returns the name that the classes of a network begin with: ``Bert`` of ``BertLayer``."""
    classes = [node.detail for node in account.nodes if node.kind is NodeKind.MODULE]
    match = _FAMILY.match(classes[0]) if classes else None
    return match[0] if match and sum(one.startswith(match[0]) for one in classes) > 1 else ""


def _are_alike(first: dict[Path, _Sum], second: dict[Path, _Sum]) -> bool:
    modules = [{path for path, one in table.items() if one.kind is NodeKind.MODULE} for table in (first, second)]
    return len(modules[0] & modules[1]) >= _ALIKE * max(len(modules[0]), len(modules[1]), 1)


def _operators(
    rows: tuple[Sequence[OperatorRow], Sequence[OperatorRow]], accounts: tuple[Account, Account], unit: str
) -> list[Difference]:
    tables: list[dict[Path, _Sum]] = [{}, {}]
    for table, of_account in zip(tables, rows, strict=True):
        for row in of_account:
            path = (*(("backward",) if row.phase is Phase.BACKWARD else ()), f"{row.name}  {row.detail}".rstrip())
            table.setdefault(path, _Sum(NodeKind.OPERATOR)).add(row.energy_j, row.half_width_j)
    units = [_units(account, unit) for account in accounts]
    paths = dict.fromkeys([*tables[0], *tables[1]])
    found = [_difference(path, [table.get(path) for table in tables], units) for path in paths]
    return sorted(found, key=lambda one: -abs(one.difference_j))


def _difference(path: Path, sums: Sequence[_Sum | None], units: Sequence[float]) -> Difference:
    known = [one or _NOTHING for one in sums]
    first_j, second_j = (one.joules / count for one, count in zip(known, units, strict=True))
    squares = [None if one.square is None else one.square / count**2 for one, count in zip(known, units, strict=True)]
    half_width_j = None if None in squares else math.sqrt(sum(square or 0.0 for square in squares))
    kind = next(one.kind for one in sums if one is not None)
    return Difference(path, kind, first_j, second_j, half_width_j)


def _units(account: Account, unit: str) -> float:
    items = account.batch_size if unit == "item" else 1
    return account.repetitions * (items or 1)
