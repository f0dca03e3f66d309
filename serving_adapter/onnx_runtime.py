"""Serves an ONNX model with ONNX Runtime, in the runner's own process.

::

    [options]
    model = "/srv/models/encoder.onnx"
    # Optional: what the model leaves open, and values that suit it (see serving_adapter.in_process.inputs).
    inputs = [{ name = "input_ids", shape = ["batch", 128], range = [0, 30521] }]
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]    # default: what is installed, the CPU last
    graph_optimization = "all"          # "extended", "basic" or "disabled"
    allow_spinning = false
    seed = 0                            # of the random values

    [parameters]
    batch_size = [1, 2, 4, 8]           # serving.batch_size
    threads = [1, 2]                    # serving.threads: within an operator
    inter_op_threads = [1, 2]           # serving.inter_op_threads: operators at a time (optional; 1 if not listed)

ONNX Runtime's own threads wait for work by spinning, also between requests, where a core that spins draws as much power
as one that works. Here they sleep unless ``allow_spinning`` says otherwise. Waking up costs some microseconds for each
operator, so that a server which spins should be measured spinning.

More than one operator at a time is ONNX Runtime's parallel mode; with one, it always runs in sequential mode.

A session is made anew for each number of threads, because it keeps the number that it was made with. Operators that
ONNX Runtime does not have are not loaded from anywhere.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

from serving_adapter.contract import AdapterError, ServingParameter, Value, WorkloadDefinition
from serving_adapter.definition.options import (
    check_options,
    flag_option,
    text_option,
    texts_option,
    whole_number_option,
)
from serving_adapter.definition.parameters import check_names, positive_integers
from serving_adapter.in_process.adapter import (
    THREADS,
    InProcessAdapter,
    batch_size_of_model,
    batch_sizes,
    threads_parameter,
)
from serving_adapter.in_process.failures import is_out_of_memory, words_of
from serving_adapter.in_process.inputs import fixed_batch_size
from serving_adapter.in_process.model_file import model_file
from serving_adapter.in_process.onnx_file import check_external_data
from serving_adapter.in_process.onnx_inputs import Feeds, feeds, model_inputs

INTER_OP_THREADS = "serving.inter_op_threads"

_OPTIONS = ("model", "inputs", "providers", "graph_optimization", "allow_spinning", "seed")
_GRAPH_OPTIMIZATIONS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "disabled": "ORT_DISABLE_ALL",
}
_CPU = "CPUExecutionProvider"
_REMOTE = "AzureExecutionProvider"
"""Sends work to a service elsewhere, whose energy nobody here can measure."""

_ERRORS_ONLY = 3


class OnnxRuntimeAdapter(InProcessAdapter):
    """Runs batches of prepared inputs through an ONNX model."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; imports neither ONNX Runtime nor the model yet."""
        super().__init__(workload)
        self._onnxruntime: Any = None
        self._path = Path()
        self._session: Any = None

    def open(self) -> None:
        """Loads the model, prepares the inputs of every batch size, and tries the smallest and the largest."""
        self._onnxruntime, numpy = self._import("onnxruntime"), self._import("numpy")
        check_options(self.workload, _OPTIONS)
        self._path = model_file(self.workload)
        runtime_parameters = self._read_runtime_parameters()
        self._session = self._make_session(_first_choice(runtime_parameters))
        inputs = model_inputs(self.workload, self._session.get_inputs())
        fixed = fixed_batch_size(inputs)
        batch_size = batch_size_of_model(self.workload, fixed)
        self._parameters = [batch_size, *runtime_parameters]
        self._batch_size = int(batch_size.values[0])
        seed = whole_number_option(self.workload, "seed", 0)
        self._batches = feeds(numpy, inputs, batch_sizes(batch_size, fixed), seed, self.workload.name)
        self.infer(min(self._batches))
        self.infer(max(self._batches))

    def close(self) -> None:
        """Lets go of the model and the inputs."""
        super().close()
        self._session = None

    def _run(self, batch: Feeds) -> None:
        self._session.run(None, batch)

    def _configure_runtime(self, values: Mapping[str, Value]) -> None:
        before = self._runtime_configuration()
        wanted = {**before, **values}
        if wanted != before:
            self._session = self._make_session(wanted)

    def _runtime_configuration(self) -> Dict[str, Value]:
        options = self._session.get_session_options()
        in_force = {THREADS: options.intra_op_num_threads, INTER_OP_THREADS: options.inter_op_num_threads}
        known = {parameter.id for parameter in self._parameters}
        return {name: value for name, value in in_force.items() if name in known}

    def _import(self, module: str) -> Any:
        try:
            return importlib.import_module(module)
        except ImportError as error:
            raise AdapterError(
                f"The workload '{self.workload.name}' needs ONNX Runtime, but {sys.executable} cannot import {module} "
                f"({words_of(error)}): install the package onnxruntime there, or name another interpreter."
            ) from error

    def _read_runtime_parameters(self) -> List[ServingParameter]:
        check_names(self.workload, ("batch_size", "threads", "inter_op_threads"))
        parameters = [threads_parameter(self.workload, default=_available_cores())]
        if "inter_op_threads" in self.workload.parameters:
            operators = positive_integers(self.workload, "inter_op_threads", default=1)
            parameters.append(ServingParameter(INTER_OP_THREADS, unit="threads", kind="threads", values=operators))
        return parameters

    def _make_session(self, values: Mapping[str, Value]) -> Any:
        wanted = self._read_providers()
        check_external_data(self._path, self.workload.name)
        try:
            session = self._onnxruntime.InferenceSession(
                str(self._path), self._session_options(values), providers=wanted, enable_fallback=0
            )
        except Exception as error:
            advice = "leave its runner more memory" if is_out_of_memory(error) else "check the model and the providers"
            raise AdapterError(
                f"The model file '{self._path}' of the workload '{self.workload.name}' cannot be loaded: "
                f"{words_of(error)}; {advice}."
            ) from error
        # A provider whose libraries are missing is left out without an error.
        missing = [
            provider for provider in texts_option(self.workload, "providers") if provider not in session.get_providers()
        ]
        if missing:
            raise AdapterError(
                f"ONNX Runtime does not run the workload '{self.workload.name}' with {', '.join(missing)}: "
                "install the libraries that this provider needs, or leave it out."
            )
        return session

    def _session_options(self, values: Mapping[str, Value]) -> Any:
        runtime, definition = self._onnxruntime, self.workload
        options = runtime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = values[THREADS]
        operators = int(values.get(INTER_OP_THREADS, 1))
        options.inter_op_num_threads = operators
        modes = runtime.ExecutionMode
        options.execution_mode = modes.ORT_PARALLEL if operators > 1 else modes.ORT_SEQUENTIAL
        optimization = text_option(definition, "graph_optimization", "all", tuple(_GRAPH_OPTIMIZATIONS))
        level = _GRAPH_OPTIMIZATIONS[optimization]
        options.graph_optimization_level = getattr(runtime.GraphOptimizationLevel, level)
        allow_spinning = "1" if flag_option(definition, "allow_spinning", False) else "0"
        for pool in ("intra_op", "inter_op"):
            options.add_session_config_entry(f"session.{pool}.allow_spinning", allow_spinning)
        return options

    def _read_providers(self) -> List[str]:
        offered = self._onnxruntime.get_available_providers()
        wanted = texts_option(self.workload, "providers")
        for provider in wanted:
            if provider not in offered:
                raise AdapterError(
                    f"The workload '{self.workload.name}' wants the provider '{provider}', which ONNX Runtime here "
                    f"does not have: use {', '.join(offered)}."
                )
        return wanted or sorted((each for each in offered if each != _REMOTE), key=lambda each: each == _CPU)


def _available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_choice(parameters: List[ServingParameter]) -> Dict[str, Value]:
    """Returns what is in force until configured: as many threads as there are cores if listed, else the most."""
    cores = _available_cores()
    return {
        parameter.id: cores if parameter.id == THREADS and cores in parameter.values else parameter.values[-1]
        for parameter in parameters
    }
