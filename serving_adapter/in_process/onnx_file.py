"""What an ONNX file refers to outside of itself.

Weights may lie in other files, which the model names by path (onnx.proto, ``TensorProto.external_data``). A model is
untrusted input: with a path of its choice it could feed any file that the runner may read into its outputs. Newer
versions of ONNX Runtime refuse a path that leaves the model's folder; those that run on Python 3.8 follow it. So paths
are looked at here, with nothing but the standard library.
"""

import mmap
import os
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Tuple

from serving_adapter.contract import AdapterError
from serving_adapter.words import quote

MESSAGES: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
    "StringStringEntryProto": {},
}
"""The messages on the way from a model to its external data, by the number of the field that holds them."""

_VARINT, _EIGHT_BYTES, _LENGTH_DELIMITED, _FOUR_BYTES = 0, 1, 2, 5
_KEY, _VALUE = 1, 2
_LONGEST_VARINT = 10

_IN_MEMORY = "_ORT_MEM_ADDR_"
"""ONNX Runtime's own mark for weights at an address in memory; in a file, it would read any address."""


def check_external_data(path: Path, workload: str) -> None:
    """Makes sure that a model's weights lie in its own folder, or below.

    Args:
        path: The model's file.
        workload: The workload's name.

    Raises:
        AdapterError: The file is no ONNX model, or refers to a file elsewhere.
    """
    what = f"The model file '{path}' of the workload '{workload}'"
    folders = (os.path.realpath(path.parent), os.path.dirname(os.path.realpath(path)))  # noqa: PTH120
    try:
        for location in external_data(path):
            if not _lies_within(path.parent, location, folders):
                raise AdapterError(
                    f"{what} refers to weights outside of its folder ('{quote(location)}'): keep them beside the model."
                )
    except (ValueError, OSError) as error:
        raise AdapterError(f"{what} is no ONNX model, or is damaged: {quote(str(error).encode())}.") from error


def external_data(path: Path) -> Iterator[bytes]:
    """Yields the location of each piece of external data of a model, as it is written there.

    Args:
        path: The model's file.

    Raises:
        ValueError: The file is no protocol buffer of this kind.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        pending: List[Tuple[str, int, int]] = [("ModelProto", 0, len(data))]
        while pending:
            message, start, end = pending.pop()
            if message == "StringStringEntryProto":
                yield from _locations(data, start, end)
                continue
            inner = MESSAGES[message]
            pending += [
                (inner[number], begin, finish) for number, begin, finish in _fields(data, start, end) if number in inner
            ]


def _locations(data: mmap.mmap, start: int, end: int) -> Iterator[bytes]:
    texts: Dict[int, List[bytes]] = {_KEY: [], _VALUE: []}
    for number, begin, finish in _fields(data, start, end):
        texts.setdefault(number, []).append(data[begin:finish])
    if b"location" in texts[_KEY]:
        yield from texts[_VALUE]


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[Tuple[int, int, int]]:
    """Yields number, begin and end of each field of a message that has a length.

    The encoding is that of the Protocol Buffers documentation, "Encoding".
    """
    position = start
    while position < end:
        tag, position = _varint(data, position, end)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            _, position = _varint(data, position, end)
        elif wire_type == _LENGTH_DELIMITED:
            length, position = _varint(data, position, end)
            if position + length > end:
                raise ValueError("it ends too early")
            yield number, position, position + length
            position += length
        elif wire_type in (_EIGHT_BYTES, _FOUR_BYTES):
            position += 8 if wire_type == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"there is a field of the unknown kind {wire_type}")
    if position > end:
        raise ValueError("it ends too early")


def _varint(data: mmap.mmap, position: int, end: int) -> Tuple[int, int]:
    value = 0
    for index in range(_LONGEST_VARINT):
        if position >= end:
            raise ValueError("it ends too early")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position
    raise ValueError("there is a number that does not end")


def _lies_within(folder: Path, location: bytes, folders: Tuple[str, ...]) -> bool:
    """Tells whether a location, links followed, lies in the folder of a model or in that of what it links to."""
    text = os.fsdecode(location)
    if os.path.isabs(text) or _IN_MEMORY in text or "\0" in text:  # noqa: PTH117 - a text, not a path yet
        return False
    resolved = os.path.realpath(folder / text)
    return any(os.path.commonpath((each, resolved)) == each for each in folders)
