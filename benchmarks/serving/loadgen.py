"""MLPerf LoadGen issues queries, our lanes serve them, and each of the two times every one."""

from __future__ import annotations

import queue
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlperf_loadgen

from serving_adapter.contract import ServingAdapter
from serving_adapter.scenario.arrivals import Arrivals, WaitUntil
from serving_adapter.scenario.failures import FailureGuard
from serving_adapter.scenario.lanes import Lanes

_SAMPLES = 64
_PATIENCE_S = 0.05
_SAMPLE = re.compile(r'"sample_seq":(\d+),.*"issue_start_ns":(\d+),"complete_ns":(\d+)')
_PERCENTILE = re.compile(r"^(\d+\.\d+) percentile latency \(ns\)\s*: (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Timed:
    """The latencies of the same queries, in the order of their arrival, as two timers saw them.

    Both count from the instant at which LoadGen hands a query over until it is answered. Only LoadGen knows how late
    it did so.

    Attributes:
        ours_s: By our lanes.
        loadgens_s: By LoadGen.
        delays_s: From scheduled arrival to handing over, by LoadGen.
        summary_s: LoadGen's own summary of its latencies from the scheduled arrival, by share.
    """

    ours_s: list[float]
    loadgens_s: list[float]
    delays_s: list[float]
    summary_s: Mapping[float, float]


class IssuedQueries(Arrivals):
    """Queries arrive when LoadGen says so. It is told of an answer as soon as our own timer has stopped."""

    def __init__(self) -> None:
        """Nothing was issued yet."""
        self._issued: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
        self._served: int | None = None

    def issue(self, samples: list[mlperf_loadgen.QuerySample]) -> None:
        """Takes what LoadGen issues."""
        now_s = time.monotonic()
        for sample in samples:
            self._issued.put((sample.id, now_s))

    def next_batch(self, wait_until: WaitUntil) -> tuple[float, ...] | None:
        """Returns the next query. Only one lane may ask: it has answered the query before when it comes back."""
        if self._served is not None:
            mlperf_loadgen.QuerySamplesComplete([mlperf_loadgen.QuerySampleResponse(self._served, 0, 0)])
            self._served = None
        while wait_until(0.0):
            try:
                self._served, arrival_s = self._issued.get(timeout=_PATIENCE_S)
            except queue.Empty:
                continue
            return (arrival_s,)
        return None


def test_settings(scenario: str, queries: int, rate_hz: float = 0.0) -> mlperf_loadgen.TestSettings:
    """Returns LoadGen's settings for so many queries, however long they take.

    Args:
        scenario: ``SingleStream`` or ``Server``.
        queries: How many.
        rate_hz: Queries a second, under ``Server``.
    """
    settings = mlperf_loadgen.TestSettings()
    settings.scenario = getattr(mlperf_loadgen.TestScenario, scenario)
    settings.mode = mlperf_loadgen.TestMode.PerformanceOnly
    settings.min_query_count = settings.max_query_count = queries
    settings.min_duration_ms = 0
    settings.server_target_qps = rate_hz
    return settings


def timed_by_both(served: ServingAdapter, settings: mlperf_loadgen.TestSettings) -> Timed:
    """Returns what both timers saw of one run.

    Args:
        served: Serves the queries, one after the other; open.
        settings: LoadGen's settings.
    """
    queries = IssuedQueries()
    lanes = Lanes(served, queries, FailureGuard(served.workload.name), lanes=1)
    with TemporaryDirectory() as folder:
        try:
            lanes.run(_PATIENCE_S)
            _run_loadgen(queries, settings, folder)
            completions = lanes.run(_PATIENCE_S).completions
        finally:
            lanes.stop()
        trace = Path(folder, "mlperf_log_trace.json").read_text(encoding="utf-8")
        summary = Path(folder, "mlperf_log_summary.txt").read_text(encoding="utf-8")
    samples = sorted(tuple(map(int, numbers)) for numbers in _SAMPLE.findall(trace))
    return Timed(
        ours_s=[batch.finish_s - batch.arrivals_s[0] for batch in completions],
        loadgens_s=[(latency_ns - delay_ns) * 1e-9 for _, delay_ns, latency_ns in samples],
        delays_s=[delay_ns * 1e-9 for _, delay_ns, _ in samples],
        summary_s={float(percent) / 100: int(ns) * 1e-9 for percent, ns in _PERCENTILE.findall(summary)},
    )


def _run_loadgen(queries: IssuedQueries, settings: mlperf_loadgen.TestSettings, folder: str) -> None:
    logs = mlperf_loadgen.LogSettings()
    outputs = mlperf_loadgen.LogOutputSettings()
    outputs.outdir = folder
    outputs.copy_summary_to_stdout = False
    logs.log_output = outputs
    logs.enable_trace = True
    system = mlperf_loadgen.ConstructSUT(queries.issue, _nothing)
    samples = mlperf_loadgen.ConstructQSL(_SAMPLES, _SAMPLES, _nothing, _nothing)
    try:
        mlperf_loadgen.StartTestWithLogSettings(system, samples, settings, logs, "")
    finally:
        mlperf_loadgen.DestroyQSL(samples)
        mlperf_loadgen.DestroySUT(system)


def _nothing(*_: object) -> None:
    """There is nothing to flush, to load or to unload."""
