"""Records cross the process boundary unchanged, and nonsense is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import (
    Completion,
    Histogram,
    Load,
    ServingParameter,
    Slice,
    Tokens,
    Traffic,
    WorkloadDefinition,
)
from serving_adapter.runner import protocol

values = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text())
instants = st.floats(allow_nan=False, allow_infinity=False)
counts = st.floats(0, 1e12)
completions = st.builds(
    Completion,
    st.lists(instants, min_size=1, max_size=4).map(tuple),
    instants,
    instants,
    st.text(max_size=9),
    st.none() | st.builds(Tokens, instants, st.integers(0, 2**53)),
)
histograms = st.lists(st.tuples(st.floats(1e-6, 1e6), counts), unique_by=lambda bucket: bucket[0], max_size=5).map(
    lambda buckets: Histogram(
        (*sorted(bound for bound, _ in buckets), math.inf), tuple(sorted([*(count for _, count in buckets), 2e12])), 1.0
    )
)
traffics = st.builds(
    Traffic,
    requests=counts,
    failures=counts,
    histograms=st.dictionaries(st.sampled_from(["latency", "ttft", "tpot"]), histograms),
    output_tokens=st.none() | counts,
    busy_s=st.none() | counts,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def crossed(message: object) -> dict[str, object]:
    line = protocol.encode({"result": message})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return protocol.decode(line)["result"]


@given(
    st.builds(
        Slice,
        instants,
        instants,
        st.lists(completions, max_size=5).map(tuple),
        st.none() | traffics,
        st.none() | instants,
    )
)
def test_a_slice_crosses_unchanged(stretch: Slice) -> None:
    assert protocol.slice_from_json(crossed(protocol.slice_to_json(stretch))) == stretch


@given(
    st.builds(
        ServingParameter,
        id=st.text(),
        unit=st.text(),
        kind=st.text(),
        values=st.lists(values, max_size=5).map(tuple),
        persistent=st.booleans(),
    )
)
def test_a_serving_parameter_crosses_unchanged(parameter: ServingParameter) -> None:
    assert protocol.parameters_from_json(crossed(protocol.parameters_to_json([parameter]))) == (parameter,)


@given(st.builds(Load, st.text(), st.integers(), st.none() | instants, st.integers()))
def test_a_load_crosses_unchanged(load: Load) -> None:
    assert protocol.load_from_json(crossed(protocol.load_to_json(load))) == load


@given(st.dictionaries(st.text(), json_values, max_size=3), st.dictionaries(st.text(), st.lists(values, max_size=3)))
def test_a_workload_crosses_unchanged(options: dict[str, object], parameters: dict[str, list[int]]) -> None:
    workload = WorkloadDefinition("encoder", options, parameters)
    assert protocol.workload_from_json(crossed(protocol.workload_to_json(workload))) == workload


@given(json_values)
def test_what_a_hostile_model_answers_is_read_or_refused(message: object) -> None:
    readers = (
        protocol.slice_from_json,
        protocol.parameters_from_json,
        protocol.values_from_json,
        protocol.notes_from_json,
    )
    for reader in readers:
        try:
            reader(message)
        except protocol.ProtocolError as refusal:
            assert str(refusal)


@pytest.mark.parametrize(
    "notes",
    [None, "text", [1], ["two\nlines"], ["\x1b]0;title\x07"], ["x" * 1001], ["one too many."] * 21],
)
def test_notes_that_are_no_few_sentences_are_refused(notes: object) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.notes_from_json({"notes": notes})


@pytest.mark.parametrize("instant", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 400, b"true", b"null", b'"1"'])
def test_an_instant_that_is_no_finite_number_is_refused(instant: bytes) -> None:
    message = protocol.decode(b'{"start_s":0,"end_s":%b,"completions":[]}' % instant)
    with pytest.raises(protocol.ProtocolError):
        protocol.slice_from_json(message)
    with pytest.raises(protocol.ProtocolError):
        protocol.values_from_json(protocol.decode(b'{"serving.batch_size":[%b]}' % instant))


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b'"text"'])
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.decode(line)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_never_leaves(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        protocol.encode({"result": number})
