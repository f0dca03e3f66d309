"""The load generators: how requests arrive while something is measured.

The scenarios are those of the MLPerf Inference Rules, section "Scenarios" (multi-stream as since version 2.0: the next
query is sent as soon as the previous one is complete). A generator drives an adapter on the device's own clock, so
that a simulated device is loaded in simulated time. It keeps its state between slices: load flows only while
:meth:`LoadGenerator.run` runs.
"""

import math

from serving_adapter.contract import AdapterError, Load, ServingAdapter
from serving_adapter.scenario.back_to_back import BackToBack
from serving_adapter.scenario.generator import LoadGenerator
from serving_adapter.scenario.poisson import PoissonArrivals, poisson_offsets_s

__all__ = ["BackToBack", "LoadGenerator", "PoissonArrivals", "load_generator", "poisson_offsets_s"]


def load_generator(adapter: ServingAdapter, load: Load) -> LoadGenerator:
    """Returns the generator of a load.

    Args:
        adapter: Carries out the batches; open.
        load: The scenario and its figures.

    Raises:
        AdapterError: The load means nothing, or nothing can be generated for its scenario.
    """
    if load.batch_size < 1:
        raise AdapterError(f"A batch of {load.batch_size} items cannot be served: use at least one.")
    if load.scenario == "server":
        if load.rate_hz is None or not (math.isfinite(load.rate_hz) and load.rate_hz > 0):
            raise AdapterError("The scenario 'server' needs an arrival rate above zero, in requests per second.")
        return PoissonArrivals(adapter, load.batch_size, load.rate_hz, load.seed)
    if load.scenario == "single-stream" and load.batch_size != 1:
        raise AdapterError(
            f"The scenario 'single-stream' sends one item a query, so that a batch size of {load.batch_size} "
            "has no meaning: use 1, or the scenario 'multi-stream'."
        )
    if load.scenario in ("single-stream", "multi-stream", "offline"):
        return BackToBack(adapter, load.batch_size)
    if load.scenario == "live":
        raise AdapterError("The scenario 'live' is real traffic: no load is generated for it.")
    raise AdapterError(
        f"The scenario '{load.scenario}' is unknown: use single-stream, multi-stream, offline or server."
    )
