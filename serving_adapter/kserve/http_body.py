"""Requests and answers in the bodies of HTTP: JSON, or JSON with tensors as bytes behind it.

Open Inference Protocol, section "Inference Request JSON Object", and its "Binary Tensor Data Extension".
"""

import json
from typing import Any, Dict, List, Sequence, Tuple

from serving_adapter.kserve.answer import Answer, GarbledAnswerError, Output
from serving_adapter.kserve.datatypes import DATATYPES, count_packed, to_json
from serving_adapter.kserve.inputs import Input, repeated
from serving_adapter.kserve.transport import REQUEST_ID, Encoder, Reply, Request

HEAD_LENGTH = "Inference-Header-Content-Length"
"""The header that says how much of a body is JSON, before tensors as bytes."""


class JsonEncoder(Encoder):
    """Tensors as numbers and texts."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        """Encodes each item."""
        self._inputs = [(tensor, [to_json(tensor.datatype, item) for item in tensor.items]) for tensor in inputs]

    def encode(self, items: int) -> Request:
        """Returns the request for a batch of so many items."""
        tensors = []
        for tensor, pieces in self._inputs:
            head = json.dumps(_described(tensor, items)).encode()[:-1]
            tensors.append(head + b', "data": [' + b",".join(repeated(pieces, tensor, items)) + b"]}")
        body = b'{"id": "%s", "inputs": [%s]}' % (REQUEST_ID.encode(), b", ".join(tensors))
        return Request(body, {"Content-Type": "application/json"})


class BinaryEncoder(Encoder):
    """Tensors as bytes, behind the JSON; asks for the same in the answer."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        """Keeps the inputs."""
        self._inputs = inputs

    def encode(self, items: int) -> Request:
        """Returns the request for a batch of so many items."""
        blocks = [b"".join(repeated(tensor.items, tensor, items)) for tensor in self._inputs]
        described = [
            {**_described(tensor, items), "parameters": {"binary_data_size": len(block)}}
            for tensor, block in zip(self._inputs, blocks)
        ]
        head = json.dumps({"id": REQUEST_ID, "inputs": described, "parameters": {"binary_data_output": True}}).encode()
        headers = {"Content-Type": "application/octet-stream", HEAD_LENGTH: str(len(head))}
        return Request(b"".join([head, *blocks]), headers)


def _described(tensor: Input, items: int) -> Dict[str, Any]:
    return {"name": tensor.name, "shape": tensor.shape(items), "datatype": tensor.datatype}


def read_json(body: bytes) -> Any:
    """Reads JSON of unknown origin.

    Raises:
        GarbledAnswerError: It is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise GarbledAnswerError("is no JSON") from error


def read_answer(reply: Reply) -> Answer:
    """Reads an answer to a request for inference.

    Raises:
        GarbledAnswerError: It is none.
    """
    head, blocks = _split(reply)
    message = read_json(head)
    try:
        outputs = tuple(_read_outputs(message["outputs"], blocks))
        return Answer(_checked(message["model_name"], str), outputs)
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise GarbledAnswerError("is not one of the Open Inference Protocol") from error


def _split(reply: Reply) -> Tuple[bytes, memoryview]:
    whole = memoryview(reply.body)
    stated = reply.head_length
    if not stated:
        return reply.body, whole[:0]
    if not (stated.isascii() and stated.isdigit() and len(stated) < 16 and int(stated) <= len(whole)):
        raise GarbledAnswerError("states a length of its JSON that it does not have")
    return bytes(whole[: int(stated)]), whole[int(stated) :]


def _read_outputs(message: Any, blocks: memoryview) -> List[Output]:
    outputs = []
    for tensor in _checked(message, list):
        datatype = _checked(tensor["datatype"], str)
        if datatype not in DATATYPES:
            raise GarbledAnswerError(f"has an output of the unknown datatype '{datatype:.80}'")
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        if size is None:
            elements = _count(tensor["data"])
        else:
            elements, blocks = _count_block(datatype, size, blocks)
        outputs.append(Output(_checked(tensor["name"], str), datatype, _shape(tensor["shape"]), elements))
    return outputs


def _count_block(datatype: str, size: Any, blocks: memoryview) -> Tuple[int, memoryview]:
    if type(size) is not int or not 0 <= size <= len(blocks):
        raise GarbledAnswerError("states a size of a tensor that it does not have")
    elements = count_packed(datatype, bytes(blocks[:size]))
    if elements is None:
        raise GarbledAnswerError("has a tensor that ends within an element")
    return elements, blocks[size:]


def _count(data: Any) -> int:
    """Counts elements, of rows in rows as well."""
    rows = _checked(data, list)
    return sum(map(_count, rows)) if rows and isinstance(rows[0], list) else len(rows)


def _shape(sizes: Any) -> Tuple[int, ...]:
    if not all(type(size) is int and size >= 0 for size in _checked(sizes, list)):
        raise GarbledAnswerError("has a shape that is none")
    return tuple(sizes)


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError("another kind of value belongs here")
    return value
