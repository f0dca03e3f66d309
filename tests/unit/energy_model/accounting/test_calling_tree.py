from __future__ import annotations

from tests.unit.energy_model.accounting.timelines import timeline
from tuner.energy_model.accounting.calling_tree import Phase, Place, calling_tree
from tuner.energy_model.accounting.nesting import nest
from tuner.energy_model.accounting.timeline import NONE, Timeline


def paths(trace: Timeline) -> list[str]:
    """The place of each event, written out."""
    places, node = calling_tree(trace, nest(trace.lane, trace.start_ns, trace.end_ns))
    return [path(places, int(number)) for number in node]


def path(places: list[Place], number: int) -> str:
    place = places[number]
    name = place.label.name if place.label else str(place.phase)
    return name if place.parent == NONE else f"{path(places, place.parent)} {name}"


def test_events_that_do_the_same_in_the_same_place_are_one_node() -> None:
    trace = timeline(
        ("[layer", "cpu/1", 0, 10),
        ("linear", "cpu/1", 1, 3),
        ("addmm", "cpu/1", 1, 2),
        ("linear", "cpu/1", 4, 6),
        ("linear", "cpu/1", 11, 12),
    )
    assert paths(trace) == [
        "forward [layer",
        "forward [layer linear",
        "forward [layer linear addmm",
        "forward [layer linear",
        "forward linear",
    ]
    places, _ = calling_tree(trace, nest(trace.lane, trace.start_ns, trace.end_ns))
    assert len(places) == 1 + 4


def test_every_node_comes_after_the_one_around_it() -> None:
    trace = timeline(("inner", "cpu/1", 1, 2), ("[outer", "cpu/1", 0, 3), ("@kernel", "gpu:0/7", 0, 9))
    places, _ = calling_tree(trace, nest(trace.lane, trace.start_ns, trace.end_ns))
    assert all(place.parent < number for number, place in enumerate(places))


def test_a_kernel_is_within_the_operator_that_launched_it_whenever_it_runs() -> None:
    trace = timeline(
        ("[layer", "cpu/1", 0, 2),
        ("mm", "cpu/1", 0, 1),
        ("@gemm", "gpu:0/7", 5, 9),
        ("@memset", "gpu:0/7", 9, 10),
        origins={2: 1},
    )
    assert paths(trace)[2:] == ["forward [layer mm @gemm", "forward @memset"]


def test_a_gradient_is_within_the_module_of_its_forward_operator_in_the_backward_pass() -> None:
    trace = timeline(
        ("[net", "cpu/1", 0, 9),
        ("[layer", "cpu/1", 0, 4),
        ("mm", "cpu/1", 1, 2),
        ("^MmBackward", "cpu/2", 10, 14),
        ("mm", "cpu/2", 11, 13),
        ("@gemm", "gpu:0/7", 12, 20),
        ("^Unknown", "cpu/2", 15, 16),
        origins={3: 2, 5: 4},
    )
    assert paths(trace)[3:] == [
        "backward [net [layer ^MmBackward",
        "backward [net [layer ^MmBackward mm",
        "backward [net [layer ^MmBackward mm @gemm",
        "backward ^Unknown",
    ]


def test_a_gradient_within_a_gradient_stays_there() -> None:
    trace = timeline(
        ("[net", "cpu/1", 0, 4),
        ("mm", "cpu/1", 1, 2),
        ("^evaluate", "cpu/1", 5, 9),
        ("^MmBackward", "cpu/1", 6, 8),
        origins={2: 1, 3: 1},
    )
    assert paths(trace)[2:] == ["backward [net ^evaluate", "backward [net ^evaluate ^MmBackward"]


def test_the_phases_are_those_of_the_roots() -> None:
    trace = timeline(("mm", "cpu/1", 0, 1), ("^back", "cpu/1", 2, 3))
    places, node = calling_tree(trace, nest(trace.lane, trace.start_ns, trace.end_ns))
    assert [places[number].phase for number in node] == [Phase.FORWARD, Phase.BACKWARD]
