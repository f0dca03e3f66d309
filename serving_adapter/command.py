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

from typing import Dict, List, Mapping, Optional

from serving_adapter.contract import (
    AdapterError,
    ServingAdapter,
    ServingParameter,
    Value,
    WorkloadDefinition,
)
from serving_adapter.options import check_options
from serving_adapter.parameters import check_names
from serving_adapter.program import PROGRAM_OPTIONS, Program
from serving_adapter.settings import ServingSettings, batch_size_parameter
from serving_adapter.template import RequestTemplate, request_template, template_options

_OPTIONS = (*PROGRAM_OPTIONS, *template_options("request"))


class CommandAdapter(ServingAdapter):
    """Sends batches to a program on its standard input, and reads the answers from its standard output."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; starts nothing yet."""
        super().__init__(workload)
        self._settings = ServingSettings([])
        self._program: Optional[Program] = None

    def open(self) -> None:
        """Checks the options, starts the program and has it answer one item."""
        check_options(self.workload, _OPTIONS)
        batch_size = batch_size_parameter(self.workload)
        template = _template(self.workload, most_items=int(batch_size.values[-1]))
        check_names(self.workload, ("batch_size",) if template.is_batched else ())
        self._settings = ServingSettings([batch_size] if template.is_batched else [])
        self._program = Program(self.workload, template)
        self._program.warm_up()

    def parameters(self) -> List[ServingParameter]:
        """Returns the batch size, if a request has a place for items."""
        return self._settings.parameters()

    def configure(self, values: Mapping[str, Value]) -> None:
        """Sets the batch size."""
        self._settings.configure(values)

    def current(self) -> Dict[str, Value]:
        """Returns the batch size: the smallest that the definition lists, until configured."""
        return self._settings.current()

    def infer(self, items: int) -> None:
        """Sends the request for so many items and waits for its answer."""
        program = self._opened
        self._settings.check_batch(items)
        program.ask(items)

    def close(self) -> None:
        """Ends the program with all that it has started."""
        program, self._program = self._program, None
        if program is not None:
            program.end()

    @property
    def serving_pid(self) -> Optional[int]:
        """The program's process."""
        return self._opened.pid

    @property
    def _opened(self) -> Program:
        if self._program is None:
            raise AdapterError(f"The workload '{self.workload.name}' is not open.")
        return self._program


def _template(definition: WorkloadDefinition, most_items: int) -> RequestTemplate:
    template = request_template(definition, "request", most_items)
    if b"\n" in template.render(most_items):
        raise AdapterError(f"A request of the workload '{definition.name}' has several lines: write it on one.")
    return template
