"""The protocol over gRPC, with tensors as raw bytes."""

import sys
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import SplitResult, urlsplit

from serving_adapter.contract import AdapterError, RequestFailedError
from serving_adapter.kserve.answer import Answer, GarbledAnswerError, Output
from serving_adapter.kserve.datatypes import DATATYPES, count_packed
from serving_adapter.kserve.grpc_messages import build_messages
from serving_adapter.kserve.inputs import Input, repeated
from serving_adapter.kserve.metadata import ModelMetadata, ServerMetadata, TensorMetadata, max_batch_size_of
from serving_adapter.kserve.options import KserveOptions
from serving_adapter.kserve.transport import REQUEST_ID, Encoder, Reply, Request, Transport
from serving_adapter.web import LONGEST_ANSWER_BYTES
from serving_adapter.words import describe, quote

_SERVICE = "/inference.GRPCInferenceService"

_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", LONGEST_ANSWER_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    # A server that comes back is to be found at once; otherwise gRPC waits longer after each failure, up to minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class GrpcTransport(Transport):
    """A server that is asked over gRPC, without encryption."""

    def __init__(self, options: KserveOptions) -> None:
        """Checks the address; connects with the first request.

        Raises:
            AdapterError: The address is none, or this interpreter lacks grpcio or protobuf.
        """
        address = _parse_address(options.url)
        self.host = str(address.hostname)
        self.port = int(address.port or 0)
        try:
            import grpc
            from google.protobuf.message import DecodeError

            self._messages = build_messages()
        except ImportError as error:
            raise AdapterError(
                f"The address {options.url} needs grpcio and protobuf, and {sys.executable} cannot import them "
                f"({describe(error)}): install them there, or use the server's address of HTTP."
            ) from error
        self._url = options.url
        self._model = options.model
        self._version = options.version
        self._timeout_s = options.timeout_s
        self._rpc_error = grpc.RpcError
        self._decode_error = DecodeError
        # Without a scheme, a host called "unix" would be a file.
        self._channel = grpc.insecure_channel(f"dns:///{address.netloc}", options=_CHANNEL_OPTIONS)
        self._calls: Dict[str, Any] = {
            name: self._channel.unary_unary(f"{_SERVICE}/{name}", request_serializer=None, response_deserializer=None)
            for name in ("ServerMetadata", "ModelMetadata", "ModelConfig", "ModelInfer")
        }

    def server(self) -> ServerMetadata:
        """Asks the server what it is."""
        answer = self._ask("ServerMetadata", self._messages.ServerMetadataRequest())
        return ServerMetadata(answer.name, tuple(answer.extensions))

    def model(self) -> ModelMetadata:
        """Asks for the model's metadata."""
        request = self._messages.ModelMetadataRequest(name=self._model, version=self._version)
        answer = self._ask("ModelMetadata", request)
        return ModelMetadata(answer.name, _tensors(answer.inputs), _tensors(answer.outputs))

    def max_batch_size(self) -> Optional[int]:
        """Asks for the bound of batches in the model's configuration."""
        request = self._messages.ModelConfigRequest(name=self._model, version=self._version)
        return max_batch_size_of(self._ask("ModelConfig", request).config.max_batch_size)

    def encoder(self, inputs: Sequence[Input]) -> Encoder:
        """Returns what encodes requests."""
        return _RawEncoder(self._messages, self._model, self._version, inputs)

    def send(self, request: Request) -> Reply:
        """Sends a request and returns what came back."""
        return Reply(self._call("ModelInfer", request.body))

    def read(self, reply: Reply) -> Answer:
        """Reads what came back."""
        answer = self._parse("ModelInfer", reply.body)
        try:
            return Answer(answer.model_name, tuple(_read_outputs(answer)))
        except GarbledAnswerError as error:
            raise self._garbled("ModelInfer", str(error)) from error

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _ask(self, name: str, request: Any) -> Any:
        return self._parse(name, self._call(name, request.SerializeToString()))

    def _call(self, name: str, request: bytes) -> bytes:
        try:
            return bytes(self._calls[name](request, timeout=self._timeout_s))
        except self._rpc_error as error:
            raise RequestFailedError(
                f"The server {self._url} answered {name} with {error.code().name}: "
                f"{quote((error.details() or '').encode())}."
            ) from error

    def _parse(self, name: str, answer: bytes) -> Any:
        try:
            return getattr(self._messages, f"{name}Response").FromString(answer)
        except self._decode_error as error:
            raise self._garbled(name, "is not one of the Open Inference Protocol") from error

    def _garbled(self, name: str, what: str) -> RequestFailedError:
        return RequestFailedError(f"The server {self._url} was asked {name}, and its answer {what}.")


class _RawEncoder(Encoder):
    def __init__(self, messages: Any, model: str, version: str, inputs: Sequence[Input]) -> None:
        self._messages = messages
        self._model = model
        self._version = version
        self._inputs = inputs

    def encode(self, items: int) -> Request:
        request = self._messages.ModelInferRequest(model_name=self._model, model_version=self._version, id=REQUEST_ID)
        for tensor in self._inputs:
            request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape(items))
            request.raw_input_contents.append(b"".join(repeated(tensor.items, tensor, items)))
        return Request(request.SerializeToString())


def _parse_address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname and parts.port) and not (parts.path or parts.query or parts.fragment)
    except ValueError as error:
        raise AdapterError(f"{url!r:.200} is no address: {error}.") from error
    if not is_plain or "@" in parts.netloc:
        raise AdapterError(f"{url!r:.200} is no address of a gRPC server: write it like grpc://host:8001.")
    return parts


def _tensors(tensors: Any) -> Any:
    return tuple(TensorMetadata(tensor.name, tensor.datatype, tuple(tensor.shape)) for tensor in tensors)


def _read_outputs(answer: Any) -> List[Output]:
    """Reads the outputs of a ``ModelInferResponse``: raw or, if there are no raw ones, in its typed fields."""
    raw = answer.raw_output_contents
    if raw and len(raw) != len(answer.outputs):
        raise GarbledAnswerError(f"has {len(answer.outputs)} outputs and the contents of {len(raw)}")
    return [_read_output(tensor, raw[position] if raw else None) for position, tensor in enumerate(answer.outputs)]


def _read_output(tensor: Any, raw: Optional[bytes]) -> Output:
    if tensor.datatype not in DATATYPES:
        raise GarbledAnswerError(f"has an output of the unknown datatype '{tensor.datatype:.80}'")
    if any(size < 0 for size in tensor.shape):
        raise GarbledAnswerError("has a shape that is none")
    if raw is None:
        elements: Optional[int] = sum(len(values) for _, values in tensor.contents.ListFields())
    else:
        elements = count_packed(tensor.datatype, raw)
    if elements is None:
        raise GarbledAnswerError("has a tensor that ends within an element")
    return Output(tensor.name, tensor.datatype, tuple(tensor.shape), elements)
