"""A PyTorch module that comes as a file: TorchScript, or an exported program.

Both formats execute what they hold when they are loaded, which is why nothing but the unprivileged runner ever loads
one. A pickled module would do so as well, and needs the code of its classes besides: it is refused.
"""

import logging
import zipfile
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Optional, Sequence

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.in_process.failures import is_out_of_memory, words_of
from serving_adapter.in_process.inputs import FLOATING, Input, complete, declared_inputs, fixed_batch_size
from serving_adapter.in_process.model_file import model_file
from serving_adapter.in_process.torch_workload import Inputs

_FIRST_BYTE_OF_PICKLE = b"\x80"


class FileSource:
    """A module that is loaded from a file, and batches as the definition declares them."""

    def __init__(self, torch: Any, definition: WorkloadDefinition, device: Any) -> None:
        """Checks the definition; loads nothing yet.

        Args:
            torch: The library, imported.
            definition: The workload.
            device: Where the module is to run.

        Raises:
            AdapterError: The file cannot be read, or the inputs are not declared as they must be.
        """
        self._torch = torch
        self._name = definition.name
        self._device = device
        self._path = model_file(definition)
        self._what = f"The model file '{self._path}' of the workload '{self._name}'"
        self._inputs = self._read_inputs(definition)
        self.fixed_batch_size = fixed_batch_size(self._inputs)

    def load(self) -> Any:
        """Returns the module.

        Raises:
            AdapterError: The file is of no format that is loaded, or is damaged.
        """
        load = self._load_torchscript if self._is_torchscript() else self._load_exported
        try:
            return load()
        except Exception as error:
            advice = "leave its runner more memory" if is_out_of_memory(error) else "make it again"
            raise AdapterError(f"{self._what} cannot be loaded: {words_of(error)}; {advice}.") from error

    def batches(self, sizes: Sequence[int]) -> Dict[int, Inputs]:
        """Returns the inputs of a batch of each size: views of those of the largest.

        Raises:
            AdapterError: They cannot be made.
        """
        largest = max(sizes)
        try:
            tensors = [self._make(given, largest) for given in self._inputs]
        except Exception as error:
            raise AdapterError(
                f"The inputs of {largest} items of the workload '{self._name}' cannot be made: {words_of(error)}."
            ) from error
        return {items: self._cut(tensors, items) for items in sizes}

    def _read_inputs(self, definition: WorkloadDefinition) -> List[Input]:
        declared = declared_inputs(definition)
        if not declared or any(each.shape is None for each in declared):
            raise AdapterError(
                f"The workload '{self._name}' does not say what its model file is fed with: "
                'add inputs = [{ shape = ["batch", 3, 224, 224] }], with a shape for each input.'
            )
        if len({bool(each.name) for each in declared}) > 1:
            raise AdapterError(f"Only some inputs of the workload '{self._name}' have a name: name all, or none.")
        return [complete(each, each.shape or (), each.dtype or "float32") for each in declared]

    def _is_torchscript(self) -> bool:
        """Tells TorchScript from an exported program, and refuses everything else, by what is in the file."""
        members = _members(self._path)
        if members is None:
            if self._path.open("rb").read(1) == _FIRST_BYTE_OF_PICKLE:
                raise self._refused_pickle()
            raise AdapterError(
                f"{self._what} is neither TorchScript nor an exported program, or is damaged: "
                "save it with torch.jit.save or torch.export.save."
            )
        if any(member.startswith("data/aotinductor/") for member in members):
            raise AdapterError(f"{self._what} holds native code (AOTInductor): save it with torch.export.save.")
        is_torchscript = "constants.pkl" in members
        is_exported = "archive_format" in members or "serialized_exported_program.json" in members
        if not is_torchscript and not is_exported:
            raise self._refused_pickle()
        return is_torchscript

    def _refused_pickle(self) -> AdapterError:
        return AdapterError(
            f"{self._what} is a pickled checkpoint, which needs code that it does not hold: "
            "save it with torch.jit.save or torch.export.save, or name a factory instead."
        )

    def _load_torchscript(self) -> Any:
        return self._torch.jit.load(str(self._path), map_location=self._device).eval()

    def _load_exported(self) -> Any:
        with _LoggedError("torch.export") as logged:
            try:
                program = self._torch.export.load(str(self._path))
            except Exception as error:
                raise logged.error or error from error
        if self._device.type != "cpu":
            from torch.export.passes import move_to_device_pass

            program = move_to_device_pass(program, self._device)
        return program.module()

    def _make(self, given: Input, items: int) -> Any:
        torch = self._torch
        shape, dtype, values = given.shape_of(items), getattr(torch, given.dtype), given.values
        if values.constant is not None:
            tensor = torch.full(shape, values.constant, dtype=dtype)
        elif values.bounds is None:
            tensor = torch.randn(shape).to(dtype)
        elif given.dtype in FLOATING:
            low, high = values.bounds
            tensor = (low + (high - low) * torch.rand(shape)).to(dtype)
        else:
            low, high = values.bounds
            tensor = torch.randint(int(low), int(high) + 1, shape).to(dtype)
        return tensor.to(self._device)

    def _cut(self, tensors: Sequence[Any], items: int) -> Inputs:
        axes = [given.batch_axis for given in self._inputs]
        cut = [tensor if axis is None else tensor.narrow(axis, 0, items) for tensor, axis in zip(tensors, axes)]
        if self._inputs[0].name:
            return {given.name: tensor for given, tensor in zip(self._inputs, cut)}
        return tuple(cut)


def _members(path: Path) -> Optional[FrozenSet[str]]:
    """Returns the names in an archive, without the folder that torch puts around them; None if it is no archive."""
    try:
        with zipfile.ZipFile(str(path)) as archive:
            return frozenset(name.partition("/")[2] or name for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        return None


class _LoggedError(logging.Handler):
    """Keeps the error that a library writes to its log, where it should have raised it."""

    def __init__(self, logger: str) -> None:
        super().__init__()
        self._logger = logging.getLogger(logger)
        self.error: Optional[BaseException] = None

    def __enter__(self) -> "_LoggedError":
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.error = record.exc_info[1]
