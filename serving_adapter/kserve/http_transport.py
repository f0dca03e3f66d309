"""The protocol over HTTP."""

from typing import Any, Optional, Sequence
from urllib.parse import quote as escape

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.kserve.answer import Answer, GarbledAnswerError
from serving_adapter.kserve.http_body import HEAD_LENGTH, BinaryEncoder, JsonEncoder, read_answer, read_json
from serving_adapter.kserve.inputs import Input
from serving_adapter.kserve.metadata import (
    ModelMetadata,
    ServerMetadata,
    max_batch_size_of,
    model_from_json,
    server_from_json,
)
from serving_adapter.kserve.options import KserveOptions
from serving_adapter.kserve.transport import Encoder, Reply, Request, Transport
from serving_adapter.web import Endpoint

_SERVER_PATH = "/v2"
_BINARY_EXTENSION = "binary_tensor_data"


class HttpTransport(Transport):
    """A server that is asked over HTTP."""

    def __init__(self, options: KserveOptions) -> None:
        """Checks the address; connects with the first request.

        Raises:
            AdapterError: The address is none.
        """
        self._endpoint = Endpoint(options.url, timeout_s=options.timeout_s)
        self.host = self._endpoint.host
        self.port = self._endpoint.port
        self._reads_binary = False
        version = f"/versions/{escape(options.version, safe='')}" if options.version else ""
        self._model_path = f"/v2/models/{escape(options.model, safe='')}{version}"
        self._infer_path = f"{self._model_path}/infer"

    def server(self) -> ServerMetadata:
        """Asks the server what it is."""
        server = server_from_json(self._get(_SERVER_PATH))
        self._reads_binary = _BINARY_EXTENSION in server.extensions
        return server

    def model(self) -> ModelMetadata:
        """Asks for the model's metadata."""
        return model_from_json(self._get(self._model_path))

    def max_batch_size(self) -> Optional[int]:
        """Asks for the bound of batches in the model's configuration."""
        configuration = self._get(f"{self._model_path}/config")
        if not isinstance(configuration, dict):
            raise AdapterError(f"The server {self._endpoint.origin} answered with a configuration that is none.")
        return max_batch_size_of(configuration.get("max_batch_size", 0))

    def encoder(self, inputs: Sequence[Input]) -> Encoder:
        """Returns what encodes requests: with tensors as bytes, if the server has said that it reads them."""
        return BinaryEncoder(inputs) if self._reads_binary else JsonEncoder(inputs)

    def send(self, request: Request) -> Reply:
        """Sends a request and returns what came back."""
        answer = self._endpoint.request("POST", self._infer_path, request.body, request.headers)
        if answer.status != 200:
            raise self._endpoint.refusal("POST", self._infer_path, answer)
        return Reply(answer.body, answer.headers.get(HEAD_LENGTH.lower(), ""))

    def read(self, reply: Reply) -> Answer:
        """Reads what came back."""
        try:
            return read_answer(reply)
        except GarbledAnswerError as error:
            raise self._garbled("POST", self._infer_path, error) from error

    def close(self) -> None:
        """Closes the connections."""
        self._endpoint.close()

    def _get(self, path: str) -> Any:
        answer = self._endpoint.request("GET", path)
        if answer.status != 200:
            raise self._endpoint.refusal("GET", path, answer)
        try:
            return read_json(answer.body)
        except GarbledAnswerError as error:
            raise self._garbled("GET", path, error) from error

    def _garbled(self, method: str, path: str, error: GarbledAnswerError) -> RequestFailedError:
        return RequestFailedError(
            f"The server {self._endpoint.origin} was asked {method} {path}, and its answer {error}."
        )
