"""Serves a workload profile on a virtual device.

The workload's definition names the device and the directory in which it lives::

    [options]
    device = "virtual:agx-orin"
    directory = "/run/wattune/devices"
    profile = "llama-3.2-1b"            # optional: the device's first profile

    [parameters]
    batch_size = [1, 2, 4, 8, 16]       # optional: serving.batch_size
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from knobs.contract import KnobError
from serving_adapter.contract import AdapterError, ServingAdapter, ServingParameter, Value, WorkloadDefinition
from simulation.device import VirtualDevice

BATCH_SIZE = "serving.batch_size"
DEFAULT_BATCH_SIZES = (1, 2, 4, 8, 16)
_OPTIONS = ("device", "directory", "profile")


class VirtualAdapter(ServingAdapter):
    """Runs batches on a virtual device; its clock is the device's, which work moves at once."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; looks for no device yet."""
        super().__init__(workload)
        self._device: VirtualDevice | None = None
        self._profile = ""
        self._batch_sizes: tuple[int, ...] = ()
        self._batch_size = 0

    def open(self) -> None:
        """Finds the device and the profile."""
        options = self._options()
        batch_sizes = self._read_batch_sizes()
        directory = Path(options["directory"])
        if not directory.is_dir():
            raise AdapterError(f"The workload '{self.workload.name}' names the directory {directory}: there is none.")
        try:
            device = VirtualDevice(options["device"], directory)
            self._profile = device.profile(options.get("profile", device.model.profiles[0].name)).name
        except KnobError as error:
            raise AdapterError(str(error)) from error
        self._batch_sizes, self._batch_size = batch_sizes, batch_sizes[0]
        self._device = device

    def parameters(self) -> list[ServingParameter]:
        """Returns the batch size; nobody keeps it once the study has ended."""
        return [ServingParameter(id=BATCH_SIZE, unit="items", kind="batch", values=self._batch_sizes)]

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets the batch size."""
        for name, value in values.items():
            if name != BATCH_SIZE:
                raise AdapterError(f"There is no serving parameter '{name}': use {BATCH_SIZE}.")
            if type(value) is not int or value not in self._batch_sizes:
                choices = ", ".join(map(str, self._batch_sizes))
                raise AdapterError(f"{BATCH_SIZE} cannot be {value!r}: choose one of {choices}.")
        self._batch_size = int(values.get(BATCH_SIZE, self._batch_size))

    def current(self) -> dict[str, Value]:
        """Returns the batch size in force."""
        return {BATCH_SIZE: self._batch_size}

    def infer(self, items: int) -> None:
        """Runs one batch: the device's clock moves by its latency, at once."""
        device = self._opened()
        if items > self._batch_sizes[-1]:
            raise AdapterError(f"A batch of {items} items is larger than the largest listed, {self._batch_sizes[-1]}.")
        try:
            device.infer(self._profile, items)
        except KnobError as error:
            raise AdapterError(str(error)) from error

    def close(self) -> None:
        """Lets go of the device; it lives on in its directory."""
        self._device = None

    def now_s(self) -> float:
        """Returns the instant on the device's clock."""
        try:
            return self._opened().now_s()
        except KnobError as error:
            raise AdapterError(str(error)) from error

    def idle(self, seconds: float) -> None:
        """Moves the device's clock without work, at once."""
        try:
            self._opened().idle(seconds)
        except KnobError as error:
            raise AdapterError(str(error)) from error

    def _opened(self) -> VirtualDevice:
        if self._device is None:
            raise AdapterError(f"The workload '{self.workload.name}' is not open.")
        return self._device

    def _options(self) -> dict[str, str]:
        options = self.workload.options
        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown:
            raise AdapterError(
                f"The workload '{self.workload.name}' has the option '{unknown[0]}', which a virtual device "
                f"does not have: use {', '.join(_OPTIONS)}."
            )
        for name in _OPTIONS:
            if not isinstance(options.get(name, ""), str) or (name != "profile" and name not in options):
                raise AdapterError(f"The workload '{self.workload.name}' needs the option '{name}', a text.")
        return dict(options)

    def _read_batch_sizes(self) -> tuple[int, ...]:
        unknown = sorted(set(self.workload.parameters) - {"batch_size"})
        if unknown:
            raise AdapterError(
                f"The workload '{self.workload.name}' lists the serving parameter '{unknown[0]}', "
                "which a virtual device does not have: use batch_size."
            )
        values = self.workload.parameters.get("batch_size", DEFAULT_BATCH_SIZES)
        whole = sorted({value for value in values if type(value) is int and value > 0})
        if not whole or len(whole) != len(values):
            raise AdapterError(
                f"The values of 'batch_size' of the workload '{self.workload.name}' are {list(values)}: "
                "list distinct whole numbers above zero."
            )
        return tuple(whole)
