"""Tensors as bytes and as JSON, by datatype.

The datatypes are those of the Open Inference Protocol, section "Tensor Data Types", and Triton's BF16. As bytes,
elements are little-endian and row-major without padding; a text is preceded by its length in four bytes ("Binary
Tensor Data Extension", and the raw contents of the gRPC protocol).
"""

import json
import struct
from typing import Any, Dict, List, Optional, Sequence, Union

Element = Union[bool, int, float, str]

TEXT = "BYTES"

_FORMATS: Dict[str, str] = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "BF16": "f",
    "FP32": "f",
    "FP64": "d",
}
_ELEMENT_BYTES = {name: 2 if name == "BF16" else struct.calcsize(f"<{code}") for name, code in _FORMATS.items()}
_LENGTH = struct.Struct("<I")

DATATYPES = (*_FORMATS, TEXT)
"""All of them."""


def is_float(datatype: str) -> bool:
    """Says whether the elements are floating-point numbers."""
    return datatype in ("FP16", "BF16", "FP32", "FP64")


def element_bytes(datatype: str) -> int:
    """Returns the size of an element in bytes; of a text, the least that it takes."""
    return _ELEMENT_BYTES.get(datatype, _LENGTH.size)


def pack(datatype: str, elements: Sequence[Element]) -> bytes:
    """Returns elements as bytes.

    Raises:
        ValueError: An element does not fit the datatype.
    """
    if datatype == TEXT:
        return b"".join(map(_pack_text, elements))
    if datatype == "BOOL" and any(element not in (0, 1) for element in elements):
        raise ValueError("an element is neither true nor false")
    try:
        packed = struct.pack(f"<{len(elements)}{_FORMATS[datatype]}", *elements)
    except (struct.error, OverflowError, TypeError) as error:
        raise ValueError(f"an element does not fit {datatype}") from error
    return _upper_halves(packed) if datatype == "BF16" else packed


def to_json(datatype: str, packed: bytes) -> bytes:
    """Returns packed elements as those of a JSON array, without its brackets."""
    return json.dumps(_unpack(datatype, packed), separators=(",", ":")).encode()[1:-1]


def count_packed(datatype: str, packed: bytes) -> Optional[int]:
    """Returns how many elements were packed; None if the bytes end within an element."""
    if datatype == TEXT:
        return _count_texts(packed)
    count, rest = divmod(len(packed), element_bytes(datatype))
    return None if rest else count


def _pack_text(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a text")  # noqa: TRY004 - one error for every element that does not fit
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _upper_halves(packed: bytes) -> bytes:
    """A BF16 is the upper half of an FP32; what is below is cut off."""
    halves = bytearray(len(packed) // 2)
    halves[0::2] = packed[2::4]
    halves[1::2] = packed[3::4]
    return bytes(halves)


def _from_upper_halves(halves: bytes) -> bytes:
    packed = bytearray(len(halves) * 2)
    packed[2::4] = halves[0::2]
    packed[3::4] = halves[1::2]
    return bytes(packed)


def _unpack(datatype: str, packed: bytes) -> List[Element]:
    if datatype == TEXT:
        return _unpack_texts(packed)
    count = len(packed) // element_bytes(datatype)
    widened = _from_upper_halves(packed) if datatype == "BF16" else packed
    return list(struct.unpack(f"<{count}{_FORMATS[datatype]}", widened))


def _unpack_texts(packed: bytes) -> List[Element]:
    texts: List[Element] = []
    offset = 0
    while offset < len(packed):
        begin = offset + _LENGTH.size
        offset = begin + _LENGTH.unpack_from(packed, offset)[0]
        texts.append(packed[begin:offset].decode())
    return texts


def _count_texts(packed: bytes) -> Optional[int]:
    count = offset = 0
    while offset + _LENGTH.size <= len(packed):
        offset += _LENGTH.size + _LENGTH.unpack_from(packed, offset)[0]
        count += 1
    return count if offset == len(packed) else None
