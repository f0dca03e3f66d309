"""At which level of memory a working set fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuner.energy_model.working_set.dense import DenseNetwork
from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.energy_model.working_set.sets import Extent, Part, WorkingSets, place

BUTTER_E_CPU = MemoryHierarchy(
    "2 x Xeon Gold 6154",
    (
        MemoryLevel("L1", 32 << 10, units=36),
        MemoryLevel("L2", 1 << 20, units=36),
        MemoryLevel("L3", int(24.75 * 2**20), units=2, shared_by=18),
        MemoryLevel("memory", 96 << 30, shared_by=36),
    ),
    "arXiv 2403.08151, common.py",
)


def levels(sets: WorkingSets, hierarchy: MemoryHierarchy = BUTTER_E_CPU) -> dict[Part, str]:
    return {
        each.part: hierarchy.levels[each.level].name if each.level < len(hierarchy.levels) else "nowhere"
        for each in place(sets, hierarchy)
    }


def sets_of(inter_layer: int = 0, parameters: int = 0, kept: int = 0, gradients: int = 0, data: int = 0) -> WorkingSets:
    return WorkingSets(
        Extent(0, inter_layer), Extent(parameters, 0), Extent(0, kept), Extent(gradients, 0), Extent(0, data)
    )


def test_what_is_small_is_in_the_first_cache() -> None:
    assert set(levels(sets_of(inter_layer=1000, parameters=1000, data=1000)).values()) == {"L1"}


def test_activations_are_divided_over_the_caches_and_parameters_are_not() -> None:
    assert levels(sets_of(inter_layer=36 * (32 << 10)))[Part.INTER_LAYER] == "L1"
    assert levels(sets_of(inter_layer=36 * (32 << 10) + 36))[Part.INTER_LAYER] == "L2"
    assert levels(sets_of(parameters=32 << 10))[Part.FORWARD] == "L1"
    assert levels(sets_of(parameters=(32 << 10) + 1))[Part.FORWARD] == "L2"


def test_parameters_get_what_activations_leave() -> None:
    full = 36 * (32 << 10)
    assert levels(sets_of(inter_layer=full, parameters=1))[Part.FORWARD] == "L2"
    assert levels(sets_of(inter_layer=full // 2, parameters=16 << 10))[Part.FORWARD] == "L1"


def test_a_set_that_leaves_a_level_leaves_it_full() -> None:
    # 40 KiB of parameters do not fit into L1; what comes after them finds no place there either.
    placements = {each.part: each for each in place(sets_of(parameters=40 << 10, data=36), BUTTER_E_CPU)}
    assert placements[Part.FORWARD].occupied_bytes == (32 << 10) + (40 << 10)
    assert placements[Part.DATA].level == 1


def test_gradients_come_after_parameters_and_start_where_these_did() -> None:
    found = levels(sets_of(parameters=20 << 10, gradients=20 << 10, kept=36))
    assert (found[Part.FORWARD], found[Part.BACKWARD]) == ("L1", "L2")


def test_there_is_no_backward_pass_in_inference() -> None:
    assert list(levels(sets_of(parameters=1))) == [Part.INTER_LAYER, Part.FORWARD, Part.DATA]


def test_what_fits_nowhere_has_no_level() -> None:
    assert levels(sets_of(parameters=97 << 30))[Part.FORWARD] == "nowhere"


@given(
    widths=st.lists(st.integers(1, 3000), min_size=2, max_size=6).map(tuple),
    batch=st.integers(1, 1 << 20),
    more=st.integers(1, 1 << 20),
    wider=st.integers(1, 3000),
    training=st.booleans(),
    cores=st.integers(1, 36),
)
def test_the_level_rises_with_batch_and_parameters(
    widths: tuple[int, ...], batch: int, more: int, wider: int, training: bool, cores: int
) -> None:
    hierarchy = BUTTER_E_CPU.used_by(cores)

    def level_of(network: tuple[int, ...], items: int) -> list[int]:
        sets = DenseNetwork(network).working_sets(items, training=training)
        return [each.level for each in place(sets, hierarchy)]

    here = level_of(widths, batch)
    assert all(a <= b for a, b in zip(here, level_of(widths, batch + more), strict=True))
    assert all(a <= b for a, b in zip(here, level_of(tuple(w + wider for w in widths), batch), strict=True))


@given(cores=st.integers(1, 36))
def test_fewer_cores_see_fewer_caches(cores: int) -> None:
    units = [level.units for level in BUTTER_E_CPU.used_by(cores).levels]
    assert units == [cores, cores, 1 if cores <= 18 else 2, 1]
