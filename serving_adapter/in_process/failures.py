"""What a model that failed has to say, as one sentence for the operator."""

from serving_adapter.contract import AdapterError
from serving_adapter.words import describe, quote

_SIGNS_OF_LITTLE_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "failed to allocate memory",
    "bad_alloc",
    "bad allocation",
)
"""Neither PyTorch on a CPU nor ONNX Runtime has an exception of its own for it."""

_TRACEBACK = "failed in the TorchScript interpreter"
"""A message that begins so has the reason in its last line."""


def words_of(error: BaseException) -> str:
    """Returns an exception in a few words on one line. What is in them may come from a model's file."""
    lines = str(error).strip().splitlines()
    is_traceback = bool(lines) and _TRACEBACK in lines[0]
    return quote((lines[-1] if is_traceback else describe(error)).encode(errors="replace"))


def is_out_of_memory(error: BaseException) -> bool:
    """Tells whether a runtime failed because there was not enough memory."""
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in _SIGNS_OF_LITTLE_MEMORY)


def batch_failure(workload: str, items: int, error: BaseException) -> AdapterError:
    """Returns the error of a batch that failed.

    Args:
        workload: The workload's name.
        items: Items of the batch.
        error: What the runtime raised.
    """
    if is_out_of_memory(error):
        return AdapterError(
            f"A batch of {items} items of the workload '{workload}' does not fit into memory ({words_of(error)}): "
            "list smaller batch sizes, or leave its runner more memory."
        )
    return AdapterError(f"A batch of {items} items failed in the workload '{workload}': {words_of(error)}.")
