"""The load generators: how requests arrive while something is measured.

The scenarios are those of the MLPerf Inference Rules, section "Scenarios" (multi-stream as since version 2.0: the next
query is sent as soon as the previous one is complete), and ``live``, real traffic. Two things make a generator: how
items arrive (:class:`ClosedLoop`, :class:`OpenLoop`), and who sends them: the caller's own thread on the device's own
clock, so that a simulated device is loaded in simulated time (:class:`CallersThread`), or threads in real time, for an
adapter that takes several batches at once, or whose requests must arrive while nobody looks, too (:class:`Lanes`).
"""

import math

from serving_adapter.contract import AdapterError, Load, ServingAdapter
from serving_adapter.scenario.arrivals import Arrivals
from serving_adapter.scenario.callers_thread import CallersThread
from serving_adapter.scenario.closed_loop import ClosedLoop
from serving_adapter.scenario.failures import FailureGuard
from serving_adapter.scenario.generator import LoadGenerator
from serving_adapter.scenario.lanes import Lanes
from serving_adapter.scenario.live import LiveTraffic
from serving_adapter.scenario.open_loop import OpenLoop, poisson_offsets_s

__all__ = ["CallersThread", "Lanes", "LiveTraffic", "LoadGenerator", "load_generator", "poisson_offsets_s"]

_SCENARIOS = ("single-stream", "multi-stream", "offline", "server", "live")


def load_generator(adapter: ServingAdapter, load: Load) -> LoadGenerator:
    """Returns the generator of a load.

    Args:
        adapter: Carries out the batches; open, and configured as it is to stay while load flows.
        load: The scenario and its figures.

    Raises:
        AdapterError: The load means nothing.
    """
    _check(load)
    if load.scenario == "live":
        return LiveTraffic(adapter)
    guard = FailureGuard(adapter.workload.name)
    arrivals = _arrivals(adapter, load, guard)
    # A closed loop that pauses between slices misses nothing; arrivals do not wait for whoever looks.
    if adapter.concurrency == 1 and (adapter.is_thread_bound or load.scenario != "server"):
        return CallersThread(adapter, arrivals, guard)
    has_one_query = load.scenario in ("single-stream", "multi-stream")
    return Lanes(adapter, arrivals, guard, lanes=1 if has_one_query else adapter.concurrency)


def _arrivals(adapter: ServingAdapter, load: Load, guard: FailureGuard) -> Arrivals:
    if load.scenario != "server":
        return ClosedLoop(adapter.now_s, load.batch_size, guard)
    assert load.rate_hz is not None
    offsets_s = poisson_offsets_s(load.rate_hz, load.seed)
    return OpenLoop(adapter.now_s, offsets_s, load.batch_size, load.batch_wait_s)


def _check(load: Load) -> None:
    if load.scenario not in _SCENARIOS:
        raise AdapterError(f"The scenario '{load.scenario}' is unknown: use {', '.join(_SCENARIOS)}.")
    if load.batch_size < 1:
        raise AdapterError(f"A batch of {load.batch_size} items cannot be served: use at least one.")
    if load.scenario == "single-stream" and load.batch_size != 1:
        raise AdapterError(
            f"The scenario 'single-stream' sends one item a query, so that a batch size of {load.batch_size} "
            "has no meaning: use 1, or the scenario 'multi-stream'."
        )
    if load.scenario == "server":
        _check_open_loop(load)


def _check_open_loop(load: Load) -> None:
    if load.rate_hz is None or not (math.isfinite(load.rate_hz) and load.rate_hz > 0):
        raise AdapterError("The scenario 'server' needs an arrival rate above zero, in requests per second.")
    if not (math.isfinite(load.batch_wait_s) and load.batch_wait_s >= 0):
        raise AdapterError(f"A batch cannot wait {load.batch_wait_s} s for more items: use zero or more seconds.")
