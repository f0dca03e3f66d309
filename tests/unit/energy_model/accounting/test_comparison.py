from __future__ import annotations

import pytest

from knobs.contract import Provenance, Scope
from tuner.energy_model.accounting.account import Account, MeterAccount, Node, NodeKind, OperatorRow
from tuner.energy_model.accounting.calling_tree import Phase
from tuner.energy_model.accounting.clocks import ClockOffset
from tuner.energy_model.accounting.comparison import Difference, compare

Place = tuple[int, str, str, float, float]
"""Parent, name, class (empty for an operator), own joules and half width of the total."""


def account(places: list[Place], *, batch_size: int | None = 1, repetitions: int = 1, title: str = "net") -> Account:
    totals = [place[3] for place in places]
    for position in range(len(places) - 1, 0, -1):
        totals[places[position][0]] += totals[position]
    nodes = [
        Node(
            parent,
            name,
            NodeKind.PASS if parent < 0 else NodeKind.MODULE if detail else NodeKind.OPERATOR,
            detail,
            Phase.FORWARD,
            "cpu",
            repetitions,
            own_j,
            own_j,
            total_j,
            half_width_j,
            0.0,
        )
        for (parent, name, detail, own_j, half_width_j), total_j in zip(places, totals, strict=True)
    ]
    rows = [
        OperatorRow(node.name, "", Phase.FORWARD, "cpu", 1, node.self_s, node.self_j, node.half_width_j, 0.0, 0.0)
        for node in nodes
        if node.kind is NodeKind.OPERATOR
    ]
    meter = MeterAccount("m", ("cpu",), Provenance.MEASURED, Scope.CPU, totals[0], 0.0, 0.0, 0.0, 0.01, "split")
    clock = ClockOffset(0.0, None, "one clock")
    return Account(title, batch_size, repetitions, 1.0, (meter,), tuple(nodes), tuple(rows), tuple(rows), clock)


def net(linear_j: float, tanh_j: float, half_width_j: float = 0.1, **more: int | None) -> Account:
    return account(
        [
            (-1, "forward", "", 0, half_width_j),
            (0, "", "Net", 0, half_width_j),
            (1, "layer", "Linear", 0, half_width_j),
            (2, "addmm", "", linear_j, half_width_j),
            (1, "act", "Tanh", 0, half_width_j),
            (4, "tanh", "", tanh_j, half_width_j),
        ],
        **more,  # type: ignore[arg-type]
    )


def at(differences: tuple[Difference, ...], *path: str) -> Difference:
    (found,) = [one for one in differences if one.path == path]
    return found


def test_places_with_the_same_names_are_the_same() -> None:
    found = compare(net(4, 2), net(6, 1))
    layer = at(found.places, "forward", "Net", "layer")
    assert (layer.first_j, layer.second_j, layer.difference_j) == (4, 6, 2)
    assert at(found.places, "forward", "Net", "act").difference_j == -1
    assert (found.first_j, found.second_j, found.unit) == (6, 7, "batch")


def test_every_place_comes_after_the_one_around_it_and_large_ones_first() -> None:
    paths = [one.path for one in compare(net(4, 2), net(6, 9)).places]
    assert all(path[:-1] in paths[:place] for place, path in enumerate(paths) if len(path) > 1)
    assert paths.index(("forward", "Net", "act")) < paths.index(("forward", "Net", "layer"))


def test_a_difference_within_its_interval_is_not_certain() -> None:
    assert at(compare(net(4, 2), net(4.3, 2)).places, "forward", "Net", "layer").is_certain
    close = at(compare(net(4, 2), net(4.1, 2)).places, "forward", "Net", "layer")
    assert not close.is_certain
    assert close.half_width_j == pytest.approx(0.1 * 2**0.5)


def test_batches_of_different_sizes_are_compared_by_the_item() -> None:
    found = compare(net(4, 2), net(16, 8, batch_size=8, repetitions=2))
    assert found.unit == "item"
    assert at(found.places, "forward", "Net", "layer").second_j == pytest.approx(16 / 16)
    assert found.second_j == pytest.approx(24 / 16)


def test_operators_are_ordered_by_how_much_they_differ() -> None:
    assert [one.path for one in compare(net(4, 2), net(4.5, 9)).operators] == [("tanh",), ("addmm",)]


def test_networks_of_different_names_are_compared_by_the_classes_of_their_modules() -> None:
    bert = account(
        [
            (-1, "forward", "", 0, 0),
            (0, "", "BertModel", 0, 0),
            (1, "layer.0", "BertLayer", 0, 0),
            (2, "layer.0.dense", "Linear", 0, 0),
            (3, "addmm", "", 3, 0),
            (1, "layer.1", "BertLayer", 0, 0),
            (5, "layer.1.dense", "Linear", 0, 0),
            (6, "addmm", "", 4, 0),
        ]
    )
    albert = account(
        [
            (-1, "forward", "", 0, 0),
            (0, "", "AlbertModel", 0, 0),
            (1, "groups.0", "AlbertLayerGroup", 0, 0),
            (2, "groups.0.layers.0", "AlbertLayer", 0, 0),
            (3, "groups.0.layers.0.ffn", "Linear", 0, 0),
            (4, "addmm", "", 5, 0),
        ]
    )
    found = compare(bert, albert)
    linear = at(found.places, "forward", "Model", "Layer", "Linear", "addmm")
    assert (linear.first_j, linear.second_j) == (7, 5)
    assert not any("LayerGroup" in one.path for one in found.places)
