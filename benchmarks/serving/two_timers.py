"""Whether our timer and that of MLPerf LoadGen agree about the same queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.hardware.figures import PERCENT, Figure, Section
from benchmarks.serving.punctuality import percentile
from serving_adapter.contract import ServingAdapter, WorkloadDefinition
from serving_adapter.torch_module import TorchModuleAdapter

if TYPE_CHECKING:
    from benchmarks.serving.loadgen import Timed

LIMITS = ((0.50, 0.01), (0.99, 0.02))
"""Percentile, and how far the two may be apart."""
_WARM_UP_QUERIES = 20
_UTILIZATION = 0.4


def two_timers_section(queries: int) -> Section:
    """Returns how far the two timers are apart, over LoadGen's.

    Args:
        queries: How many each scenario consists of.
    """
    title = "the same queries to a CPU network, timed by us and by MLPerf LoadGen: difference over LoadGen's latency"
    try:
        from benchmarks.serving.loadgen import test_settings, timed_by_both
    except ImportError as error:
        return Section(title, skipped=(f"{error}: install the extra dev.",))
    with _served() as adapter:
        single = timed_by_both(adapter, test_settings("SingleStream", queries))
        rate_hz = _UTILIZATION / single.summary_s[0.5]
        server = timed_by_both(adapter, test_settings("Server", queries, rate_hz))
    return Section(
        title,
        (*_differences("SingleStream", single), *_differences("Server", server)),
        (_described("SingleStream", single), _described(f"Server at {rate_hz:.0f} queries/s", server)),
    )


@contextmanager
def _served() -> Iterator[ServingAdapter]:
    definition = WorkloadDefinition(
        "small network", {"factory": "benchmarks.serving.network:small_network"}, {"batch_size": [1], "threads": [1]}
    )
    adapter = TorchModuleAdapter(definition)
    adapter.open()
    try:
        for _ in range(_WARM_UP_QUERIES):
            adapter.infer(1)
        yield adapter
    finally:
        adapter.close()


def _differences(scenario: str, timed: Timed) -> Iterator[Figure]:
    for share, limit in LIMITS:
        ours_s, theirs_s = percentile(timed.ours_s, share), percentile(timed.loadgens_s, share)
        yield Figure(
            f"{scenario}, p{share * 100:g}",
            abs(ours_s - theirs_s) / theirs_s,
            f"{ours_s * 1e3:.3f} ms by us, {theirs_s * 1e3:.3f} ms by LoadGen",
            limit,
            PERCENT,
            measured={"ours_s": ours_s, "loadgen_s": theirs_s},
        )


def _described(scenario: str, timed: Timed) -> str:
    apart_s = [theirs_s - ours_s for ours_s, theirs_s in zip(timed.ours_s, timed.loadgens_s, strict=True)]
    return (
        f"{scenario}: query by query, LoadGen's latency is longer by {percentile(apart_s, 0.5) * 1e6:.0f} us in the "
        f"median and {percentile(apart_s, 0.99) * 1e6:.0f} us at the 99th percentile of {len(apart_s)}; it handed "
        f"queries over {percentile(timed.delays_s, 0.5) * 1e6:.0f} us after their scheduled arrival in the median, so "
        f"that its own summary says {timed.summary_s[0.5] * 1e3:.3f} ms and {timed.summary_s[0.99] * 1e3:.3f} ms"
    )
