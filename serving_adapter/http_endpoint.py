"""Drives any server that answers a request of HTTP with a body of its own making.

The workload's definition holds the request as a template::

    [options]
    url = "http://127.0.0.1:8000/predict"
    body = '{"instances": [${items}]}'      # ${items}, ${quoted_items} (as JSON strings), ${count}
    item = '{"pixels": [0.1, 0.2], "number": ${index}}'     # of one item; ${index} is its place in the batch
    separator = ", "                        # optional: between two items
    method = "POST"                         # optional: or GET, PUT, PATCH
    headers = { Accept = "application/json" }       # optional; Content-Type is application/json unless it says more
    authorization_environment = "MY_KEY"    # optional: the environment variable that holds the header Authorization
    expect_status = 200                     # optional: without it, any of 200 to 299
    expect_body_contains = "predictions"    # optional: without it, any body will do
    timeout_s = 60.0                        # optional: longest time for a request
    metrics_url = "http://127.0.0.1:8000/metrics"   # optional: what the server counts, for the scenario "live"

    [options.metrics]                       # optional: which of its metrics count what
    latency = "request_duration_seconds"

    [parameters]
    batch_size = [1, 2, 4, 8]               # serving.batch_size: items a request, if the body has a place for them
    concurrency = [64]                      # serving.concurrency: most requests under way at once
"""

from typing import Dict

from serving_adapter.contract import AdapterError, RequestFailedError, WorkloadDefinition
from serving_adapter.definition.authorization import AUTHORIZATION_ENVIRONMENT, authorization_header
from serving_adapter.definition.options import (
    check_options,
    number_option,
    text_option,
    text_table_option,
    whole_number_option,
)
from serving_adapter.definition.parameters import check_names
from serving_adapter.definition.settings import ServingSettings, batch_size_parameter, concurrency_parameter
from serving_adapter.definition.template import request_template, template_options
from serving_adapter.metrics import OPTIONS as METRICS_OPTIONS
from serving_adapter.metrics import metrics_reader
from serving_adapter.server import ServerAdapter
from serving_adapter.web import Endpoint
from serving_adapter.words import quote

_OPTIONS = (
    "url",
    "method",
    "headers",
    AUTHORIZATION_ENVIRONMENT,
    *template_options("body"),
    "expect_status",
    "expect_body_contains",
    "timeout_s",
    *METRICS_OPTIONS,
)
_DEFAULT_TIMEOUT_S = 60.0


class HttpAdapter(ServerAdapter["_Client"]):
    """Sends batches as its template says, and takes what the definition expects for an answer."""

    def open(self) -> None:
        """Checks the options and has the server answer one item."""
        check_options(self.workload, _OPTIONS)
        batch_size = batch_size_parameter(self.workload)
        client = _Client(self.workload, most_items=int(batch_size.values[-1]))
        names = ("batch_size", "concurrency") if client.template.is_batched else ("concurrency",)
        check_names(self.workload, names)
        concurrency = concurrency_parameter(self.workload)
        self._settings = ServingSettings([batch_size, concurrency] if client.template.is_batched else [concurrency])
        self._metrics = metrics_reader(self.workload.name, self.workload.options)
        self._client = client
        self.infer(1)

    def infer(self, items: int) -> None:
        """Sends the request for so many items and checks the answer."""
        client = self._opened
        self._settings.check_batch(items)
        client.ask(items)


class _Client:
    """A server, what it is sent, and what it has to answer. Several threads may ask at once."""

    def __init__(self, definition: WorkloadDefinition, most_items: int) -> None:
        self.template = request_template(definition, "body", most_items, default="")
        self._method = text_option(definition, "method", "POST", choices=("POST", "GET", "PUT", "PATCH"))
        self._status = whole_number_option(definition, "expect_status", 0)
        self._contained = text_option(definition, "expect_body_contains", "").encode()
        self.server = Endpoint(
            text_option(definition, "url"),
            timeout_s=number_option(definition, "timeout_s", _DEFAULT_TIMEOUT_S),
            headers=_headers(definition),
        )

    def ask(self, items: int) -> None:
        """Sends a batch and checks the answer."""
        answer = self.server.request(self._method, "", self.template.render(items))
        is_expected = answer.status == self._status if self._status else 200 <= answer.status < 300
        if not is_expected:
            raise self.server.refusal(self._method, "", answer)
        if self._contained not in answer.body:
            raise RequestFailedError(
                f"The server {self.server.origin} answered with status {answer.status}, but without "
                f"'{quote(self._contained)}', which expect_body_contains asks for: {quote(answer.body)}."
            )


def _headers(definition: WorkloadDefinition) -> Dict[str, str]:
    headers = text_table_option(definition, "headers")
    names = {name.lower() for name in headers}
    if "authorization" in names:
        raise AdapterError(
            f"The headers of the workload '{definition.name}' hold a secret, Authorization: put it into a variable of "
            f"the environment, and the variable's name into {AUTHORIZATION_ENVIRONMENT}."
        )
    content_type = {} if "content-type" in names else {"Content-Type": "application/json"}
    return {**content_type, **headers, **authorization_header(definition)}
