"""One batch of a model as a piece of work that can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tuner.errors import BadInputError

if TYPE_CHECKING:
    from tuner.cli.model_argument import NamedModel


def batch_work(model: NamedModel, *, is_training: bool) -> Callable[[], None]:
    """Returns what runs one batch to its end.

    Args:
        model: The model and its inputs.
        is_training: Whether gradients are computed as well, of the mean of everything that the model returns.

    Raises:
        BadInputError: The model cannot be run.
    """
    import torch

    from serving_adapter.in_process.torch_workload import call

    devices = gpus_of(model)

    def infer() -> None:
        with torch.inference_mode():
            call(model.module, model.inputs)
        _finish(torch, devices)

    def train() -> None:
        model.module.zero_grad(set_to_none=True)
        outputs = [tensor.float().mean() for tensor in _tensors(torch, call(model.module, model.inputs))]
        torch.stack(outputs).sum().backward()
        _finish(torch, devices)

    model.module.train(is_training)
    work = train if is_training else infer
    try:
        work()
    except Exception as error:
        what = "train" if is_training else "run"
        raise BadInputError(f"A batch of {model.batch_size} of '{model.name}' does not {what}: {error}.") from error
    return work


def gpus_of(model: NamedModel) -> list[int]:
    """Returns the numbers of the GPUs on which a model lies."""
    devices = {parameter.device for parameter in model.module.parameters()}
    return sorted(device.index or 0 for device in devices if device.type == "cuda")


def _finish(torch: Any, gpus: list[int]) -> None:
    for number in gpus:
        torch.cuda.synchronize(number)


def _tensors(torch: Any, value: Any) -> Iterator[Any]:
    """Yields the tensors of floating-point numbers that gradients can be computed of."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point() and value.requires_grad:
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(torch, part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(torch, part)
