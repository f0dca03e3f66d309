"""Like GPUs of one machine, set alike and metered together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from knobs.contract import Absence, Knob
from knobs.drivers.graphics.card import GraphicsCard, find_cards, is_wished, sleeping
from knobs.found import Found, Part, merged
from knobs.gang import Gang
from knobs.meters.total import TotalMeter
from knobs.sysfs import KernelFiles


def find_in_sets(
    files: KernelFiles, drivers: Iterable[str], gpus: Iterable[str], offered: Callable[[GraphicsCard], Iterable[Part]]
) -> Found:
    """Returns what the cards of some drivers offer, with one knob and one total in place of those of like cards.

    Args:
        files: The kernel's files.
        drivers: The kernel drivers.
        gpus: The GPUs that may be touched; none named stands for all.
        offered: Returns what a card offers that is awake.
    """
    cards = [card for card in find_cards(files, drivers) if is_wished(card, gpus)]
    parts = {card: Found.of([sleeping(card)] if card.asleep else offered(card)) for card in cards}
    names = dict.fromkeys(card.name for card in cards)
    return merged(_joined(name, {card: part for card, part in parts.items() if card.name == name}) for name in names)


def _joined(name: str, parts: Mapping[GraphicsCard, Found]) -> Found:
    everything = merged(parts.values())
    if len(parts) == 1:
        return everything
    meters = everything.meters
    if meters and len(meters) == len(parts):
        meters = (TotalMeter(f"{name}.energy", name, meters), *meters)
    return Found.of([*_knobs(parts), *meters, *everything.monitors, *dict.fromkeys(everything.absent)])


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
