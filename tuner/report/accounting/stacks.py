"""The account as stacks of frames with a weight, as viewers of profiles want it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tuner.energy_model.accounting.account import Account
from tuner.report.accounting.words import titled

IDLE = "(idle)"
_WHOLE_DETAIL = 1000


@dataclass(frozen=True)
class Stack:
    """One place with what it uses itself, in one repetition.

    Attributes:
        frames: Names from the outside in.
        energy_j: Joules.
        time_s: Seconds.
        calls: How often, rounded.
    """

    frames: tuple[str, ...]
    energy_j: float
    time_s: float
    calls: int


def stacks(account: Account) -> Iterator[Stack]:
    """Yields every place that uses something itself, and the idle time of each meter."""
    frames: list[tuple[str, ...]] = []
    for position, node in enumerate(account.nodes):
        around = frames[node.parent] if node.parent >= 0 else ()
        frames.append((*around, titled(account.short_name(position), node.detail, _WHOLE_DETAIL)))
        if node.self_j > 0 or node.self_s > 0:
            yield _stack(account, frames[-1], node.self_j, node.self_s, node.calls)
    for meter in account.meters:
        yield _stack(account, (f"{IDLE} {meter.name}",), meter.idle_j, meter.idle_s, 0)


def _stack(account: Account, frames: tuple[str, ...], energy_j: float, time_s: float, calls: int) -> Stack:
    count = account.repetitions
    return Stack(frames, energy_j / count, time_s / count, round(calls / count))
