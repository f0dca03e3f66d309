"""The ways to run a factory's module: as it is, compiled, as TorchScript, or as an exported program."""

import importlib
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import flag_option, number_option, text_option
from serving_adapter.in_process.failures import batch_failure, is_out_of_memory, words_of
from serving_adapter.in_process.torch_workload import Inputs, call, is_batch, mapped, values_of

EAGER, COMPILED, TORCHSCRIPT, EXPORTED = "eager", "torch.compile", "torchscript", "export"

_COMPILE_MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
_DEFAULT_LIMIT_S = 100.0
"""The daemon gives up on a runner that has not answered for two minutes."""

_TRIES = {COMPILED: 1, TORCHSCRIPT: 2}
"""Runs of each batch size until nothing is left to be compiled: TorchScript watches the first and then optimises."""

_TRIES_WITH_CUDA_GRAPHS = 3
"""The first run allocates, the second is recorded, and from the third on the recording is played."""


@dataclass(frozen=True)
class Compilation:
    """How a module is run.

    Attributes:
        kind: ``eager``, ``torch.compile``, ``torchscript`` or ``export``.
        mode: The mode of ``torch.compile``.
        dynamic: Whether ``torch.compile`` leaves sizes open from the start; None lets it find out.
        limit_s: Longest time to be spent on compiling at a stretch.
    """

    kind: str
    mode: str
    dynamic: Optional[bool]
    limit_s: float

    @property
    def tries(self) -> int:
        """How often each batch size has to be run before anything may be measured; 0 if nothing is compiled."""
        if self.kind == COMPILED and self.mode in ("reduce-overhead", "max-autotune"):
            return _TRIES_WITH_CUDA_GRAPHS
        return _TRIES.get(self.kind, 0)


def read_compilation(definition: WorkloadDefinition) -> Compilation:
    """Returns how the definition wants its module to be run.

    Raises:
        AdapterError: An option is wrong.
    """
    return Compilation(
        kind=text_option(definition, "compile", EAGER, (EAGER, COMPILED, TORCHSCRIPT, EXPORTED)),
        mode=text_option(definition, "compile_mode", "default", _COMPILE_MODES),
        dynamic=flag_option(definition, "dynamic", False) if "dynamic" in definition.options else None,
        limit_s=number_option(definition, "compile_limit_s", _DEFAULT_LIMIT_S),
    )


def compiled(torch: Any, module: Any, compilation: Compilation, batches: Dict[int, Inputs], name: str) -> Any:
    """Returns a module in the form in which it is to run. ``torch.compile`` does its work at the first calls.

    Args:
        torch: The library, imported.
        module: The module, in evaluation mode.
        compilation: How it is to run.
        batches: The inputs of each batch size.
        name: The workload's name.

    Raises:
        AdapterError: The module cannot be brought into this form.
    """
    if compilation.kind == COMPILED:
        return torch.compile(module, mode=compilation.mode, dynamic=compilation.dynamic)
    convert = {TORCHSCRIPT: _traced, EXPORTED: _exported}.get(compilation.kind)
    if convert is None:
        return module
    try:
        return convert(torch, module, batches)
    except AdapterError:
        raise
    except Exception as error:
        raise AdapterError(
            f"The module of the workload '{name}' cannot be run with compile = \"{compilation.kind}\": "
            f'{words_of(error)}; use another way, such as compile = "eager".'
        ) from error


class Rehearsal:
    """Runs every batch size before anything is measured, so that no compiling falls into a measurement."""

    def __init__(self, compilation: Compilation, name: str) -> None:
        """Keeps what is needed.

        Args:
            compilation: How the module is run.
            name: The workload's name.
        """
        self._compilation = compilation
        self._name = name

    def run(self, batches: Dict[int, Inputs], run: Callable[[Inputs], None]) -> None:
        """Runs each batch as often as it takes.

        Args:
            batches: The inputs of each batch size.
            run: Runs one batch.

        Raises:
            AdapterError: A batch fails, or time is up.
        """
        limit_s = self._compilation.limit_s
        deadline_s = time.monotonic() + limit_s
        for items, batch in batches.items():
            for _ in range(self._compilation.tries):
                if time.monotonic() > deadline_s:
                    raise AdapterError(
                        f"Compiling the workload '{self._name}' took more than {limit_s:g} s and got to {items} of "
                        f"{max(batches)} items a batch: list smaller batch sizes, or set dynamic = true, or raise "
                        "compile_limit_s; what was compiled is kept by torch, so that trying again may be enough."
                    )
                self._try(items, batch, run)

    def _try(self, items: int, batch: Inputs, run: Callable[[Inputs], None]) -> None:
        try:
            run(batch)
        except Exception as error:
            if is_out_of_memory(error):
                raise batch_failure(self._name, items, error) from error
            raise AdapterError(
                f"The workload '{self._name}' with compile = \"{self._compilation.kind}\" cannot run a batch of "
                f"{items} items: {_cause(error)}."
            ) from error


class GraphCount:
    """The graphs that ``torch.compile`` has made in this process so far."""

    def __init__(self) -> None:
        """Finds torch's own counters, which torch itself does not import."""
        self._dynamo = importlib.import_module("torch._dynamo")
        self._counters = importlib.import_module("torch._dynamo.utils").counters

    def __call__(self) -> int:
        """Returns their number."""
        return int(self._counters["stats"]["unique_graphs"])

    def allow(self, graphs: int) -> None:
        """Lets so many variants of a function be compiled; torch falls back to the plain module beyond its limit."""
        config = self._dynamo.config
        for name in ("recompile_limit", "cache_size_limit"):
            if hasattr(config, name):
                setattr(config, name, max(graphs, getattr(config, name)))

    def forget(self) -> None:
        """Lets go of what was compiled."""
        self._dynamo.reset()


def _cause(error: BaseException) -> str:
    """Returns why compiling failed, in a few words: the compiler that is missing, if that is why."""
    reasons: List[BaseException] = []
    reason: Optional[BaseException] = error
    while reason is not None and reason not in reasons:
        reasons.append(reason)
        reason = reason.__cause__ or reason.__context__
    if any("InvalidCxxCompiler" in f"{type(each).__name__} {each}" for each in reasons):
        return "there is no C++ compiler, which torch.compile needs; install g++"
    if any("TritonMissing" in f"{type(each).__name__} {each}" for each in reasons):
        return "there is no Triton, which torch.compile needs on a GPU; install the package triton"
    return words_of(error)


def _traced(torch: Any, module: Any, batches: Dict[int, Inputs]) -> Any:
    """Returns a module as TorchScript, frozen as it is for deployment.

    Tracing follows one batch. Whatever the module computes in Python becomes a constant, the batch size too.
    """
    largest = batches[max(batches)]
    arguments = {"example_kwarg_inputs": largest} if isinstance(largest, dict) else {"example_inputs": largest}
    with torch.no_grad():
        script = torch.jit.freeze(torch.jit.trace(module, strict=False, check_trace=False, **arguments).eval())
        for inputs in (batches[min(batches)], largest):
            if _shapes(torch, call(script, inputs)) != _shapes(torch, call(module, inputs)):
                raise AdapterError(
                    "The module gives other results as TorchScript than without for another batch size, because it "
                    'computes with the batch size in Python: use compile = "export" or "torch.compile".'
                )
    return script


def _shapes(torch: Any, outputs: Any) -> List[Any]:
    leaves = torch.utils._pytree.tree_leaves(outputs)  # noqa: SLF001 - there is no public name for it
    return sorted(tuple(leaf.shape) for leaf in leaves if isinstance(leaf, torch.Tensor))


def _exported(torch: Any, module: Any, batches: Dict[int, Inputs]) -> Any:
    """Returns a module as an exported program whose batch size is open."""
    items = max(batches)
    inputs = batches[items]
    batch = torch.export.Dim("batch", min=1, max=items) if items > 1 else None
    sizes = mapped(lambda value: {0: batch} if batch and is_batch(torch, value, items) else None, inputs)
    named = isinstance(inputs, dict)
    program = torch.export.export(
        module, () if named else values_of(inputs), inputs if named else None, dynamic_shapes=sizes
    )
    return program.module()
