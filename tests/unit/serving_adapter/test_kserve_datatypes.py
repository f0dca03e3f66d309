"""Tensors as bytes and as JSON."""

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.kserve.datatypes import DATATYPES, TEXT, count_packed, element_bytes, pack, to_json

ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "BOOL": st.booleans(),
    **{f"UINT{bits}": st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    "FP16": st.floats(width=16, allow_nan=False, allow_infinity=False),
    "FP32": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "FP64": st.floats(allow_nan=False, allow_infinity=False),
    TEXT: st.text(),
}


def tensors() -> st.SearchStrategy[tuple[str, list[Any]]]:
    return st.sampled_from(sorted(ELEMENTS)).flatmap(
        lambda datatype: st.tuples(st.just(datatype), st.lists(ELEMENTS[datatype], max_size=20))
    )


def from_json(datatype: str, packed: bytes) -> Any:
    return json.loads(b"[" + to_json(datatype, packed) + b"]")


@given(tensors())
def test_json_says_what_was_packed(tensor: tuple[str, list[Any]]) -> None:
    datatype, elements = tensor
    assert from_json(datatype, pack(datatype, elements)) == elements


@given(tensors())
def test_what_was_packed_is_counted(tensor: tuple[str, list[Any]]) -> None:
    datatype, elements = tensor
    packed = pack(datatype, elements)
    assert count_packed(datatype, packed) == len(elements)
    assert len(packed) >= len(elements) * element_bytes(datatype)


@given(tensors().filter(lambda tensor: tensor[1] and element_bytes(tensor[0]) > 1))
def test_bytes_that_end_within_an_element_are_noticed(tensor: tuple[str, list[Any]]) -> None:
    packed = pack(*tensor)
    assert count_packed(tensor[0], packed[:-1]) is None


@given(st.lists(st.floats(-1e30, 1e30), max_size=20))
def test_bf16_is_the_upper_half_of_fp32(elements: list[float]) -> None:
    packed = pack("BF16", elements)
    single = pack("FP32", elements)
    assert packed == b"".join(single[start + 2 : start + 4] for start in range(0, len(single), 4))
    assert count_packed("BF16", packed) == len(elements)
    for exact, rounded in zip(elements, from_json("BF16", packed), strict=True):
        assert math.isclose(exact, rounded, rel_tol=2**-7, abs_tol=1e-37)


def test_bytes_are_little_endian_and_texts_have_their_length_before_them() -> None:
    assert pack("INT32", [1, -2]) == b"\x01\0\0\0\xfe\xff\xff\xff"
    assert pack("BOOL", [True, False]) == b"\1\0"
    assert pack(TEXT, ["ab", "é"]) == b"\2\0\0\0ab\2\0\0\0\xc3\xa9"


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_has_the_size_that_the_protocol_says(datatype: str) -> None:
    bits = "".join(filter(str.isdigit, datatype))
    expected = {"BOOL": 1, TEXT: 4}.get(datatype) or int(bits) // 8
    assert element_bytes(datatype) == expected


@pytest.mark.parametrize(
    ("datatype", "element"),
    [
        ("UINT8", 256),
        ("UINT8", -1),
        ("INT64", 2**63),
        ("INT32", 0.5),
        ("FP16", 1e6),
        ("FP32", 1e39),
        ("FP32", "1"),
        ("BOOL", 2),
        ("BOOL", "yes"),
        (TEXT, 1),
    ],
)
def test_an_element_that_does_not_fit_is_refused(datatype: str, element: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        pack(datatype, [element])


def test_a_text_whose_length_leads_beyond_the_end_is_noticed() -> None:
    assert count_packed(TEXT, struct.pack("<I", 0xFFFFFFFF) + b"short") is None
    assert count_packed(TEXT, b"\1\0") is None
