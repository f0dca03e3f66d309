"""Fully-connected networks worked out by hand, and what must hold for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.energy_model.working_set.dense import DenseNetwork
from tuner.energy_model.working_set.sets import Part
from tuner.errors import BadInputError

WIDTHS = st.lists(st.integers(1, 300), min_size=2, max_size=8).map(tuple)
BATCHES = st.integers(1, 5000)


def test_a_network_worked_by_hand() -> None:
    network = DenseNetwork((3, 5, 2))
    assert network.layers == 2
    assert network.parameters == 3 * 5 + 5 + 5 * 2 + 2 == 32
    assert network.forward_operations(batch=10) == 10 * (15 + 5 + 10 + 2)
    # First layer: 2 * 5 + 15, no gradient of the inputs; second: 2 * 2 + 10 + 10; then the parameters.
    assert network.backward_operations(batch=10) == 10 * (25 + 24) + 32 * 11


def test_its_working_sets_in_inference() -> None:
    sets = DenseNetwork((3, 5, 2)).working_sets(batch=10)
    assert sets.inter_layer.distributed_bytes == 4 * 10 * (3 + 5)
    assert sets.total(Part.FORWARD).n_bytes == 320 + 4 * 32
    assert sets.total(Part.DATA).n_bytes == 320 + 128 + 4 * 10 * (3 + 2)
    assert not sets.is_training


def test_its_working_sets_in_training() -> None:
    sets = DenseNetwork((3, 5, 2)).working_sets(batch=10, training=True, items=1000)
    assert sets.is_training
    backward = sets.total(Part.BACKWARD)
    assert backward.replicated_bytes == 8 * 32
    assert backward.distributed_bytes == 4 * 10 * (3 + 5 + 2)
    assert sets.total(Part.DATA).n_bytes == backward.n_bytes + 4 * 1000 * (3 + 2)


def test_without_biases_only_the_weights_are_left() -> None:
    assert DenseNetwork((3, 5, 2), with_bias=False).parameters == 25


@given(widths=WIDTHS, batch=BATCHES, more=st.integers(1, 1000), training=st.booleans())
def test_every_working_set_grows_with_batch_and_parameters(
    widths: tuple[int, ...], batch: int, more: int, training: bool
) -> None:
    here = DenseNetwork(widths).working_sets(batch, training=training)
    later = DenseNetwork(widths).working_sets(batch + more, training=training)
    wider = DenseNetwork(tuple(width + more for width in widths)).working_sets(batch, training=training)
    for part in Part:
        assert here.total(part).n_bytes <= later.total(part).n_bytes
        assert here.total(part).n_bytes < wider.total(part).n_bytes


@given(widths=WIDTHS, batch=BATCHES)
def test_a_working_set_includes_those_before_it(widths: tuple[int, ...], batch: int) -> None:
    sets = DenseNetwork(widths).working_sets(batch, training=True)
    sizes = [sets.total(part).n_bytes for part in Part]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("widths", [(), (4,), (4, 0)])
def test_what_is_no_network_is_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError):
        DenseNetwork(widths)
