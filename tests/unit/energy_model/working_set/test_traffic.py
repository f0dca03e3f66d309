"""Reuse distances and the levels that serve: by hand, against a plain count, and where caches overflow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.energy_model.working_set.touches import BlockTouch, Touch, in_blocks, peak_bytes
from tuner.energy_model.working_set.traffic import held_share, level_shares, reuse_distances, served_bytes


def hierarchy(*sizes: int, units: int = 1) -> MemoryHierarchy:
    caches = [MemoryLevel(f"L{number}", size, units) for number, size in enumerate(sizes, start=1)]
    return MemoryHierarchy("a device", (*caches, MemoryLevel("memory", 1 << 40)), "a test")


def touches(*blocks: tuple[int, int], replicated: bool = False) -> list[BlockTouch]:
    return [BlockTouch(block, n_bytes, replicated) for block, n_bytes in blocks]


def test_distances_by_hand() -> None:
    # A(10) B(20) A C(5), again and again: A sees B; B sees A, C and A, which is one A; A sees C; C sees A and B.
    found = reuse_distances(touches((0, 10), (1, 20), (0, 10), (2, 5)))
    assert [each.n_bytes for each in found] == [10 + 5, 20 + 10 + 5, 10 + 20, 5 + 10 + 20]


def test_one_block_alone_sees_itself() -> None:
    assert [each.n_bytes for each in reuse_distances(touches((0, 7)))] == [7]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=25))
def test_distances_are_those_of_a_plain_count(blocks: list[int]) -> None:
    sizes = [3, 5, 7, 11, 13, 17]
    found = reuse_distances(touches(*((block, sizes[block]) for block in blocks)))
    twice = blocks * 2
    for position, block in enumerate(blocks, start=len(blocks)):
        before = max(index for index in range(position) if twice[index] == block)
        distinct = set(twice[before:position])
        assert found[position - len(blocks)].n_bytes == sum(sizes[each] for each in distinct)


def test_all_is_served_by_the_cache_that_holds_it() -> None:
    cyclic = touches(*((block, 100) for block in range(10)))
    assert served_bytes(cyclic, hierarchy(1000, 5000)) == (1000, 0, 0)
    assert served_bytes(cyclic, hierarchy(100, 1000)) == pytest.approx((100, 900, 0))
    assert served_bytes(cyclic, hierarchy(10, 100)) == pytest.approx((10, 90, 900))


def test_activations_are_divided_over_caches_and_parameters_are_not() -> None:
    activations = touches((0, 400))
    parameters = touches((0, 400), replicated=True)
    assert served_bytes(activations, hierarchy(100, units=4)) == (400, 0)
    assert served_bytes(parameters, hierarchy(100, units=4)) == (100, 300)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 10_000)), min_size=1, max_size=20),
    st.lists(st.integers(1, 20_000), min_size=1, max_size=3),
)
def test_no_byte_is_lost_and_none_is_negative(blocks: list[tuple[int, int]], sizes: list[int]) -> None:
    served = served_bytes(touches(*blocks), hierarchy(*sizes))
    assert min(served) >= 0
    assert sum(served) == pytest.approx(sum(n_bytes for _, n_bytes in blocks))


@given(st.floats(1, 1e12), st.floats(1, 1e12))
def test_a_cache_holds_all_of_what_fits_and_less_the_more_it_is(distance: float, capacity: float) -> None:
    share = held_share(distance, capacity)
    assert 0 < share <= 1
    assert (share == 1) == (distance <= capacity)
    assert held_share(distance * 2, capacity) <= share


def test_a_small_cache_behind_a_large_one_adds_nothing() -> None:
    (distance,) = reuse_distances(touches((0, 1000)))
    assert level_shares(distance, hierarchy(500, 200)) == (0.5, 0.0, 0.5)


def test_a_chain_needs_two_blocks() -> None:
    steps = [(Touch("a", 10), Touch("b", 10)), (Touch("b", 10), Touch("c", 10)), (Touch("c", 10), Touch("d", 10))]
    blocks = [touch.block for touch in in_blocks(steps)]
    assert blocks == [0, 1, 1, 0, 0, 1]


def test_a_branch_keeps_its_block() -> None:
    steps = [(Touch("a", 10), Touch("b", 10)), (Touch("b", 10), Touch("c", 10)), (Touch("a", 10), Touch("c", 10))]
    blocks = [touch.block for touch in in_blocks(steps)]
    assert blocks == [0, 1, 1, 2, 0, 2]


def test_a_parameter_gives_its_block_to_nobody() -> None:
    weight = Touch("w", 10, is_replicated=True, is_lasting=True)
    blocks = [touch.block for touch in in_blocks([(weight, Touch("a", 10)), (Touch("b", 10),)])]
    assert blocks == [0, 1, 1]


def test_of_free_blocks_the_smallest_that_fits_is_taken() -> None:
    steps = [(Touch("large", 100), Touch("small", 10)), (Touch("next", 9),), (Touch("last", 50),)]
    assert [touch.block for touch in in_blocks(steps)] == [0, 1, 1, 0]


def test_what_lives_at_once() -> None:
    weight = Touch("w", 1000, is_replicated=True)
    steps = [(Touch("a", 1), weight, Touch("b", 2)), (Touch("b", 2), Touch("c", 4)), (Touch("a", 1), Touch("c", 4))]
    assert peak_bytes(steps) == 1 + 2 + 4
    assert peak_bytes(steps[:2]) == 2 + 4
    assert peak_bytes([]) == 0
