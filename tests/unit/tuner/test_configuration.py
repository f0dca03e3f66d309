import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.configuration import Configuration, ConfigurationSpace, OrderConstraint, Owner, Parameter, ParameterKind
from tuner.errors import BadInputError
from tuner.serialization import decode, encode

VALUES = st.dictionaries(
    st.text(min_size=1), st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


def _parameter(name, choices):
    return Parameter(name, "MHz", ParameterKind.CLOCK, tuple(choices), Owner.KNOB)


def _space():
    parameters = (_parameter("max", (1, 2, 3)), _parameter("other", (7, 8)), _parameter("min", (1, 2, 3)))
    return ConfigurationSpace(parameters, (OrderConstraint("min", "max"),))


@given(VALUES)
def test_a_configuration_is_its_values_in_any_order(values):
    backwards = dict(reversed(list(values.items())))
    assert Configuration(values) == Configuration(backwards)
    assert hash(Configuration(values)) == hash(Configuration(backwards))


@given(VALUES)
def test_a_configuration_survives_json(values):
    assert decode(encode(Configuration(values)), Configuration) == values


def test_a_space_holds_exactly_the_legal_points_once():
    points = list(_space())
    assert len(points) == len(set(points)) == _space().size == 12
    assert all(point["min"] <= point["max"] for point in points)
    assert all(point in _space() for point in points)


def test_a_space_without_constraints_counts_without_enumerating():
    parameters = tuple(_parameter(f"p{n}", range(100)) for n in range(10))
    assert ConfigurationSpace(parameters).size == 100**10


PARAMETER_IDS = ("a", "b", "c", "d")


@st.composite
def constrained_spaces(draw):
    choices = st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True).map(sorted)
    ends = st.tuples(st.sampled_from(PARAMETER_IDS), st.sampled_from(PARAMETER_IDS))
    orders = draw(st.lists(st.tuples(ends, st.sampled_from((0.5, 1.0, 2.0))), max_size=6))
    parameters = tuple(_parameter(name, draw(choices)) for name in PARAMETER_IDS)
    return ConfigurationSpace(parameters, tuple(OrderConstraint(*tied, factor) for tied, factor in orders))


@given(constrained_spaces())
def test_the_size_is_the_number_of_points_listed(space):
    assert space.size == sum(1 for _ in space)


@given(constrained_spaces())
def test_every_listed_point_is_legal(space):
    assert all(point in space for point in space)


def test_constrained_parameters_are_counted_without_listing_the_others():
    parameters = tuple(_parameter(f"p{n}", range(100)) for n in range(10))
    orders = (OrderConstraint("p0", "p1"), OrderConstraint("p7", "p4"))
    assert ConfigurationSpace(parameters, orders).size == 5050**2 * 100**6


@given(st.integers(1, 9), st.lists(st.integers(1, 9)), st.sampled_from((0.5, 1.0, 2.0)))
def test_partners_are_the_choices_that_keep_the_order(value, choices, factor):
    order = OrderConstraint("low", "high", factor)
    assert order.partners("high", value, choices) == [one for one in choices if one <= factor * value]
    assert order.partners("low", value, choices) == [one for one in choices if value <= factor * one]


def test_an_order_may_have_a_factor():
    order = OrderConstraint("quota", "cores", factor=100)
    assert order.holds(Configuration({"quota": 200, "cores": 2}))
    assert not order.holds(Configuration({"quota": 200, "cores": 1}))


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"max": 3, "other": 7}, "min"),
        ({"max": 3, "other": 7, "min": 1, "odd": 1}, "odd"),
        ({"max": 3, "other": 9, "min": 1}, "other"),
        ({"max": 1, "other": 7, "min": 2}, "min"),
    ],
)
def test_what_is_not_legal_is_named(values, names):
    with pytest.raises(BadInputError, match=names):
        _space().check(Configuration(values))


def test_a_pool_is_a_space_of_its_own_points():
    pool = (Configuration({"a": 1}), Configuration({"a": 3}))
    space = ConfigurationSpace((_parameter("a", (1, 2, 3)),), pool=pool)
    assert list(space) == list(pool)
    assert Configuration({"a": 2}) not in space
    assert decode(encode(space), ConfigurationSpace) == space


def test_a_point_is_found_in_a_pool_without_being_compared_to_the_others():
    comparisons = []

    class Watched(Configuration):
        __hash__ = Configuration.__hash__

        def __eq__(self, other):
            comparisons.append(other)
            return super().__eq__(other)

    pool = tuple(Watched({"a": choice}) for choice in range(1000))
    space = ConfigurationSpace((_parameter("a", range(2000)),), pool=pool)
    assert Configuration({"a": 999}) in space
    assert Configuration({"a": 1000}) not in space
    assert len(comparisons) < 50
