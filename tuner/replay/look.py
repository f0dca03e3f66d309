"""How methods look in a plot, whatever draws it: one colour and one dash each, the same in every plot."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.replay.methods import REPLAY_METHODS


@dataclass(frozen=True)
class Look:
    """How one method is drawn.

    Attributes:
        colour: Hexadecimal.
        dash: Lengths of dashes and gaps in points; empty for a solid line.
        width: Of the line, in points.
    """

    colour: str
    dash: tuple[int, ...]
    width: float


# Colours by Okabe and Ito, which the colour-blind can tell apart; dashes tell them apart in grey.
_LOOKS = (
    Look("#0072B2", (), 2.4),
    Look("#666c78", (1, 2), 1.4),
    Look("#E69F00", (5, 2), 1.4),
    Look("#D55E00", (5, 2, 1, 2), 1.4),
    Look("#009E73", (3, 1), 1.4),
    Look("#CC79A7", (8, 2), 1.4),
    Look("#8C6D1F", (4, 1, 1, 1), 1.4),
    Look("#56B4E9", (2, 1), 1.4),
)


def look_of(method: str) -> Look:
    """Returns how a method is drawn."""
    names = REPLAY_METHODS.names
    return _LOOKS[names.index(method) % len(_LOOKS)] if method in names else _LOOKS[-1]
