"""The adapter of a program that reads a request a line and answers each with a line."""

from typing import Optional

from serving_adapter.command.program import PROGRAM_OPTIONS, Program
from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import check_options
from serving_adapter.definition.parameters import check_names
from serving_adapter.definition.settings import ServingSettings, batch_size_parameter
from serving_adapter.definition.template import RequestTemplate, request_template, template_options
from serving_adapter.server import ExternalAdapter

_OPTIONS = (*PROGRAM_OPTIONS, *template_options("request"))


class CommandAdapter(ExternalAdapter):
    """Sends batches to a program on its standard input, and reads the answers from its standard output."""

    def __init__(self, workload: WorkloadDefinition) -> None:
        """Keeps the definition; starts nothing yet."""
        super().__init__(workload)
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
