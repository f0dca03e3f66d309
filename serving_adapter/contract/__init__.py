"""What every serving adapter honours, and the records that cross between load generators, runner and daemon.

Everything here is read by the workload's own interpreter, which may be as old as Python 3.8.
"""

from serving_adapter.contract.adapter import ServingAdapter
from serving_adapter.contract.errors import AdapterError, RequestFailedError
from serving_adapter.contract.load import Completion, Load, Slice, Tokens
from serving_adapter.contract.traffic import Histogram, Traffic
from serving_adapter.contract.workload import ServingParameter, Value, WorkloadDefinition

__all__ = [
    "AdapterError",
    "Completion",
    "Histogram",
    "Load",
    "RequestFailedError",
    "ServingAdapter",
    "ServingParameter",
    "Slice",
    "Tokens",
    "Traffic",
    "Value",
    "WorkloadDefinition",
]
