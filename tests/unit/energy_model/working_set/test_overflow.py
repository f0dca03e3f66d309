"""The batch sizes at which levels overflow, and what is proposed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.energy_model.working_set.dense import DenseNetwork
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.energy_model.working_set.overflow import Overflow, batch_sizes_to_try, overflows
from tuner.energy_model.working_set.sets import Part, WorkingSets, place

NETWORK = DenseNetwork((100, 100))
"""40,400 bytes of parameters; 800 bytes an item between the layers."""


def sets_at(batch: int) -> WorkingSets:
    return NETWORK.working_sets(batch)


def hierarchy(*sizes: int) -> MemoryHierarchy:
    levels = (MemoryLevel(f"L{number}", size) for number, size in enumerate(sizes, start=1))
    return MemoryHierarchy("a device", tuple(levels), "a test")


def last(found: tuple[Overflow, ...], level: str, part: Part) -> tuple[int, bool]:
    return next((each.last_batch, each.is_bound) for each in found if each.level == level and each.part is part)


def test_overflows_by_hand() -> None:
    found = overflows(sets_at, hierarchy(8_000, 100_000, 1 << 30), largest=1000)
    assert last(found, "L1", Part.INTER_LAYER) == (10, True)
    assert last(found, "L1", Part.FORWARD) == (0, True)
    assert last(found, "L2", Part.INTER_LAYER) == (125, True)
    # What does not fit the first level leaves it full: 40,400 + 800 B must fit 8,000 + 100,000, or else 100,000.
    assert last(found, "L2", Part.FORWARD) == (74, True)
    assert last(found, "L3", Part.DATA) == (1000, False)


@settings(max_examples=50)
@given(
    sizes=st.lists(st.integers(1_000, 10_000_000), min_size=1, max_size=3),
    largest=st.integers(1, 3000),
    training=st.booleans(),
)
def test_the_next_batch_overflows_and_this_one_does_not(sizes: list[int], largest: int, training: bool) -> None:
    levels = hierarchy(*sizes)

    def sets(batch: int) -> WorkingSets:
        return NETWORK.working_sets(batch, training=training)

    def level_of(part: Part, batch: int) -> int:
        return next(each.level for each in place(sets(batch), levels) if each.part is part)

    for found in overflows(sets, levels, largest):
        index = levels.names.index(found.level)
        if found.last_batch:
            assert level_of(found.part, found.last_batch) <= index
        assert found.is_bound == (found.last_batch < largest)
        if found.is_bound:
            assert level_of(found.part, found.last_batch + 1) > index


def test_proposals_have_the_edges_and_powers_of_two_away_from_them() -> None:
    found = overflows(sets_at, hierarchy(8_000, 100_000, 1 << 30), largest=256)
    edges = {
        last(found, level, part)[0] for level in ("L1", "L2") for part in (Part.INTER_LAYER, Part.FORWARD, Part.DATA)
    }
    assert edges == {0, 10, 37, 74, 125}
    assert batch_sizes_to_try(found, 256) == (1, 2, 4, 10, 16, 37, 74, 125, 256)


def test_of_edges_close_together_the_lowest_stands_for_all() -> None:
    found = [Overflow(Part.FORWARD, "L2", batch, is_bound=True) for batch in (100, 90, 110, 130)]
    assert batch_sizes_to_try([*found, Overflow(Part.FORWARD, "memory", 128, is_bound=False)], 128) == (
        *(1, 2, 4, 8, 16, 32, 64, 90),
        128,
    )


def test_nothing_beyond_memory_is_proposed() -> None:
    found = overflows(sets_at, hierarchy(8_000, 200_000), largest=4096)
    assert max(batch_sizes_to_try(found, 4096)) == last(found, "L2", Part.DATA)[0] < 200


def test_a_model_that_fits_nowhere_has_no_batch() -> None:
    found = overflows(sets_at, hierarchy(8_000, 40_000), largest=64)
    assert batch_sizes_to_try(found, 64) == ()


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=8), st.integers(1, 4096))
def test_proposals_are_in_order_and_start_with_one(edges: list[int], largest: int) -> None:
    found = [Overflow(Part.FORWARD, f"L{n}", min(edge, largest), edge < largest) for n, edge in enumerate(edges)]
    found.append(Overflow(Part.FORWARD, "memory", largest, is_bound=False))
    proposed = batch_sizes_to_try(found, largest)
    assert proposed[0] == 1
    assert list(proposed) == sorted(set(proposed))
    assert proposed[-1] <= largest
