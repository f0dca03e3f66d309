"""Local servers of the Open Inference Protocol, which answer as the protocol says until a test tells them otherwise.

The model adds up the features of each item: ``totals`` of the shape ``[n]``, which the servers send as FP32.
"""

import json
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from serving_adapter.contract import WorkloadDefinition
from serving_adapter.kserve import KserveAdapter
from serving_adapter.kserve.grpc_messages import build_messages

MODEL = "adder"
WIDTH = 3
MODEL_METADATA: Mapping[str, Any] = {
    "name": MODEL,
    "versions": ["1"],
    "platform": "test",
    "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, WIDTH]}],
    "outputs": [{"name": "totals", "datatype": "FP32", "shape": [-1]}],
}
SERVER_METADATA: Mapping[str, Any] = {"name": "test", "version": "1", "extensions": []}
TRITON_METADATA: Mapping[str, Any] = {
    "name": "triton",
    "version": "2.50.0",
    "extensions": ["classification", "model_configuration", "binary_tensor_data", "statistics"],
}

messages = build_messages()


def adapter_of(
    url: str, batch_size: list[int] | None = None, parameters: Mapping[str, Any] | None = None, **options: Any
) -> KserveAdapter:
    """Returns an adapter of the model on a server, not open yet."""
    parameters = {"batch_size": batch_size or [1, 2, 4], **(parameters or {})}
    return KserveAdapter(WorkloadDefinition("tested", {"url": url, "model": MODEL, **options}, parameters))


@contextmanager
def opened(*arguments: Any, **options: Any) -> Iterator[KserveAdapter]:
    """Opens such an adapter, and closes it."""
    adapter = adapter_of(*arguments, **options)
    adapter.open()
    yield adapter
    adapter.close()


def totals(features: list[float]) -> list[float]:
    return [sum(features[start : start + WIDTH]) for start in range(0, len(features), WIDTH)]


class HttpServer(ThreadingHTTPServer):
    """A server over HTTP/1.1.

    Attributes:
        documents: What is told by path.
        alter: Changes the answer to a request for inference before it is sent.
        raw_reply: What is written instead of any answer, byte for byte.
        delay_s: How long an answer takes.
        status: The status of answers to requests for inference.
        received: The requests for inference: path, headers, body.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.documents: dict[str, Any] = {"/v2": SERVER_METADATA, f"/v2/models/{MODEL}": MODEL_METADATA}
        self.alter: Callable[[dict[str, Any]], Any] = lambda answer: answer
        self.raw_reply: Callable[[Any], None] | None = None
        self.delay_s = 0.0
        self.status = 200
        self.received: list[tuple[str, Mapping[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def become_triton(self, max_batch_size: Any = 4) -> None:
        """Tells what Triton tells, and takes and sends tensors as bytes."""
        self.documents["/v2"] = TRITON_METADATA
        self.documents[f"/v2/models/{MODEL}/config"] = {
            "name": MODEL,
            "platform": "onnxruntime_onnx",
            "max_batch_size": max_batch_size,
            "input": [{"name": "features", "data_type": "TYPE_FP32", "dims": [WIDTH]}],
            "output": [{"name": "totals", "data_type": "TYPE_FP32", "dims": []}],
        }

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that have given up; a test that made them do so knows."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Says nothing."""

    def do_GET(self) -> None:
        document = self.server.documents.get(self.path)
        if document is None:
            self._send(404, json.dumps({"error": f"nothing at {self.path}"}).encode())
        else:
            self._send(200, document if isinstance(document, bytes) else json.dumps(document).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), body))
        time.sleep(self.server.delay_s)
        if self.server.raw_reply is not None:
            self.close_connection = True
            self.server.raw_reply(self.wfile)
        elif self.server.status != 200:
            self._send(self.server.status, b'{"error": "the model has no mood.\\nAsk later."}')
        else:
            self._infer(body)

    def _infer(self, body: bytes) -> None:
        head_length = self.headers.get("Inference-Header-Content-Length")
        head = body if head_length is None else body[: int(head_length)]
        request = json.loads(head)
        features = request["inputs"][0]
        if head_length is None:
            data = features["data"]
        else:
            data = struct.unpack(f"<{features['parameters']['binary_data_size'] // 4}f", body[int(head_length) :])
        results = totals(list(data))
        output: dict[str, Any] = {"name": "totals", "datatype": "FP32", "shape": [len(results)]}
        answer = {"model_name": MODEL, "model_version": "1", "outputs": [output]}
        if not request.get("parameters", {}).get("binary_data_output"):
            output["data"] = results
            self._send(200, json.dumps(self.server.alter(answer)).encode())
            return
        block = struct.pack(f"<{len(results)}f", *results)
        output["parameters"] = {"binary_data_size": len(block)}
        answer_head = json.dumps(self.server.alter(answer)).encode()
        self._send(200, answer_head + block, {"Inference-Header-Content-Length": str(len(answer_head))})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def http_server() -> Iterator[HttpServer]:
    server = HttpServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class GrpcServer:
    """A server over gRPC.

    Attributes:
        server_metadata: What it tells of itself.
        model_metadata: What it tells of the model.
        max_batch_size: What it tells of the model's configuration; None for no configuration at all.
        alter: Changes the answer to a request for inference before it is sent; may return bytes.
        failure: Status with which inference is refused.
        delay_s: How long an answer takes.
        received: The requests for inference.
    """

    def __init__(self, port: int = 0) -> None:
        self.server_metadata = SERVER_METADATA
        self.model_metadata = MODEL_METADATA
        self.max_batch_size: int | None = None
        self.alter: Callable[[Any], Any] = lambda answer: answer
        self.failure: grpc.StatusCode | None = None
        self.delay_s = 0.0
        self.received: list[Any] = []
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(getattr(self, f"_{name}"), bytes, _to_bytes)
            for name in ("ServerMetadata", "ModelMetadata", "ModelConfig", "ModelInfer")
        }
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)]
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _ServerMetadata(self, request: bytes, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return messages.ServerMetadataResponse(**self.server_metadata)

    def _ModelMetadata(self, request: bytes, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if messages.ModelMetadataRequest.FromString(request).name != MODEL:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such model")
        metadata = self.model_metadata
        return messages.ModelMetadataResponse(
            name=metadata["name"], inputs=metadata["inputs"], outputs=metadata["outputs"]
        )

    def _ModelConfig(self, request: bytes, context: grpc.ServicerContext) -> Any:  # noqa: N802
        if self.max_batch_size is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "no configuration")
        return messages.ModelConfigResponse(config={"name": MODEL, "max_batch_size": self.max_batch_size})

    def _ModelInfer(self, request: bytes, context: grpc.ServicerContext) -> Any:  # noqa: N802
        message = messages.ModelInferRequest.FromString(request)
        self.received.append(message)
        time.sleep(self.delay_s)
        if self.failure is not None:
            context.abort(self.failure, "the model has no mood.\nAsk later.")
        raw = message.raw_input_contents[0]
        results = totals(list(struct.unpack(f"<{len(raw) // 4}f", raw)))
        return self.alter(
            messages.ModelInferResponse(
                model_name=message.model_name,
                outputs=[{"name": "totals", "datatype": "FP32", "shape": [len(results)]}],
                raw_output_contents=[struct.pack(f"<{len(results)}f", *results)],
            )
        )


def _to_bytes(answer: Any) -> bytes:
    return answer if isinstance(answer, bytes) else bytes(answer.SerializeToString())


@contextmanager
def grpc_server(port: int = 0) -> Iterator[GrpcServer]:
    server = GrpcServer(port)
    try:
        yield server
    finally:
        server.stop()
