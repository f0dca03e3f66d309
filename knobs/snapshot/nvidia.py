"""What NVIDIA's library answers to the questions that drivers ask it, question by question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from knobs.drivers.nvidia.device import Device, Field, FieldScope
from knobs.drivers.nvidia.errors import FUNCTION_NOT_FOUND, LIBRARY_NOT_FOUND, NvmlError
from knobs.drivers.nvidia.library import Handle, Library
from knobs.drivers.nvidia.pci import nvidia_addresses
from knobs.snapshot.kernel import sleeping_devices
from knobs.sysfs import KernelFiles

_FIELD_VALUES = "nvmlDeviceGetFieldValues"
_MEMORY_CLOCKS, _CORE_CLOCKS = "nvmlDeviceGetSupportedMemoryClocks", "nvmlDeviceGetSupportedGraphicsClocks"
_GRAPHICS, _SM, _MEMORY = 0, 1, 2
_QUESTIONS: tuple[tuple[str, tuple[int, ...]], ...] = (
    *((f"nvmlDeviceGet{what}", ()) for what in ("Name", "UUID", "PciInfo", "Architecture", "CudaComputeCapability")),
    *((f"nvmlDeviceGet{what}", ()) for what in ("MemoryInfo", "MigMode", "PersistenceMode", "PerformanceState")),
    *(("nvmlDeviceGetClockInfo", (domain,)) for domain in (_GRAPHICS, _SM, _MEMORY)),
    *(("nvmlDeviceGetMaxClockInfo", (domain,)) for domain in (_GRAPHICS, _MEMORY)),
    *(("nvmlDeviceGetApplicationsClock", (domain,)) for domain in (_GRAPHICS, _MEMORY)),
    *(("nvmlDeviceGetDefaultApplicationsClock", (domain,)) for domain in (_GRAPHICS, _MEMORY)),
    *((f"nvmlDeviceGetPowerManagement{what}", ()) for what in ("Limit", "DefaultLimit", "LimitConstraints")),
    *((f"nvmlDeviceGet{what}", ()) for what in ("EnforcedPowerLimit", "PowerUsage", "TotalEnergyConsumption")),
    *((f"nvmlDeviceGetCurrentClocks{what}Reasons", ()) for what in ("Event", "Throttle")),
    *(("nvmlDeviceGetTemperature", (0,)), ("nvmlDeviceGetUtilizationRates", ())),
)
_PARTS = {
    "nvmlDeviceGetPciInfo": ("busId", "pciDeviceId"),
    "nvmlDeviceGetMemoryInfo": ("total",),
    "nvmlDeviceGetUtilizationRates": ("gpu", "memory"),
}
"""What is taken of answers that are structures."""

_FIELDS = (
    *(Field(number) for number in (74, 75, 83, 187, 188, 189, 190, 192, 269, 270, 271)),
    *(Field(number, scope) for number in (185, 186, 191) for scope in FieldScope),
)
_SETTERS = (
    *("nvmlDeviceSetGpuLockedClocks", "nvmlDeviceResetGpuLockedClocks"),
    *("nvmlDeviceSetMemoryLockedClocks", "nvmlDeviceResetMemoryLockedClocks"),
    *("nvmlDeviceSetApplicationsClocks", "nvmlDeviceResetApplicationsClocks", "nvmlDeviceSetPowerManagementLimit"),
)


@dataclass(frozen=True)
class NvmlAnswer:
    """What the library answered to one question.

    Attributes:
        function: What was asked, by its name in the binding.
        arguments: What it was asked with, besides the GPU.
        code: The return code: ``nvmlReturn_t`` of nvml.h.
        values: The answer, in NVML's own units; none where it was refused.
    """

    function: str
    arguments: tuple[int, ...]
    code: int
    values: tuple[int | float | str, ...] = ()


@dataclass(frozen=True)
class NvmlGpu:
    """One GPU.

    Attributes:
        index: Its place in the library's order.
        code: The return code of opening it.
        answers: What it was asked, and what it answered.
    """

    index: int
    code: int
    answers: tuple[NvmlAnswer, ...] = ()


@dataclass(frozen=True)
class NvmlView:
    """What NVIDIA's library says.

    Attributes:
        code: The return code of opening it.
        driver: The driver's version; empty where it does not tell.
        setters: Functions that the library has for changing something; none of them is called.
        gpus: The GPUs.
    """

    code: int
    driver: str = ""
    setters: tuple[str, ...] = ()
    gpus: tuple[NvmlGpu, ...] = ()


def nvidia_sleeps(files: KernelFiles) -> bool:
    """Tells whether an NVIDIA GPU is switched off until it is used: the library would wake it."""
    asleep = {folder.rpartition("/")[2] for folder in sleeping_devices(files)}
    return not asleep.isdisjoint(nvidia_addresses(files))


def view_nvidia() -> NvmlView:
    """Returns what NVIDIA's library answers; changes nothing."""
    try:
        library = Library()
        count = library.count()
    except NvmlError as error:
        return NvmlView(_code_of(error))
    version = _ask(library, "nvmlSystemGetDriverVersion", ())
    return NvmlView(
        code=0,
        driver=str(version.values[0]) if version.values else "",
        setters=tuple(function for function in _SETTERS if library.exports(function)),
        gpus=tuple(_view_gpu(library, index) for index in range(count)),
    )


def _view_gpu(library: Library, index: int) -> NvmlGpu:
    try:
        handle = library.handle(index)
    except NvmlError as error:
        return NvmlGpu(index, _code_of(error))
    return NvmlGpu(index, 0, tuple(_answers(library, handle)))


def _answers(library: Library, handle: Handle) -> Iterator[NvmlAnswer]:
    for function, arguments in _QUESTIONS:
        yield _ask(library, function, arguments, handle)
    memory_clocks = _ask(library, _MEMORY_CLOCKS, (), handle)
    yield memory_clocks
    for clock in memory_clocks.values:
        yield _ask(library, _CORE_CLOCKS, (int(clock),), handle)
    yield from _field_answers(library, handle)


def _ask(library: Library, function: str, arguments: Sequence[int], *handle: Handle) -> NvmlAnswer:
    asked = (function, tuple(arguments))
    try:
        return NvmlAnswer(*asked, 0, tuple(_values(function, library.call(function, "ask", *handle, *arguments))))
    except NvmlError as error:
        return NvmlAnswer(*asked, _code_of(error))


def _values(function: str, answer: Any) -> Iterator[int | float | str]:
    if function in _PARTS:
        answer = [getattr(answer, part) for part in _PARTS[function]]
    for value in answer if isinstance(answer, (list, tuple)) else (answer,):
        yield value.decode() if isinstance(value, bytes) else value


def _field_answers(library: Library, handle: Handle) -> Iterator[NvmlAnswer]:
    """Each field has a return code of its own."""
    told = _told_fields(Device(library, handle, "gpu"), _FIELDS)
    for field in _FIELDS:
        arguments = (field.number, int(field.scope))
        if field in told:
            yield NvmlAnswer(_FIELD_VALUES, arguments, 0, (told[field],))
        else:
            yield NvmlAnswer(_FIELD_VALUES, arguments, _code_of_field(library, handle, arguments))


def _told_fields(device: Device, fields: Sequence[Field]) -> dict[Field, float]:
    try:
        return device.fields(fields)
    except NvmlError:
        return {}


def _code_of_field(library: Library, handle: Handle, arguments: tuple[int, ...]) -> int:
    try:
        (answer,) = library.call(_FIELD_VALUES, "ask", handle, [arguments])
    except NvmlError as error:
        return _code_of(error)
    return int(answer.nvmlReturn)


def _code_of(error: NvmlError) -> int:
    """Returns the library's return code, or the one with which the binding says that there is no such function."""
    if isinstance(error.__cause__, OSError):
        return LIBRARY_NOT_FOUND
    return int(getattr(error.__cause__, "value", FUNCTION_NOT_FOUND))
