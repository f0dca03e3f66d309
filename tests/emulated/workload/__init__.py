"""A workload that runs on an emulated device: a PyTorch module whose batches take as long as the clocks let them.

The runner loads :mod:`tests.emulated.workload.model` as it loads any user's model; each batch is one line over the
Unix socket of :class:`tests.emulated.workload.server.WorkServer`, behind which the device works.
"""
