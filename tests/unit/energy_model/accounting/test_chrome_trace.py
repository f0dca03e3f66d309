from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tuner.energy_model.accounting import trace_events
from tuner.energy_model.accounting.chrome_trace import STEP, read_trace
from tuner.energy_model.accounting.timeline import NONE, Kind, Timeline
from tuner.errors import BadInputError

THREAD = {"pid": 7, "tid": 9}


def event(name: str, ts: float, dur: float, category: str = "cpu_op", **arguments: Any) -> dict[str, Any]:
    return {"ph": "X", "cat": category, "name": name, "ts": ts, "dur": dur, **THREAD, "args": arguments}


def write(path: Path, events: Sequence[dict[str, Any]], **more: Any) -> Path:
    path.write_text(json.dumps({"schemaVersion": 1, **more, "traceEvents": events, "traceName": "x"}, indent=1))
    return path


def read(tmp_path: Path, *events: dict[str, Any], **more: Any) -> Timeline:
    return read_trace(write(tmp_path / "trace.json", events, **more)).timeline


def names(timeline: Timeline) -> list[str]:
    return [timeline.labels[label].name for label in timeline.label]


def test_times_are_microseconds_on_the_clock_of_unix(tmp_path: Path) -> None:
    timeline = read(tmp_path, event("aten::mm", 10.5, 2.25), baseTimeNanoseconds=1_790_000_000_000_000_000)
    assert timeline.start_ns.tolist() == [1_790_000_000_000_010_500]
    assert timeline.end_ns.tolist() == [1_790_000_000_000_012_750]


def test_shapes_of_inputs_tell_operators_apart(tmp_path: Path) -> None:
    shapes = {"Input Dims": [[8, 64], [], [[2, 3], [4]]]}
    timeline = read(
        tmp_path, event("aten::mm", 0, 1, **shapes), event("aten::mm", 1, 1), event("aten::mm", 2, 1, **shapes)
    )
    assert timeline.label.tolist() == [0, 1, 0]
    assert [label.detail for label in timeline.labels] == ["8x64, [2x3, 4]", ""]


@pytest.mark.parametrize(
    ("category", "name", "kind", "shown"),
    [
        ("cpu_op", "aten::mm", Kind.OPERATOR, "aten::mm"),
        ("cpu_op", "wattune.module:encoder.layer.0|BertLayer", Kind.MODULE, "encoder.layer.0"),
        ("python_function", "nn.Module: Linear_3", Kind.MODULE, "Linear_3"),
        ("user_annotation", "ProfilerStep#12", Kind.MODULE, STEP),
        ("cpu_op", "autograd::engine::evaluate_function: MmBackward0", Kind.GRADIENT, "MmBackward0"),
        ("cuda_runtime", "cudaLaunchKernel", Kind.OPERATOR, "cudaLaunchKernel"),
        ("cuda_runtime", "cudaStreamSynchronize", Kind.WAITING, "cudaStreamSynchronize"),
        ("kernel", "gemm", Kind.KERNEL, "gemm"),
        ("Op", "MatMul", Kind.OPERATOR, "MatMul"),
    ],
)
def test_categories(tmp_path: Path, category: str, name: str, kind: Kind, shown: str) -> None:
    timeline = read(tmp_path, event(name, 0, 1, category))
    assert (timeline.labels[0].kind, timeline.labels[0].name) == (kind, shown)


def test_what_is_no_work_is_left_out(tmp_path: Path) -> None:
    unused = [
        event("x", 0, 1, category) for category in ("python_function", "Trace", "overhead", "gpu_user_annotation")
    ]
    marks = [{"ph": "i", "name": "x", "ts": 0, **THREAD}, {"ph": "M", "name": "thread_name", "args": {"name": "x"}}]
    assert names(read(tmp_path, *unused, *marks, event("aten::mm", 0, 1))) == ["aten::mm"]


def test_a_kernel_belongs_to_the_call_that_launched_it(tmp_path: Path) -> None:
    kernel = event("gemm", 50, 9, "kernel", device=1, stream=7, correlation=42)
    timeline = read(
        tmp_path,
        kernel,
        event("aten::mm", 0, 9, **{"External id": 5}),
        event("cudaLaunchKernel", 1, 2, "cuda_runtime", correlation=42),
        event("memset", 60, 1, "gpu_memset", device=1, stream=7, correlation=43, **{"External id": 5}),
    )
    assert timeline.origin.tolist() == [2, NONE, NONE, 1]
    assert timeline.lanes[timeline.lane[0]].device == "gpu:1"
    assert timeline.devices == ("gpu:1", "cpu")


def test_a_gradient_belongs_to_the_forward_operator_with_its_sequence_number(tmp_path: Path) -> None:
    forward = {"External id": 1, "Sequence number": 3, "Fwd thread id": 0}
    gradient = {"Sequence number": 3, "Fwd thread id": 1}
    prefix = "autograd::engine::evaluate_function: "
    path = write(
        tmp_path / "trace.json",
        [
            event("aten::mm", 0, 9, **forward),
            event(f"{prefix}MmBackward0", 20, 5, **gradient),
            event(f"{prefix}torch::autograd::AccumulateGrad", 26, 1),
            event(f"{prefix}OtherBackward0", 30, 5, **{"Sequence number": 99, "Fwd thread id": 1}),
        ],
    )
    trace = read_trace(path)
    assert trace.timeline.origin.tolist() == [NONE, 0, 0, NONE]
    assert trace.notes == ("1 kernels or gradients name no operator of this trace: they stand outside of modules.",)


def test_begin_and_end_make_one_event_and_those_without_the_other_are_counted(tmp_path: Path) -> None:
    def part(phase: str, name: str, ts: float) -> dict[str, Any]:
        return {"ph": phase, "cat": "Op", "name": name, "ts": ts, **THREAD}

    events = [part("E", "", 0), part("B", "outer", 1), part("B", "inner", 2), part("E", "", 3), part("E", "", 5)]
    trace = read_trace(write(tmp_path / "trace.json", [*events, part("B", "never", 6)]))
    assert names(trace.timeline) == ["inner", "outer"]
    assert (trace.timeline.end_ns - trace.timeline.start_ns).tolist() == [1000, 4000]
    assert trace.notes == ("2 events begin without an end, or end without a begin: left out.",)


def test_devices_are_known_by_the_name_of_their_process(tmp_path: Path) -> None:
    process = {"ph": "M", "name": "process_name", "pid": 7, "args": {"name": "/device:GPU:2 Compute"}}
    assert read(tmp_path, event("MatMul", 0, 1, "Op"), process).devices == ("gpu:2",)


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("piece_bytes", [100, 1000, 1 << 20])
def test_a_file_is_read_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int, is_compressed: bool
) -> None:
    monkeypatch.setattr(trace_events, "_PIECE_BYTES", piece_bytes)
    events = [event(f"operator }},{{ {number}", number, 1, nested=[{"a": 1}, {"b": 2}]) for number in range(50)]
    path = write(tmp_path / "trace.json", events, deviceProperties=[{"id": 0}, {"id": 1}])
    if is_compressed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert names(read_trace(path).timeline) == [one["name"] for one in events]


def test_an_array_alone_is_a_trace_too_with_or_without_its_closing_bracket(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    for end in ("]", "", ","):
        path.write_text(f"[{json.dumps(event('a', 0, 1))},\n{json.dumps(event('b', 1, 1))}{end}")
        assert names(read_trace(path).timeline) == ["a", "b"]


class TestBadInput:
    def test_a_file_that_was_cut_short(self, tmp_path: Path) -> None:
        path = write(tmp_path / "trace.json", [event(f"operator {number}", number, 1) for number in range(9)])
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(BadInputError, match="ends in the middle of an event"):
            read_trace(path)

    def test_a_compressed_file_that_was_cut_short(self, tmp_path: Path) -> None:
        path = tmp_path / "trace.json.gz"
        whole = gzip.compress(json.dumps({"traceEvents": [event(str(n), n, 1) for n in range(999)]}).encode())
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(BadInputError, match="ends too early, or is damaged"):
            read_trace(path)

    def test_no_device_does_anything(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="holds no operator of any device"):
            read(tmp_path, {"ph": "M", "name": "process_name", "pid": 7, "args": {"name": "python"}})

    @pytest.mark.parametrize("text", ["", "{}", "no json", '{"events": []}', "\x1f\x8b"])
    def test_no_trace_at_all(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "trace.json"
        path.write_text(text, encoding="latin-1")
        with pytest.raises(BadInputError, match=r"is no trace in Chrome's format|is damaged"):
            read_trace(path)

    def test_an_event_that_ends_before_it_begins(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="ends before it begins"):
            read(tmp_path, event("aten::mm", 0, -1))

    def test_an_event_of_other_types(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="holds an event that is none"):
            read(tmp_path, {**event("aten::mm", 0, 1), "ts": "noon"})

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="cannot be read: No such file"):
            read_trace(tmp_path / "missing.json")
