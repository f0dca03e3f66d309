"""A trace of ``torch.profiler`` (Kineto), or of another program in Chrome's format, as a timeline.

What its fields mean is documented in PyTorch's Kineto (libkineto/src/output_json.cpp): complete events (``X``) of the
categories below, times in microseconds since ``baseTimeNanoseconds``, a kernel's ``correlation`` the same as that of
the call that launched it, ``Sequence number`` the same for a forward operator and its gradient.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.energy_model.accounting.timeline import NONE, Integers, Kind, Label, Lane, Timeline
from tuner.energy_model.accounting.trace_events import Event, EventArguments, TraceFile
from tuner.errors import BadInputError

MODULE_PREFIX = "wattune.module:"
"""Names of our own marks begin with this; the module's path and class follow, with a bar in between."""

_GRADIENT = "autograd::engine::evaluate_function: "
_ACCUMULATION = "torch::autograd::AccumulateGrad"
_PYTHON_MODULE = re.compile(r"nn\.Module: (.+)")
STEP = "ProfilerStep"
"""The name of the profiler's steps, their number left out."""
_STEP_NUMBER = re.compile(rf"({STEP})#\d+")
_GPU = re.compile(r"(?i)\bgpu[:\s]*(\d+)")
_WAITING = re.compile(r"(?i)synchronize|cuStreamWait|EventQuery|hipStreamWait")
_CPU = "cpu"

_KERNELS = {"kernel", "gpu_memcpy", "gpu_memset", "concurrent_kernel"}
_CALLS = {"cuda_runtime", "cuda_driver", "runtime", "driver", "hip_runtime", "privateuse1_runtime"}
_UNUSED = {"trace", "overhead", "gpu_user_annotation", "ac2g", "fwdbwd", "async_cpu_to_gpu", "forward_backward"}
_NO_ARGUMENTS = EventArguments()


@dataclass(frozen=True)
class Trace:
    """What a file holds.

    Attributes:
        timeline: The events, on the clock of Unix if the file says what that is.
        notes: What the operator should know about it, a sentence each.
    """

    timeline: Timeline
    notes: tuple[str, ...]


def read_trace(path: Path) -> Trace:
    """Reads a trace. Of each event some 60 bytes are kept, whatever it takes in the file.

    Args:
        path: The file, plain or compressed with gzip.

    Raises:
        BadInputError: The file cannot be read, is damaged or cut short, or no device does anything in it.
    """
    file, collector = TraceFile(path), _Collector(path)
    for event in file.events():
        collector.take(event)
    return collector.trace(file.base_time_ns)


class _Collector:
    """Columns that grow event by event, and what ties events to each other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._label, self._lane, self._start, self._end = (array("q") for _ in range(4))
        self._labels: dict[Label, int] = {}
        self._lanes: dict[tuple[Any, Any], int] = {}
        self._processes: dict[Any, str] = {}
        self._open: dict[tuple[Any, Any], list[Event]] = {}
        self._links = _Links()
        self._kinds: dict[tuple[str, str], tuple[Kind, str, str] | None] = {}
        self._unmatched = 0

    def take(self, event: Event) -> None:
        """Takes an event, or leaves it if it says nothing about what ran."""
        if event.ph == "X":
            self._add(event, event.dur or 0.0)
        elif event.ph == "B":
            self._open.setdefault((event.pid, event.tid), []).append(event)
        elif event.ph == "E":
            self._close(event)
        elif event.ph == "M" and event.name == "process_name" and event.args is not None:
            self._processes[event.pid] = str(event.args.name)

    def trace(self, base_time_ns: int) -> Trace:
        """Returns what was collected.

        Raises:
            BadInputError: It is nothing.
        """
        if not self._label:
            raise BadInputError(
                f"{self._path} holds no operator of any device: record it with torch.profiler and its CPU or CUDA "
                "activities switched on."
            )
        timeline = Timeline(
            labels=tuple(self._labels),
            lanes=tuple(self._lane_of(*key) for key in self._lanes),
            label=_column(self._label),
            lane=_column(self._lane),
            start_ns=_column(self._start) + base_time_ns,
            end_ns=_column(self._end) + base_time_ns,
            origin=self._links.origins(_column(self._lane), _column(self._start)),
        )
        return Trace(timeline, tuple(self._notes()))

    def _notes(self) -> list[str]:
        unmatched = self._unmatched + sum(map(len, self._open.values()))
        notes = [f"{unmatched} events begin without an end, or end without a begin: left out."] if unmatched else []
        return notes + self._links.notes()

    def _close(self, event: Event) -> None:
        stack = self._open.get((event.pid, event.tid))
        if not stack or event.ts is None:
            self._unmatched += 1
            return
        begun = stack.pop()
        self._add(begun, event.ts - (begun.ts or 0.0))

    def _add(self, event: Event, duration_us: float) -> None:
        what = self._what(event.cat, event.name)
        if what is None:
            return
        if event.ts is None or duration_us < 0:
            raise BadInputError(f"{self._path}: the event '{event.name}' has no time, or ends before it begins.")
        kind, name, detail = what
        arguments = event.args or _NO_ARGUMENTS
        if kind is Kind.KERNEL:
            device = event.pid if arguments.device is None else arguments.device
            lane = (f"gpu:{device}", event.tid if arguments.stream is None else arguments.stream)
        else:
            lane = (event.pid, event.tid)
        label = Label(name, kind, detail or _shapes_text(arguments.shapes))
        start_ns = round(event.ts * 1000)
        self._links.note(len(self._label), kind, event.name, arguments)
        self._label.append(self._labels.setdefault(label, len(self._labels)))
        self._lane.append(self._lanes.setdefault(lane, len(self._lanes)))
        self._start.append(start_ns)
        self._end.append(start_ns + round(duration_us * 1000))

    def _what(self, category: str, name: str) -> tuple[Kind, str, str] | None:
        key = (category, name)
        if key not in self._kinds:
            self._kinds[key] = _kind_of(category.lower(), name)
        return self._kinds[key]

    def _lane_of(self, process: Any, thread: Any) -> Lane:
        if isinstance(process, str) and process.startswith("gpu:"):
            return Lane(process, f"stream {thread}")
        match = _GPU.search(self._processes.get(process, ""))
        return Lane(f"gpu:{match[1]}" if match else _CPU, f"thread {process} {thread}")


class _Links:
    """What says which operator launched a kernel, and which one a gradient belongs to."""

    def __init__(self) -> None:
        self._launches: dict[Any, int] = {}
        self._operators: dict[Any, int] = {}
        self._forward: dict[Any, int] = {}
        self._kernels: list[tuple[int, Any, Any]] = []
        self._gradients: list[tuple[int, Any]] = []
        self._accumulations: list[int] = []
        self._orphans = 0

    def note(self, event: int, kind: Kind, name: str, arguments: EventArguments) -> None:
        """Keeps what an event says about others."""
        if kind is Kind.KERNEL:
            self._kernels.append((event, arguments.correlation, arguments.external_id))
        elif kind is Kind.GRADIENT:
            if _ACCUMULATION in name:
                self._accumulations.append(event)
            else:
                self._gradients.append((event, arguments.sequence_number))
        elif arguments.correlation is not None:
            self._launches[arguments.correlation] = event
        elif kind is Kind.OPERATOR and arguments.external_id is not None:
            self._operators[arguments.external_id] = event
            if arguments.sequence_number is not None and not arguments.forward_thread:
                self._forward[arguments.sequence_number] = event

    def origins(self, lane: Integers, start_ns: Integers) -> Integers:
        """Returns the origin of every event."""
        origin = np.full(len(lane), NONE, dtype=np.int64)
        for event, correlation, external_id in self._kernels:
            launch = self._launches.get(correlation, NONE)
            origin[event] = launch if launch != NONE else self._operators.get(external_id, NONE)
        for event, number in self._gradients:
            origin[event] = self._forward.get(number, NONE)
        self._orphans = sum(int(origin[event]) == NONE for event, *_ in (*self._kernels, *self._gradients))
        self._set_accumulations(origin, lane, start_ns)
        return origin

    def notes(self) -> list[str]:
        """Returns what could not be tied."""
        if not self._orphans:
            return []
        return [f"{self._orphans} kernels or gradients name no operator of this trace: they stand outside of modules."]

    def _set_accumulations(self, origin: Integers, lane: Integers, start_ns: Integers) -> None:
        """Gradients are added up at once after they were computed: by the thread's gradient before."""
        computed = np.array([event for event, _ in self._gradients], dtype=np.int64)
        for number in np.unique(lane[computed]).tolist():
            before = computed[lane[computed] == number]
            before = before[np.argsort(start_ns[before])]
            added = np.array([event for event in self._accumulations if lane[event] == number], dtype=np.int64)
            place = np.searchsorted(start_ns[before], start_ns[added]) - 1
            origin[added[place >= 0]] = origin[before[place[place >= 0]]]


def _kind_of(category: str, name: str) -> tuple[Kind, str, str] | None:
    """Returns kind, name and detail of events of a category and a name; None for those that are not looked at."""
    if name.startswith(MODULE_PREFIX):
        path, _, module_class = name.removeprefix(MODULE_PREFIX).partition("|")
        return Kind.MODULE, path, module_class
    if category in _UNUSED:
        return None
    if category == "python_function":
        match = _PYTHON_MODULE.fullmatch(name)
        return (Kind.MODULE, match[1], "") if match else None
    if category == "user_annotation":
        return Kind.MODULE, _STEP_NUMBER.sub(r"\1", name), ""
    if category in _KERNELS:
        return Kind.KERNEL, name, ""
    if category in _CALLS:
        return (Kind.WAITING if _WAITING.search(name) else Kind.OPERATOR), name, ""
    if name.startswith(_GRADIENT):
        return Kind.GRADIENT, name.removeprefix(_GRADIENT), ""
    return Kind.OPERATOR, name, ""


def _shapes_text(shapes: Any) -> str:
    """Returns the shapes of tensors, "8x64, 64x64"; what is no tensor has none."""
    if not isinstance(shapes, list):
        return ""
    return ", ".join(_shape_text(shape) for shape in shapes if isinstance(shape, list) and shape)


def _shape_text(shape: list[Any]) -> str:
    if all(isinstance(size, int) for size in shape):
        return "x".join(map(str, shape))
    return f"[{_shapes_text(shape)}]"


def _column(values: array[int]) -> Integers:
    return np.frombuffer(values, dtype=np.int64).copy()
