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
