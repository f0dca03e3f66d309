"""Flame graph and treemap: Plotly's figures as JSON. Colours are half transparent, to suit light and dark paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tuner.energy_model.accounting.account import BETWEEN, Account, NodeKind
from tuner.energy_model.accounting.calling_tree import Phase
from tuner.energy_model.accounting.comparison import Comparison
from tuner.report.accounting.words import half_width_text, joules_text, part_text, titled
from tuner.report.page.figures import CLEAR, Figure
from tuner.report.vocabulary import quantity_text, signed_share_text

_LEAST_SHARE = 0.001
_HEIGHT = 560
_IDLE = "idle"
_OPERATOR, _BETWEEN_COLOUR, _IDLE_COLOUR = "rgba(214, 137, 16, 0.45)", "rgba(138, 143, 152, 0.45)", CLEAR
_MODULES = {Phase.FORWARD: "rgba(63, 99, 189, {:.2f})", Phase.BACKWARD: "rgba(133, 78, 178, {:.2f})"}
_BESIDE, _UPON = 0.38, 0.12
"""How strong a module's colour is where places lie beside each other, and where they lie upon each other."""

_KERNEL = "rgba(15, 157, 118, 0.42)"
_MORE, _LESS, _SAME = "rgba(217, 87, 60, {:.2f})", "rgba(15, 157, 118, {:.2f})", "rgba(138, 143, 152, 0.08)"
_FULL_COLOUR_SHARE = 0.3
_TREEMAP = {"maxdepth": 7, "tiling": {"pad": 2}}


class _Sectors:
    """Sectors of a chart of parts and wholes; the values of parts never exceed their whole's."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.parents: list[str] = []
        self.values: list[float] = []
        self.colours: list[str] = []
        self.texts: list[str] = []

    def add(self, key: str, parent: str, label: str, value: float, colour: str, text: str) -> None:
        self.ids.append(key)
        self.labels.append(escape(label))
        self.parents.append(parent)
        self.values.append(value)
        self.colours.append(colour)
        self.texts.append(text)

    def figure(self, kind: str, **more: object) -> Figure:
        trace: Figure = {
            "type": kind,
            "ids": self.ids,
            "labels": self.labels,
            "parents": self.parents,
            "values": self.values,
            "branchvalues": "total",
            "customdata": self.texts,
            "marker": {"colors": self.colours, "line": {"width": 1, "color": "rgba(128, 128, 128, 0.35)"}},
            "hovertemplate": "<b>%{label}</b><br>%{customdata}<extra></extra>",
            "sort": False,
            "root": {"color": CLEAR},
            **more,
        }
        layout = {
            "height": _HEIGHT,
            "margin": {"l": 0, "r": 0, "t": 4, "b": 4},
            "paper_bgcolor": CLEAR,
            "font": {"family": "inherit", "size": 12},
            "hoverlabel": {"align": "left"},
        }
        return {"data": [trace], "layout": layout}


def flame_graph(account: Account) -> Figure:
    """Returns the tree from the top down; the width of a place is its share of the joules."""
    return _sectors(account, _BESIDE).figure(
        "icicle", tiling={"orientation": "v", "pad": 1}, textposition="middle center"
    )


def treemap(account: Account) -> Figure:
    """Returns the tree as areas; the area of a place is its share of the joules."""
    return _sectors(account, _UPON).figure("treemap", **_TREEMAP)


def _sectors(account: Account, strength: float) -> _Sectors:
    sectors = _Sectors()
    least_j = _LEAST_SHARE * account.energy_j
    sectors.add("all", "", account.title, account.active_j + account.idle_j, CLEAR, _text(account, account.energy_j))
    shown: set[int] = set()
    for position, node in enumerate(account.nodes):
        if node.total_j < least_j or (node.parent >= 0 and node.parent not in shown):
            continue
        shown.add(position)
        parent = str(node.parent) if node.parent >= 0 else "all"
        label = titled(account.short_name(position), node.detail)
        text = f"{_text(account, node.total_j)} {half_width_text(node.half_width_share)}"
        sectors.add(str(position), parent, label, node.total_j, _colour(node.kind, node.phase, strength), text)
        if node.kind is NodeKind.MODULE and node.self_j >= least_j:
            text = _text(account, node.self_j)
            sectors.add(f"{position}-self", str(position), BETWEEN, node.self_j, _BETWEEN_COLOUR, text)
    if account.idle_j >= least_j:
        sectors.add(_IDLE, "all", _IDLE, account.idle_j, _IDLE_COLOUR, _text(account, account.idle_j))
    return sectors


def _text(account: Account, joules: float) -> str:
    return f"{joules_text(account, joules)}, {part_text(account, joules)}"


def _colour(kind: NodeKind, phase: Phase, strength: float) -> str:
    if kind is NodeKind.KERNEL:
        return _KERNEL
    return _MODULES[phase].format(strength) if kind in (NodeKind.MODULE, NodeKind.PASS) else _OPERATOR


def difference_treemap(comparison: Comparison) -> Figure:
    """Returns areas by the larger of both accounts; red uses more in the second, green less."""
    sectors = _Sectors()
    values = _values([(one.path, max(one.first_j, one.second_j)) for one in comparison.places])
    whole = sum(value for path, value in values.items() if len(path) == 1)
    sectors.add("all", "", "both", whole, CLEAR, "")
    for one in comparison.places:
        if values[one.path] < _LEAST_SHARE * whole:
            continue
        share = one.difference_j / one.first_j if one.first_j else 1.0
        text = f"{quantity_text(one.first_j, 'J')} → {quantity_text(one.second_j, 'J')}" + (
            f" ({signed_share_text(share)})" if one.first_j else ""
        )
        parent = _key(one.path[:-1]) if len(one.path) > 1 else "all"
        colour = _difference_colour(share) if one.is_certain or one.half_width_j is None else _SAME
        sectors.add(_key(one.path), parent, one.path[-1], values[one.path], colour, text)
    return sectors.figure("treemap", **_TREEMAP)


def _values(places: Sequence[tuple[tuple[str, ...], float]]) -> dict[tuple[str, ...], float]:
    """A whole must not be smaller than its parts together, each of which is the larger one of two accounts."""
    values = dict(places)
    within: dict[tuple[str, ...], float] = {}
    for path in sorted(values, key=len, reverse=True):
        values[path] = max(values[path], within.get(path, 0.0))
        within[path[:-1]] = within.get(path[:-1], 0.0) + values[path]
    return values


def _key(path: tuple[str, ...]) -> str:
    return "\n".join(path)


def _difference_colour(share: float) -> str:
    strength = _UPON * (0.4 + 1.6 * min(abs(share) / _FULL_COLOUR_SHARE, 1.0))
    return (_MORE if share > 0 else _LESS).format(strength)
