import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import (
    InventoryRecord,
    KeeperState,
    KnobSpec,
    MeterSpec,
    Reading,
    RestoreReport,
    Value,
)
from knobs.keeper.records import MalformedRecordError, from_json, to_json

numbers = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, numbers)
KINDS = [KnobSpec, MeterSpec, Reading, InventoryRecord, RestoreReport, KeeperState]


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_every_record_survives_the_socket(data, kind):
    record = data.draw(st.from_type(kind))
    assert from_json(kind, json.loads(json.dumps(to_json(record)))) == record


@given(values=st.dictionaries(st.text(), st.one_of(st.integers(), numbers, st.text())))
def test_values_keep_their_types(values):
    again = from_json(dict[str, Value], json.loads(json.dumps(values)))
    assert again == values
    assert {key: type(value) for key, value in again.items()} == {key: type(value) for key, value in values.items()}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Reading, {"time_s": "now", "value": 1}),
        (Reading, {"value": 1}),
        (Reading, []),
        (int, True),
        (int, 1.5),
        (bool, 1),
        (dict[str, Value], {"a": None}),
        (dict[str, Value], {"a": True}),
        (tuple[str, ...], "abc"),
        (tuple[str, ...], None),
    ],
)
def test_what_is_no_such_record_is_refused(kind, data):
    with pytest.raises(MalformedRecordError):
        from_json(kind, data)


def test_fields_of_a_newer_peer_are_left_out():
    assert from_json(Reading, {"time_s": 1, "value": 2, "humidity": 3}) == Reading(1.0, 2.0)
