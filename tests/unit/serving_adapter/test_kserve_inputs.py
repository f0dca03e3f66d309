"""What a model is fed with."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.kserve.inputs import Input, declared, fill, repeated
from serving_adapter.kserve.metadata import ModelMetadata, TensorMetadata
from serving_adapter.kserve.options import KserveOptions, read_options


def options_of(inputs: Any = None, **others: Any) -> KserveOptions:
    options = {"url": "http://localhost:1", "model": "m", **others}
    if inputs is not None:
        options["inputs"] = inputs
    return read_options(WorkloadDefinition("tested", options))


def model_of(*inputs: tuple[str, str, list[int]]) -> ModelMetadata:
    return ModelMetadata("m", tuple(TensorMetadata(name, kind, tuple(shape)) for name, kind, shape in inputs), ())


def filled(model_shape: list[int], datatype: str = "FP32", largest_batch: int = 1, **options: Any) -> Input:
    """Returns the only input of a model, filled as its table in the definition says."""
    others = {name: options.pop(name) for name in ("seed", "batch_dimension") if name in options}
    model, read = model_of(("x", datatype, model_shape)), options_of({"x": options}, **others)
    [tensor] = fill(declared(model, read), read, largest_batch)
    return tensor


def elements(tensor: Input, code: str = "f", item: int = 0) -> tuple[Any, ...]:
    packed = tensor.items[item]
    return struct.unpack(f"<{len(packed) // struct.calcsize(code)}{code}", packed)


def test_an_open_first_dimension_is_the_batch() -> None:
    tensor = filled([-1, 2, 3])
    assert tensor.is_batched
    assert tensor.item_shape == (2, 3)
    assert tensor.shape(7) == [7, 2, 3]


def test_a_first_dimension_of_a_size_is_none() -> None:
    tensor = filled([1, 2])
    assert not tensor.is_batched
    assert tensor.shape(7) == [1, 2]


def test_an_open_first_dimension_is_none_if_the_definition_says_so() -> None:
    tensor = filled([-1, 2], batch_dimension=False, shape=[5, 2])
    assert not tensor.is_batched
    assert tensor.shape(1) == [5, 2]
    assert len(tensor.items[0]) == 40


def test_the_definition_closes_dimensions_that_the_model_leaves_open() -> None:
    assert filled([-1, 3, -1], shape=[3, 8]).shape(2) == [2, 3, 8]


def test_dimensions_that_stay_open_are_told_of() -> None:
    with pytest.raises(AdapterError, match=r"'x' of the model 'm' leaves .* open \(\[3, -1\]\).*options\.inputs\.x"):
        filled([-1, 3, -1])


@pytest.mark.parametrize("shape", [[4, 8], [3], [3, 8, 1], []])
def test_a_shape_that_does_not_fit_the_model_is_refused(shape: list[int]) -> None:
    with pytest.raises(AdapterError, match=r"items of the shape \[3, -1\]"):
        filled([-1, 3, -1], shape=shape)


def test_an_item_without_elements_is_refused() -> None:
    with pytest.raises(AdapterError, match="without elements"):
        filled([-1, 0])


def test_a_batch_that_is_too_large_is_refused_before_it_is_made() -> None:
    with pytest.raises(AdapterError, match="bytes a batch of 2"):
        filled([-1, 2**40, 2**20], largest_batch=2)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 20))
def test_random_elements_depend_on_the_seed_alone(seed: int, width: int, largest_batch: int) -> None:
    first, again = (filled([-1, width], largest_batch=largest_batch, seed=seed) for _ in range(2))
    assert first == again
    assert all(0 <= element <= 1 for item in range(len(first.items)) for element in elements(first, item=item))


def test_another_seed_and_another_item_have_other_elements() -> None:
    first, second = filled([-1, 8], largest_batch=2).items
    assert first != second
    assert filled([-1, 8], seed=1).items[0] != first


@given(st.integers(-128, 127), st.integers(0, 255))
def test_random_whole_numbers_are_within_their_range(lowest: int, width: int) -> None:
    highest = min(127, lowest + width)
    drawn = elements(filled([-1, 50], "INT8", range=[lowest, highest]), "b")
    assert all(lowest <= element <= highest for element in drawn)


def test_random_whole_numbers_reach_both_ends_of_their_range() -> None:
    assert set(elements(filled([-1, 200], "UINT8", range=[3, 5]), "B")) == {3, 4, 5}
    assert set(elements(filled([-1, 200], "INT64"), "q")) == {0, 1}


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_random_numbers_are_within_their_range(lowest: float, width: float) -> None:
    drawn = elements(filled([-1, 20], "FP64", range=[lowest, lowest + width]), "d")
    assert all(lowest - 1e-9 <= element <= lowest + width + 1e-9 for element in drawn)


@pytest.mark.parametrize(("fills_with", "expected"), [("zeros", 0.0), ("ones", 1.0)])
def test_an_input_can_be_filled_with_one_number(fills_with: str, expected: float) -> None:
    assert elements(filled([-1, 4], fill=fills_with)) == (expected,) * 4


def test_an_input_larger_than_a_chunk_is_filled_to_its_end() -> None:
    tensor = filled([-1, 70_000], fill="ones")
    assert elements(tensor) == (1.0,) * 70_000


def test_elements_can_be_given_in_rows() -> None:
    assert elements(filled([-1, 2, 2], "INT32", data=[[1, 2], [3, 4]]), "i") == (1, 2, 3, 4)


def test_a_text_can_be_given_alone() -> None:
    tensor = filled([-1], "BYTES", data="how are you?")
    assert tensor.item_shape == ()
    assert tensor.items == (b"\x0c\0\0\0how are you?",)


def test_texts_have_to_be_given() -> None:
    with pytest.raises(AdapterError, match=r"takes texts: add data"):
        filled([-1, 1], "BYTES")


@pytest.mark.parametrize(
    ("datatype", "table", "message"),
    [
        ("FP32", {"data": [1.0, 2.0]}, "has 3 elements an item, and its data 2"),
        ("UINT8", {"data": [1, 2, 300]}, "cannot be filled: an element does not fit UINT8"),
        ("UINT8", {"range": [-5, 5]}, "cannot be filled"),
        ("INT32", {"range": [0.2, 0.8]}, "range holds no whole number"),
        ("FP32", {"data": ["a", "b", "c"]}, "does not fit FP32"),
        ("BYTES", {"data": [1, 2, 3]}, "is not a text"),
    ],
)
def test_elements_that_do_not_fit_are_refused(datatype: str, table: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        filled([-1, 3], datatype, **{"seed": 3, **table})


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_batch_is_made_of_as_many_items_as_it_has(largest_batch: int, items: int) -> None:
    tensor = filled([-1, 1], largest_batch=largest_batch)
    pieces = list(repeated(tensor.items, tensor, items))
    assert len(pieces) == items
    assert set(pieces) == set(tensor.items[:items])


def test_what_is_no_batch_is_sent_once() -> None:
    tensor = filled([2, 2])
    assert list(repeated(tensor.items, tensor, 5)) == list(tensor.items)


def test_inputs_that_the_server_does_not_name_are_declared() -> None:
    options = options_of({"x": {"shape": [4], "datatype": "FP32"}})
    assert declared(model_of(), options) == model_of(("x", "FP32", [-1, 4]))
    single = options_of({"x": {"shape": [4], "datatype": "FP32"}}, batch_dimension=False)
    assert declared(model_of(), single) == model_of(("x", "FP32", [4]))


@pytest.mark.parametrize("table", [None, {}, {"x": {}}, {"x": {"shape": [4]}}, {"x": {"datatype": "FP32"}}])
def test_inputs_that_nobody_describes_are_told_of(table: Any) -> None:
    with pytest.raises(AdapterError, match="The server does not say"):
        declared(model_of(), options_of(table))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"y": {}}, "has no input 'y': use x"),
        ({"x": {"datatype": "FP64"}}, "is FP32, and the definition says FP64"),
    ],
)
def test_a_definition_that_does_not_fit_the_model_is_refused(table: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        declared(model_of(("x", "FP32", [-1, 4])), options_of(table))


def test_the_metadata_of_another_model_are_refused() -> None:
    with pytest.raises(AdapterError, match="asked about the model 'm' and told of 'n'"):
        declared(ModelMetadata("n", (), ()), options_of())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "'inputs' .* is no table"),
        ({"x": 1}, "'inputs' .* is no table"),
        ({"x": {"size": 1}}, r"'inputs\.x\.size' .* unknown: use shape"),
        ({"x": {"shape": [0]}}, r"'inputs\.x\.shape' .* no list"),
        ({"x": {"shape": [-1]}}, r"'inputs\.x\.shape' .* no list"),
        ({"x": {"shape": 3}}, r"'inputs\.x\.shape' .* no list"),
        ({"x": {"shape": [True]}}, r"'inputs\.x\.shape' .* no list"),
        ({"x": {"datatype": "float"}}, r"'inputs\.x\.datatype' .* use BOOL"),
        ({"x": {"datatype": []}}, r"'inputs\.x\.datatype'"),
        ({"x": {"fill": "noise"}}, r"'inputs\.x\.fill' .* use random, zeros, ones"),
        ({"x": {"range": [1]}}, r"'inputs\.x\.range' .* no pair"),
        ({"x": {"range": [2, 1]}}, r"'inputs\.x\.range' .* no pair"),
        ({"x": {"range": [0, float("nan")]}}, r"'inputs\.x\.range' .* no pair"),
        ({"x": {"range": [False, True]}}, r"'inputs\.x\.range' .* no pair"),
        ({"x": {"data": []}}, r"'inputs\.x\.data' .* neither"),
        ({"x": {"data": [float("inf")]}}, r"'inputs\.x\.data' .* neither"),
        ({"x": {"data": [{}]}}, r"'inputs\.x\.data' .* neither"),
        ({"x": {"data": [1], "fill": "ones"}}, "not both"),
        ({"x": {"data": [1], "range": [0, 1]}}, "not both"),
    ],
)
def test_an_option_of_an_input_that_is_wrong_is_named(table: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        options_of(table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "/"}, "'path'.*batch_dimension, inputs"),
        ({"model": ""}, "'model'"),
        ({"seed": 0.5}, "'seed'"),
        ({"timeout_s": 0}, "'timeout_s'"),
        ({"batch_dimension": 1}, "'batch_dimension'"),
        ({"version": 3}, "'version'"),
    ],
)
def test_an_option_that_is_wrong_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        options_of(**options)
