"""Declarations of what a model file is fed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.in_process.failures import batch_failure, is_out_of_memory, words_of
from serving_adapter.in_process.inputs import (
    BATCH,
    FLOATING,
    INTEGERS,
    DeclaredInput,
    Values,
    complete,
    declared_inputs,
    fixed_batch_size,
)
from serving_adapter.in_process.model_file import model_file


def read(*tables: Any) -> list[DeclaredInput]:
    return declared_inputs(WorkloadDefinition("tested", {"inputs": list(tables)}))


def test_nothing_declared_is_nothing() -> None:
    assert declared_inputs(WorkloadDefinition("tested")) == []


def test_a_declaration_is_read_as_it_is_written() -> None:
    table = {"name": "ids", "shape": ["batch", 128], "dtype": "int64", "range": [0, 99]}
    assert read(table, {}) == [DeclaredInput("ids", (BATCH, 128), "int64", "random", (0, 99)), DeclaredInput()]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (3, "Input 1 of the workload 'tested' is not a table"),
        ({"shap": [1]}, "is not a table of name, shape, dtype, fill, range"),
        ({"name": 3}, "a name that is no text"),
        ({"shape": "batch"}, "a shape that is none"),
        ({"shape": [0]}, "a shape that is none"),
        ({"shape": [-1, 3]}, "a shape that is none"),
        ({"shape": [True]}, "a shape that is none"),
        ({"shape": [2**31]}, "a shape that is none"),
        ({"shape": [1.0]}, "a shape that is none"),
        ({"shape": ["batch", "batch"]}, "a shape that is none"),
        ({"shape": ["tokens"]}, "a shape that is none"),
        ({"shape": [1] * 17}, "a shape that is none"),
        ({"dtype": "float"}, "an unknown type: use float16"),
        ({"dtype": []}, "an unknown type"),
        ({"fill": "zeros"}, "filled with something unknown"),
        ({"fill": True}, "filled with something unknown"),
        ({"fill": float("nan")}, "filled with something unknown"),
        ({"fill": 1, "range": [0, 1]}, "leave one of them out"),
        ({"range": [1]}, "a range that is none"),
        ({"range": [2, 1]}, "a range that is none"),
        ({"range": [0, float("inf")]}, "a range that is none"),
    ],
)
def test_a_declaration_that_is_wrong_is_refused_in_one_sentence(table: Any, message: str) -> None:
    with pytest.raises(AdapterError, match=message) as raised:
        read(table)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("inputs", ["x", {"name": "x"}, [{}] * 257])
def test_what_is_no_list_of_tables_is_refused(inputs: Any) -> None:
    with pytest.raises(AdapterError, match="is no list of at most 256 tables"):
        declared_inputs(WorkloadDefinition("tested", {"inputs": inputs}))


def test_two_inputs_of_the_same_name_are_refused() -> None:
    with pytest.raises(AdapterError, match="have the same name"):
        read({"name": "x"}, {"name": "x"})


@pytest.mark.parametrize("dtype", FLOATING)
def test_floating_values_are_normal_unless_the_definition_says_otherwise(dtype: str) -> None:
    assert complete(DeclaredInput(), (1,), dtype).values == Values()
    assert complete(DeclaredInput(bounds=(-1, 1)), (1,), dtype).values == Values(bounds=(-1, 1))
    assert complete(DeclaredInput(fill=3), (1,), dtype).values == Values(constant=3.0)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_values_stay_within_their_type(dtype: str) -> None:
    smallest, largest = INTEGERS[dtype]
    assert complete(DeclaredInput(), (1,), dtype).values == Values(bounds=(0, 1))
    assert complete(DeclaredInput(bounds=(smallest, largest)), (1,), dtype).values.bounds == (smallest, largest)
    for wrong in ({"bounds": (smallest - 1, largest)}, {"bounds": (0, largest + 1)}, {"fill": 0.5}):
        with pytest.raises(AdapterError, match=f"of type {dtype} cannot hold"):
            complete(DeclaredInput(**wrong), (1,), dtype)


SHAPES = st.lists(st.integers(1, 9), max_size=4)


@given(sizes=SHAPES, axis=st.integers(0, 4), items=st.integers(1, 100))
def test_the_batch_stands_wherever_it_is_declared(sizes: list[int], axis: int, items: int) -> None:
    axis = min(axis, len(sizes))
    given_input = complete(DeclaredInput(), (*sizes[:axis], BATCH, *sizes[axis:]), "float32")
    assert given_input.batch_axis == axis
    assert given_input.shape_of(items) == (*sizes[:axis], items, *sizes[axis:])
    assert fixed_batch_size([given_input]) is None


@given(shapes=st.lists(SHAPES, max_size=3))
def test_without_a_batch_the_first_dimension_is_its_size(shapes: list[list[int]]) -> None:
    inputs = [complete(DeclaredInput(), tuple(shape), "float32") for shape in shapes]
    first = next((shape[0] for shape in shapes if shape), 1)
    assert fixed_batch_size(inputs) == first
    assert all(each.shape_of(77) == each.shape for each in inputs)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes"),
        Exception("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_little_memory_is_recognised_whoever_says_it(error: Exception) -> None:
    assert is_out_of_memory(error)
    sentence = str(batch_failure("tested", 8, error))
    assert "A batch of 8 items of the workload 'tested' does not fit into memory" in sentence
    assert sentence.endswith("list smaller batch sizes, or leave its runner more memory.")


def test_another_failure_is_not_taken_for_little_memory() -> None:
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert not is_out_of_memory(error)
    assert str(batch_failure("tested", 8, error)) == (
        "A batch of 8 items failed in the workload 'tested': RuntimeError: mat1 and mat2 shapes cannot be multiplied."
    )


def test_words_are_few_and_on_one_line_whatever_a_model_says() -> None:
    words = words_of(ValueError("\x1b[31m" + "x" * 10_000 + "\n\x00second"))
    assert words.isprintable()
    assert len(words) < 400


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.pt2"
    path.touch()

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AdapterError, match="cannot be read: Permission denied; let the runner's user read it"):
        model_file(WorkloadDefinition("tested", {"model": str(path)}))


def test_a_model_needs_a_path() -> None:
    with pytest.raises(AdapterError, match="lacks the option 'model'"):
        model_file(WorkloadDefinition("tested"))
