"""The only module that touches pynvml: opens NVIDIA's library, and turns its errors into ours.

The official binding (nvidia-ml-py) is asked for by name and told from the look-alike that shadows it by a function
that only the official one has. It is imported when the library itself could be loaded, so that a keeper on a
machine without an NVIDIA GPU does not pay for it. Some of its functions ignore return codes
(``nvmlDeviceSetPowerManagementLimit_v2``, the clock offsets); none of them may be called.
"""

from __future__ import annotations

import ctypes
from typing import Any, TypeAlias

from knobs.drivers.nvidia.errors import FUNCTION_NOT_FOUND, LIBRARY_NOT_FOUND, NvmlError, nvml_error

_LIBRARY = "libnvidia-ml.so.1"
_ONLY_IN_THE_OFFICIAL_BINDING = "_nvmlGetFunctionPointer"
_OPEN = "open NVIDIA's management library"

Handle: TypeAlias = Any
"""A GPU as the library names it: a pointer that means nothing outside of it."""


class Library:
    """NVIDIA's library, open as long as the process lives. May be called from several threads."""

    def __init__(self) -> None:
        """Opens the library.

        Raises:
            NvmlError: It cannot be opened.
        """
        self._binding = _official_binding()
        self.call("nvmlInit", _OPEN)

    def count(self) -> int:
        """Returns how many GPUs the driver shows.

        Raises:
            NvmlError: It does not answer.
        """
        return int(self.call("nvmlDeviceGetCount", "count the GPUs"))

    def handle(self, index: int) -> Handle:
        """Returns the GPU at an index.

        Raises:
            NvmlError: The GPU is lost, or barred from this process.
        """
        return self.call("nvmlDeviceGetHandleByIndex", f"open gpu{index}", index)

    def exports(self, function: str) -> bool:
        """Tells whether the library has a function, which older drivers may lack; calls nothing."""
        try:
            getattr(self._binding, _ONLY_IN_THE_OFFICIAL_BINDING)(function)
        except self._binding.NVMLError:
            return False
        return True

    def call(self, function: str, action: str, *arguments: object) -> Any:
        """Calls a function of the library.

        Args:
            function: Its name in the binding.
            action: What it does, as in ``read the power limit of gpu0``.
            *arguments: Its arguments.

        Raises:
            NvmlError: The library refused.
        """
        called = getattr(self._binding, function, None)
        if called is None:
            raise nvml_error(action, FUNCTION_NOT_FOUND)
        try:
            return called(*arguments)
        except self._binding.NVMLError as error:
            raise nvml_error(action, error.value) from error


def _official_binding() -> Any:
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise nvml_error(_OPEN, LIBRARY_NOT_FOUND) from error
    try:
        import pynvml
    except ImportError as error:
        raise NvmlError(_OPEN, "the Python package nvidia-ml-py is missing", "install nvidia-ml-py") from error
    if not hasattr(pynvml, _ONLY_IN_THE_OFFICIAL_BINDING):
        raise NvmlError(
            _OPEN,
            f"the Python module {pynvml.__file__} is not NVIDIA's own binding",
            "uninstall the package pynvml, then install nvidia-ml-py again",
        )
    return pynvml
