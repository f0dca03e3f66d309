"""Drives a model on a server of the Open Inference Protocol.

The workload's definition names the server and the model; shapes and datatypes come from the server's own metadata::

    [options]
    url = "http://127.0.0.1:8000"       # or https://…, or grpc://127.0.0.1:8001
    model = "resnet50"
    version = "3"                       # optional: the server chooses without it
    seed = 0                            # optional: of random elements
    timeout_s = 60.0                    # optional: longest wait for an answer
    batch_dimension = true              # optional: false if an open first dimension is not the number of items
    metrics_url = "http://127.0.0.1:8002/metrics"   # optional: what the server counts, for the scenario "live"

    [options.inputs.pixels]             # optional, one for each input that needs it
    shape = [3, 224, 224]               # of one item; needed where the model leaves dimensions open
    datatype = "FP32"                   # optional: checked against the server's
    fill = "random"                     # optional: or "zeros", "ones"
    range = [0, 1]                      # optional: of random elements
    data = ["a text"]                   # instead of fill and range: the elements of one item

    [parameters]
    batch_size = [1, 2, 4, 8]           # serving.batch_size: items a request
    concurrency = [64]                  # serving.concurrency: most requests under way at once
"""

import contextlib

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.definition.parameters import check_names
from serving_adapter.definition.settings import ServingSettings, batch_size_parameter, concurrency_parameter
from serving_adapter.kserve.options import read_options
from serving_adapter.kserve.session import Session, connect
from serving_adapter.metrics import metrics_reader
from serving_adapter.metrics.presets import PRESETS
from serving_adapter.server import ServerAdapter


class KserveAdapter(ServerAdapter[Session]):
    """Sends batches of prepared inputs to a model on a server."""

    def open(self) -> None:
        """Asks the server about the model, encodes the requests of every batch size, and tries one item."""
        check_names(self.workload, ("batch_size", "concurrency"))
        options = read_options(self.workload)
        self._settings = ServingSettings([batch_size_parameter(self.workload), concurrency_parameter(self.workload)])
        with contextlib.ExitStack() as undo:
            transport = connect(options)
            undo.callback(transport.close)
            try:
                session = Session(transport, options, self._settings.largest_batch)
                session.infer(1)
            except RequestFailedError as error:
                raise AdapterError(str(error)) from error
            preset = next((name for name in PRESETS if name in session.server_name.lower()), "")
            self._metrics = metrics_reader(self.workload.name, self.workload.options, preset)
            undo.pop_all()
        self._client = session

    def infer(self, items: int) -> None:
        """Sends the request for so many items and checks the answer."""
        session = self._opened
        self._settings.check_batch(items)
        session.infer(items)
