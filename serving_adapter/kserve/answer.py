"""A model's answer, and whether it is one to the request: whoever measures garbage saves a lot of energy."""

import math
from dataclasses import dataclass
from typing import Optional, Tuple

from serving_adapter.contract import RequestFailedError
from serving_adapter.kserve.datatypes import TEXT
from serving_adapter.kserve.metadata import OPEN, ModelMetadata, TensorMetadata


class GarbledAnswerError(Exception):
    """What came is no answer of the protocol. The message is what follows after "its answer"."""


@dataclass(frozen=True)
class Output:
    """One output of an answer.

    Attributes:
        name: Its name.
        datatype: Its datatype.
        shape: Its shape.
        elements: How many elements its data holds.
    """

    name: str
    datatype: str
    shape: Tuple[int, ...]
    elements: int


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        model: The model that answered.
        outputs: What it answered.
    """

    model: str
    outputs: Tuple[Output, ...]


def check_answer(answer: Answer, model: ModelMetadata, batch: Optional[int]) -> None:
    """Makes sure that an answer is what the model's metadata promise.

    Args:
        answer: The answer.
        model: The model that was asked.
        batch: Items of the request; None if the model takes no batches.

    Raises:
        RequestFailedError: It is another model's, lacks an output, or holds one of another type or size.
    """
    problem = _problem(answer, model, batch)
    if problem:
        raise RequestFailedError(f"The answer of the model '{model.name}' {problem}.")


def _problem(answer: Answer, model: ModelMetadata, batch: Optional[int]) -> str:
    if answer.model != model.name:
        return f"is one of the model '{answer.model:.80}'"
    outputs = {output.name: output for output in answer.outputs}
    if not outputs:
        return "has no outputs"
    for output in answer.outputs:
        if output.datatype != TEXT and output.elements != math.prod(output.shape):
            # A server may give the length of texts as a dimension (MLServer does).
            return f"has {output.elements} elements in '{output.name:.80}', whose shape is {list(output.shape)}"
    promised = model.outputs or tuple(
        TensorMetadata(output.name, output.datatype, (OPEN,)) for output in answer.outputs
    )
    for tensor in promised:
        if tensor.name not in outputs:
            return f"lacks the output '{tensor.name}'"
        problem = _problem_of_output(outputs[tensor.name], tensor, batch)
        if problem:
            return problem
    return ""


def _problem_of_output(output: Output, tensor: TensorMetadata, batch: Optional[int]) -> str:
    if output.datatype != tensor.datatype:
        return f"holds {output.datatype:.80} in '{output.name}', which is {tensor.datatype}"
    if batch is not None and tensor.leads_open and output.shape[:1] != (batch,):
        return f"has the shape {list(output.shape)} in '{output.name}', for {batch} items"
    # A server may add a last dimension of one (MLServer does), so that only equal ranks are compared.
    is_comparable = len(output.shape) == len(tensor.shape)
    if is_comparable and any(size not in (OPEN, own) for size, own in zip(tensor.shape, output.shape)):
        return f"has the shape {list(output.shape)} in '{output.name}', which is {list(tensor.shape)}"
    return ""
