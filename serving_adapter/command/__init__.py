"""Drives a program that reads a request a line and answers each with a line.

The program lives as long as the workload is open, so that its model is loaded once. It is started without a shell, as
the workload's definition says and nobody else can::

    [options]
    argv = ["/opt/models/answer", "--quiet"]
    cwd = "/opt/models"                     # optional: the runner's own without it
    environment = { MODEL = "small" }       # optional: on top of the runner's own
    ready = "model loaded"                  # optional: it is asked once it has written a line that holds this
    request = '{"n": ${count}, "texts": [${quoted_items}]}'     # one line: ${items}, ${quoted_items}, ${count}
    item = "sentence number ${index}"       # of one item; ${index} is its place in the batch
    separator = ", "                        # optional: between two items
    expect_json = true                      # optional: the answer must be JSON
    expect_contains = "scores"              # optional: the answer must hold this
    start_timeout_s = 60.0                  # optional: longest time until it is ready, and has answered one item
    timeout_s = 60.0                        # optional: longest time for an answer

    [parameters]
    batch_size = [1, 2, 4, 8]               # serving.batch_size: items a request, if there is a place for them
"""

from serving_adapter.command.adapter import CommandAdapter

__all__ = ["CommandAdapter"]
