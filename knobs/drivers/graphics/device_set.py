"""Like GPUs of one machine, set alike and metered together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from knobs.contract import Absence, Knob
from knobs.drivers.graphics.card import GraphicsCard
from knobs.found import Found, merged
from knobs.gang import Gang
from knobs.meters.total import TotalMeter


def in_sets(parts: Mapping[GraphicsCard, Found]) -> Found:
    """Returns what the cards of a machine offer, with one knob and one total in place of those of like cards.

    Args:
        parts: What each card offers.
    """
    names = dict.fromkeys(card.name for card in parts)
    return merged(_joined(name, {card: part for card, part in parts.items() if card.name == name}) for name in names)


def _joined(name: str, parts: Mapping[GraphicsCard, Found]) -> Found:
    everything = merged(parts.values())
    if len(parts) == 1:
        return everything
    knobs = tuple(_knobs(parts))
    meters = everything.meters
    if meters and len(meters) == len(parts):
        meters = (TotalMeter(f"{name}.energy", name, meters), *meters)
    return Found(
        knobs=tuple(knob for knob in knobs if isinstance(knob, Knob)),
        meters=meters,
        monitors=everything.monitors,
        absent=tuple(dict.fromkeys((*everything.absent, *(knob for knob in knobs if isinstance(knob, Absence))))),
    )


def _knobs(parts: Mapping[GraphicsCard, Found]) -> Iterator[Knob | Absence]:
    """One knob for each id that every card offers; a journal entry finds its members by PCI address."""
    members: dict[str, dict[str, Knob]] = {}
    for card, part in parts.items():
        for knob in part.knobs:
            members.setdefault(knob.spec.id, {})[card.address] = knob
    for knob_id, alike in members.items():
        if len(alike) == len(parts):
            yield Gang(alike)
        else:
            lacking = ", ".join(card.unit for card in parts if card.address not in alike)
            yield Absence(knob_id, f"it holds for all like GPUs or none, and {lacking} lacks it", "see why it does")
