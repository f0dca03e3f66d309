import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.drivers.nvidia.gpu import PowerRange
from knobs.drivers.nvidia.power_limit import _choices_w

milliwatts = st.integers(1_000, 2_000_000)


@settings(deadline=None)
@given(st.tuples(milliwatts, milliwatts, milliwatts).map(sorted), st.lists(milliwatts, max_size=3))
def test_the_choices_are_few_ascend_and_hold_what_means_something(limits, in_force_mw):
    low, default, high = limits
    choices = _choices_w(PowerRange(low, default, high), in_force_mw)
    in_range = [limit for limit in (low, default, high, *in_force_mw) if low <= limit <= high]
    assert {limit / 1000 for limit in in_range} <= set(choices)
    assert list(choices) == sorted(set(choices))
    assert low / 1000 <= choices[0]
    assert choices[-1] <= high / 1000
    assert len(choices) <= (high - low) / 1000 / 5 + 8
    assert all(isinstance(choice, int) for choice in choices if choice == int(choice))
    assert max((after - before for before, after in itertools.pairwise(choices)), default=0) <= 10
