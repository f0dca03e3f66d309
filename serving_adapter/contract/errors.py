"""What can go wrong with a workload. Every message is one sentence for the operator."""


class AdapterError(Exception):
    """The workload could not do what was asked."""


class RequestFailedError(AdapterError):
    """One batch failed and the next one may succeed: load flows on, and what failed counts as late."""
