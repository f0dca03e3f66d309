"""Small ONNX models, made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
helper, numpy_helper, FLOAT = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT

WIDTH = 8
WEIGHTS = np.arange(WIDTH * WIDTH, dtype=np.float32).reshape(WIDTH, WIDTH)


def external(location: str, name: str = "weights") -> Any:
    """Returns a tensor of WIDTH x WIDTH whose values lie in another file."""
    tensor = onnx.TensorProto(name=name, data_type=FLOAT, dims=[WIDTH, WIDTH], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", str(4 * WIDTH * WIDTH))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def save(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    initializers: Sequence[Any] = (),
    domains: Sequence[str] = (),
) -> Path:
    """Writes a model whose only output is ``y``."""
    output = helper.make_tensor_value_info("y", FLOAT, None)
    graph = helper.make_graph(list(nodes), "tested", list(inputs), [output], list(initializers))
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    return path


def linear(path: Path, shape: Sequence[int | str | None] = ("batch", WIDTH), weights: Any = None) -> Path:
    """Writes ``y = x @ weights``."""
    given = weights if weights is not None else numpy_helper.from_array(WEIGHTS, "weights")
    node = helper.make_node("MatMul", ["x", "weights"], ["y"])
    return save(path, [node], [helper.make_tensor_value_info("x", FLOAT, list(shape))], [given])
