"""How many requests a second the load generators can send, on one core."""

from __future__ import annotations

import time

from benchmarks.hardware.figures import PERCENT, Figure, Section
from benchmarks.serving.no_op import NoOpRun, on_one_core, run_no_op
from serving_adapter.contract import Load
from serving_adapter.runner.protocol import decode, encode, slice_from_json, slice_to_json

RATE_HZ = 20_000.0

_CASES = (
    ("single-stream, caller's thread", 1, Load("single-stream", 1)),
    ("offline, caller's thread", 1, Load("offline", 1)),
    ("offline, 8 lanes", 8, Load("offline", 1)),
    ("offline, 64 lanes", 64, Load("offline", 1)),
    ("server, caller's thread", 1, Load("server", 1, RATE_HZ)),
    ("server, 8 lanes", 8, Load("server", 1, RATE_HZ)),
    ("server, 64 lanes", 64, Load("server", 1, RATE_HZ)),
    ("server, 8 lanes, batches of 8", 8, Load("server", 8, RATE_HZ, batch_wait_s=0.001)),
)


def pace_section(seconds: float) -> Section:
    """Returns the share of a core that so many requests a second take, and what their record takes on top."""
    with on_one_core():
        runs = [(name, load, run_no_op(concurrency, load, seconds)) for name, concurrency, load in _CASES]
    figures = [_share(name, load, run) for name, load, run in runs]
    _, _, last_of_lanes = runs[-2]
    title = f"load against a no-op adapter, on one core: CPU time of {RATE_HZ:,.0f} requests, over 1 s"
    return Section(title, (*figures, *_record_shares(last_of_lanes)))


def _share(name: str, load: Load, run: NoOpRun) -> Figure:
    asked = "" if load.rate_hz is None else f" of {load.rate_hz:,.0f}/s asked for"
    return Figure(
        name,
        run.cpu_s_per_request * RATE_HZ,
        f"{run.cpu_s_per_request * 1e6:.1f} us of CPU time a request; {run.rate_hz:,.0f}/s completed{asked}",
        limit=1.0,
        unit=PERCENT,
        measured={"rate_hz": run.rate_hz, "cpu_s_per_request": run.cpu_s_per_request},
    )


def _record_shares(run: NoOpRun) -> tuple[Figure, Figure]:
    """What it costs to tell the daemon: the runner writes a line, the daemon reads it."""
    start_s = time.thread_time()
    line = encode({"id": 1, "result": slice_to_json(run.stretch)})
    written_s = time.thread_time()
    slice_from_json(decode(line)["result"])
    read_s = time.thread_time()
    size = len(line) / run.requests
    return (
        _record_share("record: written by the runner", (written_s - start_s) / run.requests, size),
        _record_share("record: read by the daemon", (read_s - written_s) / run.requests, size),
    )


def _record_share(name: str, cpu_s_per_request: float, line_bytes: float) -> Figure:
    return Figure(
        name,
        cpu_s_per_request * RATE_HZ,
        f"{cpu_s_per_request * 1e6:.1f} us of CPU time and {line_bytes:.0f} bytes a request",
        unit=PERCENT,
        measured={"cpu_s_per_request": cpu_s_per_request, "bytes_per_request": line_bytes},
    )
