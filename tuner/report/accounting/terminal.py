"""The account on the terminal: the tree of modules and operators, and the operators that use most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.energy_model.accounting.account import BETWEEN, Account, NodeKind, OperatorRow
from tuner.report.accounting.words import (
    calls_text,
    half_width_text,
    joules_text,
    origin,
    part_text,
    remarks,
    seconds_text,
    summary,
    titled,
)
from tuner.report.plain_table import plain_table
from tuner.report.vocabulary import share_text

_INDENT = "  "
_MOST_OPERATORS = 12
_MOST_OF_IT = 0.9
"""An operator that does little but call another one stands in its line."""


def account_view(account: Account, least_share: float) -> RenderableType:
    """Returns the whole view.

    Args:
        account: The account.
        least_share: Places with a smaller share of the joules are left out.
    """
    return Group(
        Text(summary(account), "bold"),
        *(Text(remark, "dim") for remark in remarks(account)),
        Text(),
        _tree(account, least_share),
        Text(),
        _operators("By operator", account, account.operators),
        Text(),
        _operators("By operator and shapes of its inputs", account, account.shapes),
    )


class _Line(NamedTuple):
    depth: int
    name: str
    energy_j: float
    half_width_share: float | None
    calls: int


def _tree(account: Account, least_share: float) -> Table:
    table = _table(f"By module, joules a batch ({origin(account)})", "Where", "energy", "share", "95 %", "calls")
    for line in _lines(account, least_share):
        table.add_row(
            Text(_INDENT * line.depth + line.name, overflow="ellipsis", no_wrap=True),
            joules_text(account, line.energy_j),
            part_text(account, line.energy_j),
            half_width_text(line.half_width_share),
            calls_text(account, line.calls) if line.calls else "",
        )
    table.add_row("idle", joules_text(account, account.idle_j), part_text(account, account.idle_j), "", "", style="dim")
    return table


def _lines(account: Account, least_share: float) -> Iterator[_Line]:
    """Yields the places that are shown, each after the one around it."""
    least_j = least_share * account.energy_j
    pending = [(position, 0) for position in reversed(account.by_energy(account.roots))]
    while pending:
        position, depth = pending.pop()
        name, position = _without_detours(account, position)
        node = account.nodes[position]
        yield _Line(depth, name, node.total_j, node.half_width_share, node.calls)
        shown = [child for child in account.children[position] if account.nodes[child].total_j >= least_j]
        if shown and node.kind is NodeKind.MODULE and node.self_j >= least_j:
            yield _Line(depth + 1, BETWEEN, node.self_j, None, 0)
        pending += [(child, depth + 1) for child in reversed(shown)]


def _without_detours(account: Account, position: int) -> tuple[str, int]:
    """Goes down from an operator to the one that does nearly all of its work; returns both names, and where it ends."""
    node = account.nodes[position]
    first = account.short_name(position)
    while node.kind is NodeKind.OPERATOR and account.children[position]:
        inner = account.children[position][0]
        if account.nodes[inner].total_j < _MOST_OF_IT * node.total_j:
            break
        position, node = inner, account.nodes[inner]
    last = account.short_name(position)
    return titled(first if first == last else f"{first} → {last}", node.detail), position


def _operators(title: str, account: Account, rows: Sequence[OperatorRow]) -> Table:
    table = _table(title, "Operator", "energy", "share", "95 %", "typical", "time", "calls")
    for row in rows[:_MOST_OPERATORS]:
        table.add_row(
            Text(_where(account, row) + titled(row.name, row.detail), overflow="ellipsis", no_wrap=True),
            joules_text(account, row.energy_j),
            part_text(account, row.energy_j),
            half_width_text(row.half_width_share),
            share_text(row.typical_share),
            seconds_text(account, row.time_s),
            calls_text(account, row.calls),
        )
    return table


def _where(account: Account, row: OperatorRow) -> str:
    """Returns pass and device where not all operators have the same."""
    phases = {one.phase for one in account.operators}
    devices = {one.device for one in account.operators}
    words = [*([str(row.phase)] if len(phases) > 1 else []), *([row.device] if len(devices) > 1 else [])]
    return f"{', '.join(words)}: " if words else ""


def _table(title: str, first: str, *numbers: str) -> Table:
    table = plain_table(title, first)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
