"""Serves a PyTorch module in the runner's own process.

The workload's definition names a factory that its interpreter can import::

    [options]
    factory = "my_models:classifier"    # called without arguments, returns a TorchWorkload or such a pair
    seed = 0                            # optional: torch's seed while the factory and make_inputs run

    [parameters]
    batch_size = [1, 2, 4, 8]           # serving.batch_size
    threads = [1, 2]                    # serving.threads: torch's intra-op threads
"""

import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, Union

from serving_adapter.contract import AdapterError, ServingAdapter, ServingParameter, Value, WorkloadDefinition
from serving_adapter.parameters import check_admissible, check_names, positive_integers
from serving_adapter.references import describe, resolve

Inputs = Union[Tuple[Any, ...], Mapping[str, Any]]
"""Positional or keyword arguments of a module."""

BATCH_SIZE = "serving.batch_size"
THREADS = "serving.threads"


class TorchWorkload(NamedTuple):
    """A module and what it is fed with. A factory may as well return a plain pair.

    Attributes:
        module: A ``torch.nn.Module``, on the device where it is to run; it is put into evaluation mode.
        make_inputs: Returns the inputs of a batch of so many items, on the same device. It is called once, for
            the largest batch: every tensor whose first dimension is the number of items is cut for smaller
            ones, anything else is passed as it is.
    """

    module: Any
    make_inputs: Callable[[int], Inputs]


class TorchModuleAdapter(ServingAdapter):
    """Runs batches of prepared inputs through a PyTorch module."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; imports neither torch nor the model yet."""
        super().__init__(workload)
        self._torch: Any = None
        self._module: Any = None
        self._batches: Dict[int, Inputs] = {}
        self._parameters: List[ServingParameter] = []
        self._batch_size = 1
        self._cuda_device: Optional[Any] = None

    def open(self) -> None:
        """Builds the module, prepares the inputs of every batch size, and tries one item."""
        torch = self._import_torch()
        self._parameters = self._read_parameters(torch.get_num_threads())
        torch.manual_seed(self.workload.options.get("seed", 0))
        module, make_inputs = self._build()
        self._module = module.eval()
        self._cuda_device = _cuda_device_of(module)
        batch_sizes, threads = (parameter.values for parameter in self._parameters)
        largest = int(batch_sizes[-1])
        self._batches = self._prepare(make_inputs, largest)
        self._batch_size = int(batch_sizes[0])
        if torch.get_num_threads() not in threads:
            torch.set_num_threads(int(threads[-1]))
        self.infer(1)

    def parameters(self) -> List[ServingParameter]:
        """Returns the batch size and torch's intra-op threads."""
        return list(self._parameters)

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets the batch size, the threads or both."""
        check_admissible(values, self._parameters)
        if BATCH_SIZE in values:
            self._batch_size = int(values[BATCH_SIZE])
        if THREADS in values:
            self._torch.set_num_threads(int(values[THREADS]))

    def current(self) -> Dict[str, Value]:
        """Returns the batch size, and the threads that torch says it uses.

        Until configured, these are the smallest batch size and torch's own choice of threads (or the most threads
        that the definition lists, if torch's choice is not among them).
        """
        self._require_open()
        return {BATCH_SIZE: self._batch_size, THREADS: self._torch.get_num_threads()}

    def infer(self, items: int) -> None:
        """Runs one batch of prepared inputs."""
        self._require_open()
        inputs = self._batches.get(items)
        if inputs is None:
            raise AdapterError(f"A batch of {items} items was not prepared: the largest is {max(self._batches)}.")
        try:
            with self._torch.inference_mode():
                if isinstance(inputs, Mapping):
                    self._module(**inputs)
                else:
                    self._module(*inputs)
            if self._cuda_device is not None:
                self._torch.cuda.synchronize(self._cuda_device)
        except Exception as error:
            raise AdapterError(
                f"A batch of {items} items failed in the workload '{self.workload.name}': {describe(error)}."
            ) from error

    def close(self) -> None:
        """Lets go of the module and the inputs."""
        self._module = None
        self._batches = {}

    def _require_open(self) -> None:
        if self._module is None:
            raise AdapterError(f"The workload '{self.workload.name}' is not open.")

    def _import_torch(self) -> Any:
        try:
            import torch
        except ImportError as error:
            raise AdapterError(
                f"The workload '{self.workload.name}' needs PyTorch, which {sys.executable} cannot import: "
                f"{describe(error)}."
            ) from error
        self._torch = torch
        return torch

    def _read_parameters(self, default_threads: int) -> List[ServingParameter]:
        check_names(self.workload, ("batch_size", "threads"))
        batch_sizes = positive_integers(self.workload, "batch_size", default=1)
        threads = positive_integers(self.workload, "threads", default=default_threads)
        return [
            ServingParameter(id=BATCH_SIZE, unit="items", kind="batch", values=batch_sizes),
            ServingParameter(id=THREADS, unit="threads", kind="threads", values=threads),
        ]

    def _build(self) -> TorchWorkload:
        name = self.workload.name
        reference = self.workload.options.get("factory")
        if not isinstance(reference, str):
            raise AdapterError(f"The workload '{name}' names no factory: add factory = \"module:function\".")
        factory = resolve(reference, role="factory")
        try:
            built = factory()
        except Exception as error:
            raise AdapterError(f"The factory '{reference}' of '{name}' failed: {describe(error)}.") from error
        is_pair = isinstance(built, tuple) and len(built) == 2
        if not (is_pair and isinstance(built[0], self._torch.nn.Module) and callable(built[1])):
            raise AdapterError(
                f"The factory '{reference}' of '{name}' returned a {type(built).__name__}: "
                "return a pair of a torch.nn.Module and a function that makes the inputs of a batch."
            )
        return TorchWorkload(*built)

    def _prepare(self, make_inputs: Callable[[int], Inputs], largest: int) -> Dict[int, Inputs]:
        try:
            inputs = make_inputs(largest)
        except Exception as error:
            raise AdapterError(
                f"The inputs of {largest} items of the workload '{self.workload.name}' cannot be made: "
                f"{describe(error)}."
            ) from error
        if not isinstance(inputs, (tuple, Mapping)):
            raise AdapterError(
                f"The inputs of the workload '{self.workload.name}' are a {type(inputs).__name__}: "
                "return a tuple of positional or a dictionary of keyword arguments."
            )
        return {items: self._cut(inputs, items, largest) for items in range(1, largest + 1)}

    def _cut(self, inputs: Inputs, items: int, largest: int) -> Inputs:
        def cut(value: Any) -> Any:
            is_batch = isinstance(value, self._torch.Tensor) and value.dim() > 0 and value.shape[0] == largest
            return value[:items] if is_batch else value

        if isinstance(inputs, Mapping):
            return {name: cut(value) for name, value in inputs.items()}
        return tuple(cut(value) for value in inputs)


def _cuda_device_of(module: Any) -> Optional[Any]:
    """Returns the CUDA device that has to be waited for, if the module lives on one."""
    for tensor in module.parameters():
        return tensor.device if tensor.device.type == "cuda" else None
    return None
