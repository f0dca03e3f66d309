"""No model may name a file outside of its own folder, wherever in the model the name is hidden."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError
from serving_adapter.in_process.onnx_file import MESSAGES, check_external_data, external_data
from tests.unit.serving_adapter import onnx_models

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
helper = onnx.helper


def sparse() -> Any:
    return onnx.SparseTensorProto(values=onnx_models.external("hidden"), dims=[8, 8])


def in_initializer(model: Any) -> None:
    model.graph.initializer.append(onnx_models.external("hidden"))


def in_sparse_initializer(model: Any) -> None:
    model.graph.sparse_initializer.append(sparse())


def in_attribute(model: Any) -> None:
    model.graph.node.add(op_type="Constant").attribute.append(
        helper.make_attribute("v", onnx_models.external("hidden"))
    )


def in_attribute_list(model: Any) -> None:
    attribute = helper.make_attribute("v", [onnx_models.external("hidden")])
    model.graph.node.add(op_type="Constant").attribute.append(attribute)


def in_sparse_attribute(model: Any) -> None:
    model.graph.node.add(op_type="Constant").attribute.append(helper.make_attribute("v", sparse()))


def in_subgraph(model: Any) -> None:
    inner = onnx.GraphProto(name="inner", initializer=[onnx_models.external("hidden")])
    middle = onnx.GraphProto(name="middle")
    middle.node.add(op_type="If").attribute.append(helper.make_attribute("then_branch", [inner]))
    model.graph.node.add(op_type="If").attribute.append(helper.make_attribute("then_branch", middle))


def in_function(model: Any) -> None:
    function = model.functions.add(name="f")
    function.node.add(op_type="Constant").attribute.append(helper.make_attribute("v", onnx_models.external("hidden")))


def in_default_of_function(model: Any) -> None:
    model.functions.add(name="f").attribute_proto.append(helper.make_attribute("v", onnx_models.external("hidden")))


def in_training(model: Any) -> None:
    model.training_info.add().algorithm.initializer.append(onnx_models.external("hidden"))


PLACES = [
    in_initializer,
    in_sparse_initializer,
    in_attribute,
    in_attribute_list,
    in_sparse_attribute,
    in_subgraph,
    in_function,
    in_default_of_function,
    in_training,
]


@pytest.mark.parametrize("hide", PLACES, ids=lambda hide: hide.__name__)
def test_a_location_is_found_wherever_it_is(tmp_path: Path, hide: Callable[[Any], None]) -> None:
    model = onnx.load(str(onnx_models.linear(tmp_path / "model.onnx")))
    hide(model)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert list(external_data(tmp_path / "model.onnx")) == [b"hidden"]


def messages_below(descriptor: Any, found: dict[str, set[tuple[int, str]]]) -> None:
    if descriptor.name in found:
        return
    found[descriptor.name] = set()
    for field in descriptor.fields:
        if field.message_type is not None:
            found[descriptor.name].add((field.number, field.message_type.name))
            messages_below(field.message_type, found)


def test_every_way_from_a_model_to_external_data_is_known() -> None:
    fields: dict[str, set[tuple[int, str]]] = {}
    messages_below(onnx.ModelProto.DESCRIPTOR, fields)
    leads_there = {"TensorProto"}
    while grown := {name for name, inner in fields.items() if {to for _, to in inner} & leads_there} - leads_there:
        leads_there |= grown
    expected = {name: {(number, to) for number, to in fields[name] if to in leads_there} for name in leads_there}
    expected["TensorProto"] = {(13, "StringStringEntryProto")}
    known = {name: set(inner.items()) for name, inner in MESSAGES.items() if name != "StringStringEntryProto"}
    assert known == expected


@pytest.mark.parametrize("location", ["weights.bin", "deeper/weights.bin", "./weights.bin", "deeper/../weights.bin"])
def test_weights_beside_the_model_are_allowed(tmp_path: Path, location: str) -> None:
    model = onnx_models.linear(tmp_path / "model.onnx", weights=onnx_models.external(location))
    check_external_data(model, "tested")


@pytest.mark.parametrize(
    "location",
    [
        "../secret",
        "deeper/../../secret",
        "/etc/passwd",
        "link",
        "*/_ORT_MEM_ADDR_/*",
        "a\0b",
        "model-of-another/../../x",
    ],
)
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").touch()
    (folder / "link").symlink_to(tmp_path / "secret")
    model = onnx_models.linear(folder / "model.onnx", weights=onnx_models.external(location))
    with pytest.raises(AdapterError, match=r"refers to weights outside of its folder .*keep them beside the model\.$"):
        check_external_data(model, "tested")


def test_a_folder_whose_name_begins_like_the_models_is_another_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    location = "../model-2/weights.bin"
    model = onnx_models.linear(tmp_path / "model" / "model.onnx", weights=onnx_models.external(location))
    with pytest.raises(AdapterError, match="outside of its folder"):
        check_external_data(model, "tested")


def test_a_store_that_links_models_and_weights_into_one_folder_is_allowed(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    onnx_models.linear(blobs / "0a", weights=onnx_models.external("weights.bin"))
    (blobs / "0b").touch()
    (snapshot / "model.onnx").symlink_to("../blobs/0a")
    (snapshot / "weights.bin").symlink_to("../blobs/0b")
    check_external_data(snapshot / "model.onnx", "tested")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"this is no model",
        b"\x3a\xff\xff\xff\xff\x0f",  # a graph longer than the file
        b"\x80" * 20,  # a number that does not end
        b"\x09\x00",  # eight bytes, of which one is there
        b"\x3b",  # the begin of a group, which onnx does not use
    ],
)
def test_what_is_no_protocol_buffer_is_refused_in_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(AdapterError, match="is no ONNX model, or is damaged") as raised:
        check_external_data(path, "tested")
    assert "\n" not in str(raised.value)


@given(data=st.data())
def test_any_bytes_are_read_or_refused_and_never_anything_else(data: st.DataObject, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    whole = bytearray(onnx_models.linear(path, weights=onnx_models.external("weights.bin")).read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=5)):
        whole[position] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        check_external_data(path, "tested")
    except AdapterError as error:
        assert "\n" not in str(error)
