import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.meters.counter import WrappingCounter


@given(range_=st.integers(2, 2**64), start=st.integers(0), steps=st.lists(st.integers(0), max_size=30))
def test_a_counter_that_wraps_is_counted_on(range_, start, steps):
    true = start % range_
    counter = WrappingCounter(range_)
    assert counter.total(true % range_) == true
    for step in steps:
        true += step % range_
        assert counter.total(true % range_) == true


def test_a_counter_without_a_range_is_refused():
    with pytest.raises(ValueError, match="positive"):
        WrappingCounter(0)
