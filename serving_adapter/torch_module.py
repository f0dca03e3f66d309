"""Serves a PyTorch module in the runner's own process.

The workload's definition names a factory that its interpreter can import::

    [options]
    factory = "my_models:classifier"    # called without arguments, returns a TorchWorkload or such a pair
    compile = "torch.compile"           # optional: "eager" (as it is, the default), "torchscript" or "export"
    seed = 0                            # optional: torch's seed while the factory and make_inputs run

    [parameters]
    batch_size = [1, 2, 4, 8]           # serving.batch_size
    threads = [1, 2]                    # serving.threads: torch's intra-op threads

or a file that holds TorchScript or an exported program, and what it is fed with::

    [options]
    model = "/srv/models/classifier.pt2"
    inputs = [{ shape = ["batch", 3, 224, 224] }]    # see serving_adapter.in_process.inputs

For both, ``device`` says where the module runs (by default where the factory has put it; ``"cpu"`` for a file), and
``precision`` (``"bfloat16"``, ``"float16"``) runs it under torch's automatic mixed precision.

With ``compile = "torch.compile"`` there are also ``compile_mode`` (torch's ``mode``), ``dynamic`` (true: the batch
size is open from the start; false: each has a program of its own) and ``compile_limit_s``. Each batch size is run
before anything is measured, and again for each number of threads, because torch compiles for a number of threads.
Torch keeps what it has compiled in a folder (``TORCHINDUCTOR_CACHE_DIR``), which makes the next start much faster.
"""

import contextlib
import sys
from typing import Any, Callable, ContextManager, Dict, List, Mapping, Optional, Set, Union

from serving_adapter.contract import AdapterError, ServingParameter, Value, WorkloadDefinition
from serving_adapter.definition.options import check_options, text_option, whole_number_option
from serving_adapter.definition.parameters import check_names
from serving_adapter.in_process.adapter import (
    THREADS,
    InProcessAdapter,
    batch_size_of_model,
    batch_sizes,
    threads_parameter,
)
from serving_adapter.in_process.failures import words_of
from serving_adapter.in_process.torch_compilation import (
    COMPILED,
    EXPORTED,
    Compilation,
    GraphCount,
    Rehearsal,
    compiled,
    read_compilation,
)
from serving_adapter.in_process.torch_file import FileSource
from serving_adapter.in_process.torch_workload import FactorySource, Inputs, TorchWorkload, call, values_of

__all__ = ["TorchModuleAdapter", "TorchWorkload"]

_COMPILE_OPTIONS = ("compile", "compile_mode", "dynamic", "compile_limit_s")
_SHARED_OPTIONS = ("seed", "device", "precision")
_OPTIONS_WITH_FACTORY = ("factory", *_COMPILE_OPTIONS, *_SHARED_OPTIONS)
_OPTIONS_WITH_FILE = ("model", "inputs", *_SHARED_OPTIONS)

_VARIANTS_A_BATCH_SIZE = 4
"""More than are ever compiled: a function is compiled for one size, and again with the size open."""

Source = Union[FactorySource, FileSource]


class TorchModuleAdapter(InProcessAdapter):
    """Runs batches of prepared inputs through a PyTorch module."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; imports neither torch nor the model yet."""
        super().__init__(workload)
        self._torch: Any = None
        self._module: Any = None
        self._compilation: Optional[Compilation] = None
        self._graphs: Optional[GraphCount] = None
        self._rehearsed_threads: Set[int] = set()
        self._precision: Callable[[], ContextManager[Any]] = contextlib.nullcontext
        self._cuda_device: Optional[Any] = None

    def open(self) -> None:
        """Loads the module, prepares the inputs of every batch size, compiles what has to be, and tries one item."""
        torch = self._import_torch()
        source = self._find_source()
        self._compilation = read_compilation(self.workload)
        self._parameters = self._read_parameters(source.fixed_batch_size)
        self._batch_size = int(self._parameters[0].values[0])
        self._choose_threads()
        torch.manual_seed(whole_number_option(self.workload, "seed", 0))
        module = source.load()
        batches = source.batches(batch_sizes(self._parameters[0], source.fixed_batch_size))
        device = self._device_of(module, batches[min(batches)])
        self._cuda_device = device if device.type == "cuda" else None
        self._precision = self._read_precision(device)
        self._module = compiled(torch, module, self._compilation, batches, self.workload.name)
        self._batches = dict(batches)
        self._try_out(are_sizes_in_doubt=isinstance(source, FileSource) or self._compilation.kind == EXPORTED)

    def close(self) -> None:
        """Lets go of the module, the inputs and what was compiled."""
        super().close()
        self._module = None
        self._rehearsed_threads.clear()
        if self._graphs is not None:
            self._graphs.forget()
            self._graphs = None

    def _import_torch(self) -> Any:
        try:
            import torch
        except ImportError as error:
            raise AdapterError(
                f"The workload '{self.workload.name}' needs PyTorch, which {sys.executable} cannot import: "
                f"{words_of(error)}."
            ) from error
        self._torch = torch
        return torch

    def _find_source(self) -> Source:
        options = self.workload.options
        if "model" not in options:
            check_options(self.workload, _OPTIONS_WITH_FACTORY)
            return FactorySource(self._torch, self.workload, self._read_device(default=""))
        if "factory" in options:
            raise AdapterError(
                f"The workload '{self.workload.name}' names a factory and a model: leave one of them out."
            )
        check_options(self.workload, _OPTIONS_WITH_FILE)
        return FileSource(self._torch, self.workload, self._read_device(default="cpu"))

    def _read_device(self, default: str) -> Optional[Any]:
        name = text_option(self.workload, "device", default)
        if not name:
            return None
        try:
            device = self._torch.device(name)
            self._torch.empty(0, device=device)
        except Exception as error:
            raise AdapterError(
                f"The workload '{self.workload.name}' cannot run on the device '{name}': {words_of(error)}."
            ) from error
        return device

    def _read_parameters(self, fixed_batch_size: Optional[int]) -> List[ServingParameter]:
        check_names(self.workload, ("batch_size", "threads"))
        return [
            batch_size_of_model(self.workload, fixed_batch_size),
            threads_parameter(self.workload, default=self._torch.get_num_threads()),
        ]

    def _choose_threads(self) -> None:
        threads = self._parameters[1].values
        if self._torch.get_num_threads() not in threads:
            self._torch.set_num_threads(int(threads[-1]))

    def _device_of(self, module: Any, inputs: Inputs) -> Any:
        tensors = [*module.parameters(), *values_of(inputs)]
        devices = (tensor.device for tensor in tensors if isinstance(tensor, self._torch.Tensor))
        return next(devices, self._torch.device("cpu"))

    def _read_precision(self, device: Any) -> Callable[[], ContextManager[Any]]:
        precision = text_option(self.workload, "precision", "float32", ("float32", "bfloat16", "float16"))
        if precision == "float32":
            return contextlib.nullcontext
        return lambda: self._torch.autocast(device.type, dtype=getattr(self._torch, precision))

    def _try_out(self, are_sizes_in_doubt: bool) -> None:
        """Finds what is wrong before anything is measured.

        Args:
            are_sizes_in_doubt: Whether the module was made for certain batch sizes, as exported programs are.
        """
        if self._compilation is not None and self._compilation.kind == COMPILED:
            self._graphs = GraphCount()
            self._graphs.allow(_VARIANTS_A_BATCH_SIZE * len(self._batches) * len(self._parameters[1].values))
        before = self._graphs_so_far()
        self._rehearse()
        if self._graphs is not None and self._graphs_so_far() == before:
            raise AdapterError(
                f"torch.compile found nothing to compile in the module of the workload '{self.workload.name}': "
                'use compile = "eager".'
            )
        self.infer(min(self._batches))
        if are_sizes_in_doubt:
            self.infer(max(self._batches))

    def _rehearse(self) -> None:
        threads = self._torch.get_num_threads()
        if self._compilation is None or threads in self._rehearsed_threads:
            return
        Rehearsal(self._compilation, self.workload.name).run(self._batches, self._run_module)
        self._rehearsed_threads.add(threads)

    def _configure_runtime(self, values: Mapping[str, Value]) -> None:
        if THREADS not in values:
            return
        before = self._torch.get_num_threads()
        self._torch.set_num_threads(int(values[THREADS]))
        try:
            self._rehearse()
        except AdapterError:
            self._torch.set_num_threads(before)
            raise

    def _runtime_configuration(self) -> Dict[str, Value]:
        return {THREADS: self._torch.get_num_threads()}

    def _run(self, batch: Inputs) -> None:
        before = self._graphs_so_far()
        self._run_module(batch)
        if self._graphs_so_far() != before:
            raise AdapterError(
                f"torch.compile compiled the module of '{self.workload.name}' again while it was measured: "
                "something in it changes from call to call (TORCH_LOGS=recompiles says what)."
            )

    def _graphs_so_far(self) -> int:
        return 0 if self._graphs is None else self._graphs()

    def _run_module(self, batch: Inputs) -> None:
        with self._torch.inference_mode(), self._precision():
            call(self._module, batch)
        if self._cuda_device is not None:
            self._torch.cuda.synchronize(self._cuda_device)
