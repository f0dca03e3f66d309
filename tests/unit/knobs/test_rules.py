import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.checks import matches
from knobs.contract import KnobKind, KnobSpec, NotAbove, RefusedError, RestoreClass
from knobs.keeper.rules import check_order, write_order

VALUES = (100, 200, 300, 400)


def spec(knob_id, not_above=None, tolerance=0.0):
    return KnobSpec(knob_id, "MHz", KnobKind.CLOCK, VALUES, RestoreClass.EXACT, "x", not_above, tolerance)


SPECS = {
    "min": spec("min", NotAbove("mid")),
    "mid": spec("mid", NotAbove("max")),
    "max": spec("max"),
    "quota": spec("quota", NotAbove("max", factor=0.5)),
}


def is_legal(configuration):
    try:
        check_order(SPECS.values(), configuration)
    except RefusedError:
        return False
    return True


every_configuration = [dict(zip(SPECS, values, strict=True)) for values in itertools.product(VALUES, repeat=len(SPECS))]
configurations = st.sampled_from([configuration for configuration in every_configuration if is_legal(configuration)])


@given(before=configurations, after=configurations)
def test_every_intermediate_state_is_legal(before, after):
    state = dict(before)
    order = write_order(SPECS, before, after)
    assert sorted(order) == sorted(after)
    for name in order:
        state[name] = after[name]
        assert is_legal(state)
    assert state == after


def test_an_order_that_is_broken_is_refused_with_both_names():
    with pytest.raises(RefusedError, match=r"min = 300 must not exceed 1 x mid = 200"):
        check_order(SPECS.values(), {"min": 300, "mid": 200})


def test_a_limit_that_is_not_named_is_the_devices_to_judge():
    check_order(SPECS.values(), {"min": 400})


@pytest.mark.parametrize(("read", "agrees"), [(100, True), (100.9, True), (101.1, False), ("100", False)])
def test_read_back_agrees_within_the_tolerance(read, agrees):
    assert matches(spec("x", tolerance=0.01), read, 100) is agrees


@given(before=configurations, after=configurations)
def test_a_knob_is_written_after_those_that_it_names(before, after):
    specs = {**SPECS, "level": replace(spec("level"), after=("max", "min", "absent"))}
    order = write_order(specs, {**before, "level": 100}, {**after, "level": 200})
    assert order.index("level") > max(order.index("max"), order.index("min"))
