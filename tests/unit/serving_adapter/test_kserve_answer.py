"""An answer is one to the request, or it is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import RequestFailedError
from serving_adapter.kserve.answer import Answer, Output, check_answer
from serving_adapter.kserve.metadata import ModelMetadata, TensorMetadata

MODEL = ModelMetadata("m", (), (TensorMetadata("y", "FP32", (-1, 4)), TensorMetadata("label", "BYTES", (-1,))))
UNNAMED = ModelMetadata("m", (), ())


def output(shape: tuple[int, ...], name: str = "y", datatype: str = "FP32", elements: int | None = None) -> Output:
    return Output(name, datatype, shape, math.prod(shape) if elements is None else elements)


def answer(*outputs: Output, model: str = "m") -> Answer:
    return Answer(model, outputs)


LABEL = output((2,), "label", "BYTES")


@given(st.integers(1, 1000))
def test_a_batch_is_answered_with_as_many_items(items: int) -> None:
    outputs = output((items, 4)), output((items,), "label", "BYTES")
    check_answer(answer(*outputs), MODEL, items)
    check_answer(answer(*outputs), UNNAMED, items)
    with pytest.raises(RequestFailedError, match=f"for {items + 1} items"):
        check_answer(answer(*outputs), MODEL, items + 1)
    with pytest.raises(RequestFailedError, match=f"for {items + 1} items"):
        check_answer(answer(*outputs), UNNAMED, items + 1)


@pytest.mark.parametrize(
    ("given_answer", "message"),
    [
        (answer(output((2, 4)), LABEL, model="n"), "is one of the model 'n'"),
        (answer(), "has no outputs"),
        (answer(output((2, 4))), "lacks the output 'label'"),
        (answer(LABEL), "lacks the output 'y'"),
        (answer(output((2, 4), datatype="FP64"), LABEL), "holds FP64 in 'y', which is FP32"),
        (answer(output((1, 4)), LABEL), r"has the shape \[1, 4\] in 'y', for 2 items"),
        (answer(output(()), LABEL), r"has the shape \[\] in 'y', for 2 items"),
        (answer(output((2, 5)), LABEL), r"has the shape \[2, 5\] in 'y', which is \[-1, 4\]"),
        (answer(output((2, 4), elements=7), LABEL), "has 7 elements in 'y'"),
        (answer(output((2, 4)), LABEL, output((3,), "extra", elements=2)), "has 2 elements in 'extra'"),
    ],
)
def test_what_is_no_answer_to_the_request_is_refused(given_answer: Answer, message: str) -> None:
    with pytest.raises(RequestFailedError, match=f"The answer of the model 'm' {message}"):
        check_answer(given_answer, MODEL, 2)


def test_a_last_dimension_of_one_may_be_added() -> None:
    check_answer(answer(output((2, 4)), output((2, 1), "label", "BYTES")), MODEL, 2)


def test_texts_may_be_counted_in_the_servers_own_way() -> None:
    check_answer(answer(output((2, 4)), output((2, 9), "label", "BYTES", elements=1)), MODEL, 2)


def test_an_output_of_fixed_size_need_not_be_as_long_as_the_batch() -> None:
    loss = ModelMetadata("m", (), (TensorMetadata("loss", "FP32", (1,)),))
    check_answer(answer(output((1,), "loss")), loss, 8)


def test_a_model_without_batches_may_answer_with_any_open_dimension() -> None:
    check_answer(answer(output((7, 4)), output((3,), "label", "BYTES")), MODEL, None)
