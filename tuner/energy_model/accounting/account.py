"""The account of a model's energy as plain records, which can be saved and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from knobs.contract import Provenance, Scope
from tuner.energy_model.accounting.calling_tree import Phase
from tuner.energy_model.accounting.clocks import ClockOffset
from tuner.errors import BadInputError
from tuner.serialization import decode, encode

FORMAT = "wattune account 1"


class NodeKind(StrEnum):
    """What a node of the tree stands for."""

    PASS = "pass"  # noqa: S105  # of the network, not of a person
    MODULE = "module"
    OPERATOR = "operator"
    KERNEL = "kernel"
    WAITING = "waiting"


@dataclass(frozen=True)
class Node:
    """One place of the calling tree. Figures are of all repetitions together.

    Attributes:
        parent: The position of the node around it, which comes before it; -1 at the root of a pass.
        name: The module's path, or the operator's or kernel's name.
        kind: What it stands for.
        detail: Shapes of inputs, or the module's class.
        phase: Forward or backward.
        device: Where it runs.
        calls: How often.
        self_s: Seconds during which it was the innermost one.
        self_j: Joules of these seconds; of a module, those between its operators.
        total_j: Joules of it and of everything within it.
        half_width_j: Half of the 95 % interval of ``total_j``; None where it cannot be told.
        half_width_share: The same of its share of all that was charged to somebody.
    """

    parent: int
    name: str
    kind: NodeKind
    detail: str
    phase: Phase
    device: str
    calls: int
    self_s: float
    self_j: float
    total_j: float
    half_width_j: float | None
    half_width_share: float | None


@dataclass(frozen=True)
class OperatorRow:
    """An operator wherever it runs, without what is within it.

    Attributes:
        name: The operator's or kernel's name; :data:`BETWEEN` for modules' own time.
        detail: Shapes of its inputs; empty where rows are not told apart by them.
        phase: Forward or backward.
        device: Where it runs.
        calls: How often.
        time_s: Seconds of all repetitions.
        energy_j: Joules of all repetitions.
        half_width_j: Half of the 95 % interval of ``energy_j``; None where it cannot be told.
        half_width_share: The same of its share of all that was charged to somebody.
        typical_share: The median over repetitions of its share of one: a repetition in which another program got in
            the way counts like any other.
    """

    name: str
    detail: str
    phase: Phase
    device: str
    calls: int
    time_s: float
    energy_j: float
    half_width_j: float | None
    half_width_share: float | None
    typical_share: float


BETWEEN = "(between operators)"


@dataclass(frozen=True)
class MeterAccount:
    """What one meter saw, and what of it was nobody's.

    Attributes:
        name: The meter.
        devices: The devices whose joules it counts.
        provenance: Whether it measures.
        scope: What its joules cover; None where nobody says.
        energy_j: Joules of the whole window.
        idle_j: Of them, those during which nothing ran.
        idle_s: Seconds during which nothing ran.
        gap_s: Seconds that lie in gaps of the meter's readings.
        update_s: How far its readings are apart.
        method: How joules came to operators, in words.
    """

    name: str
    devices: tuple[str, ...]
    provenance: Provenance
    scope: Scope | None
    energy_j: float
    idle_j: float
    idle_s: float
    gap_s: float
    update_s: float
    method: str


@dataclass(frozen=True)
class Account:
    """Where the joules of a run went.

    Attributes:
        title: What ran.
        batch_size: Items of a batch; None where the trace does not tell.
        repetitions: Batches, or steps, that were accounted for.
        window_s: Seconds that they took.
        meters: What each meter saw.
        nodes: The calling tree.
        operators: Operators, most joules first.
        shapes: The same, told apart by the shapes of their inputs.
        clock: What is known about the clocks of meter and trace.
        notes: What the operator should know, a sentence each.
        format: What this record is.
    """

    title: str
    batch_size: int | None
    repetitions: int
    window_s: float
    meters: tuple[MeterAccount, ...]
    nodes: tuple[Node, ...]
    operators: tuple[OperatorRow, ...]
    shapes: tuple[OperatorRow, ...]
    clock: ClockOffset
    notes: tuple[str, ...] = ()
    format: str = FORMAT

    @property
    def energy_j(self) -> float:
        """Joules of the whole window, idle ones included."""
        return sum(meter.energy_j for meter in self.meters)

    @property
    def idle_j(self) -> float:
        """Joules during which nothing ran."""
        return sum(meter.idle_j for meter in self.meters)

    @property
    def active_j(self) -> float:
        """Joules that were charged to somebody."""
        return sum(node.self_j for node in self.nodes)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The positions of the nodes directly within each node, most joules first."""
        within: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            if node.parent >= 0:
                within[node.parent].append(position)
        return tuple(tuple(self.by_energy(positions)) for positions in within)

    @property
    def roots(self) -> list[int]:
        """The positions of the passes."""
        return [position for position, node in enumerate(self.nodes) if node.parent < 0]

    def by_energy(self, positions: Sequence[int]) -> list[int]:
        """Returns positions of nodes, most joules first."""
        return sorted(positions, key=lambda position: -self.nodes[position].total_j)

    def short_name(self, position: int) -> str:
        """Returns a node's name; a module's without the path of the module around it."""
        node = self.nodes[position]
        if node.kind is not NodeKind.MODULE:
            return node.name
        around = self._path_around(node.parent)
        shortened = node.name.removeprefix(f"{around}.") if around else node.name
        return shortened or node.detail or "(model)"

    def _path_around(self, position: int) -> str:
        while position >= 0 and self.nodes[position].kind is not NodeKind.MODULE:
            position = self.nodes[position].parent
        return self.nodes[position].name if position >= 0 else ""


def account_json(account: Account) -> bytes:
    """Returns an account as JSON."""
    return encode(account) + b"\n"


def read_account(text: bytes, where: str) -> Account:
    """Reads an account.

    Args:
        text: What :func:`account_json` has written.
        where: The file's name.

    Raises:
        BadInputError: It is no account.
    """
    try:
        account = decode(text, Account)
    except BadInputError as error:
        raise BadInputError(f"{where} is no account that 'wattune account --output' has written: {error}") from error
    if account.format != FORMAT:
        raise BadInputError(f"{where} is of the format '{account.format[:40]}', and '{FORMAT}' is read: make it again.")
    return account
