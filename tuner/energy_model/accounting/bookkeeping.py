"""Makes the account: joules of events become joules of places, operators and shapes, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.energy_model.accounting.account import (
    BETWEEN,
    Account,
    MeterAccount,
    Node,
    NodeKind,
    OperatorRow,
)
from tuner.energy_model.accounting.calling_tree import Phase, Place, calling_tree
from tuner.energy_model.accounting.clocks import ClockOffset
from tuner.energy_model.accounting.nesting import Nesting
from tuner.energy_model.accounting.power_regression import Resolved
from tuner.energy_model.accounting.split import Split
from tuner.energy_model.accounting.student import half_width_of_share, half_width_of_sum
from tuner.energy_model.accounting.timeline import NONE, Floats, Integers, Kind, Timeline

_LARGEST_GAP_SHARE = 0.01

_KINDS = {
    Kind.OPERATOR: NodeKind.OPERATOR,
    Kind.MODULE: NodeKind.MODULE,
    Kind.GRADIENT: NodeKind.OPERATOR,
    Kind.KERNEL: NodeKind.KERNEL,
    Kind.WAITING: NodeKind.WAITING,
}


@dataclass(frozen=True)
class Subject:
    """What ran.

    Attributes:
        title: Its name.
        batch_size: Items of a batch; None if nobody knows.
        starts_ns: When each repetition began, ascending; one entry at least.
        clock: What is known about the clocks.
        notes: What the operator should know.
    """

    title: str
    batch_size: int | None
    starts_ns: Sequence[int]
    clock: ClockOffset
    notes: tuple[str, ...] = ()


def make_account(
    subject: Subject, timeline: Timeline, nesting: Nesting, shares: Split, resolved: Sequence[Resolved]
) -> Account:
    """Returns the account of a run.

    Args:
        subject: What ran.
        timeline: The events.
        nesting: Who is within whom.
        shares: Joules of each event.
        resolved: Of each meter, how its joules were split.
    """
    places, node = calling_tree(timeline, nesting)
    table = _Table.of(len(places), node, timeline, shares, subject.starts_ns)
    start_ns, end_ns = shares.meters[0].window_ns
    relative = _group_errors(timeline, node, len(places), resolved)
    return Account(
        title=subject.title,
        batch_size=subject.batch_size,
        repetitions=len(subject.starts_ns),
        window_s=(end_ns - start_ns) * 1e-9,
        meters=tuple(map(_meter, resolved)),
        nodes=tuple(_nodes(places, table, relative)),
        operators=tuple(_rows(places, table, relative, with_shapes=False)),
        shapes=tuple(_rows(places, table, relative, with_shapes=True)),
        clock=subject.clock,
        notes=(*subject.notes, *_notes(nesting, shares)),
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """Figures of places: joules by repetition, and calls, seconds and device."""

    energy_j: NDArray[np.float64]
    calls: Integers
    time_s: Floats
    device: list[str]

    @classmethod
    def of(cls, places: int, node: Integers, timeline: Timeline, shares: Split, starts_ns: Sequence[int]) -> _Table:
        repetition = np.searchsorted(np.array(starts_ns), timeline.start_ns, side="right") - 1
        repetition = np.clip(repetition, 0, None)
        count = len(starts_ns)
        energy_j = np.bincount(node * count + repetition, weights=shares.energy_j, minlength=places * count)
        lane_of_place = np.full(places, NONE, dtype=np.int64)
        lane_of_place[node] = timeline.lane
        return cls(
            energy_j=energy_j.astype(np.float64).reshape(places, count),
            calls=np.bincount(node, minlength=places),
            time_s=np.bincount(node, weights=shares.self_ns * 1e-9, minlength=places).astype(np.float64),
            device=["" if lane == NONE else timeline.lanes[lane].device for lane in lane_of_place.tolist()],
        )


def _nodes(places: list[Place], table: _Table, relative: Floats) -> list[Node]:
    """Totals are rolled up from the last place to the first: what is within a place comes after it."""
    total_j, error_j2 = table.energy_j.copy(), (relative * table.energy_j.sum(axis=1)) ** 2
    for position in range(len(places) - 1, -1, -1):
        if (parent := places[position].parent) != NONE:
            total_j[parent] += total_j[position]
            error_j2[parent] += error_j2[position]
    whole_j = table.energy_j.sum(axis=0)
    return [
        Node(
            parent=place.parent,
            name=place.label.name if place.label else str(place.phase),
            kind=_KINDS[place.label.kind] if place.label else NodeKind.PASS,
            detail=place.label.detail if place.label else "",
            phase=place.phase,
            device=table.device[position],
            calls=int(table.calls[position]),
            self_s=float(table.time_s[position]),
            self_j=float(table.energy_j[position].sum()),
            total_j=float(total_j[position].sum()),
            half_width_j=half_width_of_sum(total_j[position], float(error_j2[position])),
            half_width_share=half_width_of_share(total_j[position], whole_j, float(error_j2[position])),
        )
        for position, place in enumerate(places)
    ]


def _rows(places: list[Place], table: _Table, relative: Floats, *, with_shapes: bool) -> list[OperatorRow]:
    groups: dict[tuple[str, str, Phase, str], list[int]] = {}
    for position, place in enumerate(places):
        if place.label is not None and place.label.kind is not Kind.WAITING:
            is_module = place.label.kind is Kind.MODULE
            detail = place.label.detail if with_shapes and not is_module else ""
            key = (BETWEEN if is_module else place.label.name, detail, place.phase, table.device[position])
            groups.setdefault(key, []).append(position)
    rows = [_row(key, members, table, relative) for key, members in groups.items()]
    return sorted(rows, key=lambda row: -row.energy_j)


def _row(key: tuple[str, str, Phase, str], members: list[int], table: _Table, relative: Floats) -> OperatorRow:
    by_repetition_j = table.energy_j[members].sum(axis=0)
    whole_j = table.energy_j.sum(axis=0)
    error_j2 = float(relative[members] @ table.energy_j[members].sum(axis=1)) ** 2
    return OperatorRow(
        *key,
        calls=int(table.calls[members].sum()),
        time_s=float(table.time_s[members].sum()),
        energy_j=float(by_repetition_j.sum()),
        half_width_j=half_width_of_sum(by_repetition_j, error_j2),
        half_width_share=half_width_of_share(by_repetition_j, whole_j, error_j2),
        typical_share=float(np.median(by_repetition_j[whole_j > 0] / whole_j[whole_j > 0])) if whole_j.any() else 0.0,
    )


def _group_errors(timeline: Timeline, node: Integers, places: int, resolved: Sequence[Resolved]) -> Floats:
    """Returns, of each place, the relative half width that the regression leaves to its operator."""
    relative = np.zeros(places)
    for how in resolved:
        label_error = np.array(how.relative_half_widths)
        if len(label_error):
            np.maximum.at(relative, node, label_error[timeline.label])
    return relative


def _meter(how: Resolved) -> MeterAccount:
    series = how.metered.series
    return MeterAccount(
        name=series.name,
        devices=series.devices,
        provenance=series.provenance,
        scope=series.scope,
        energy_j=how.metered.energy_j,
        idle_j=how.metered.idle_j,
        idle_s=how.metered.idle_s,
        gap_s=how.metered.gap_s,
        update_s=series.update_ns * 1e-9,
        method=how.method,
    )


def _notes(nesting: Nesting, shares: Split) -> list[str]:
    notes = [
        f"{seen.series.name} has gaps of {seen.gap_s:.3g} s together: power within them is taken for constant."
        for seen in shares.meters
        if seen.gap_s > _LARGEST_GAP_SHARE * (seen.window_ns[1] - seen.window_ns[0]) * 1e-9
    ]
    if nesting.side_by_side:
        notes.append(f"{nesting.side_by_side} events overlap others of their thread without nesting: side by side.")
    return notes
