"""What carries requests to a server."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Sequence

from serving_adapter.kserve.answer import Answer
from serving_adapter.kserve.inputs import Input
from serving_adapter.kserve.metadata import ModelMetadata, ServerMetadata

REQUEST_ID = "wattune"
"""Of every request, so that equal answers are equal bytes; a server makes up another for each if there is none."""

_MOST_PREPARED_BYTES = 1 << 28


@dataclass(frozen=True)
class Request:
    """A request, encoded.

    Attributes:
        body: Its body.
        headers: Headers of its own.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What came back, as it came.

    Attributes:
        body: Its body.
        head_length: How much of it is JSON, in the server's words; empty if it does not say.
    """

    body: bytes
    head_length: str = ""


class Encoder(ABC):
    """Encodes batches of the inputs that it was made for."""

    @abstractmethod
    def encode(self, items: int) -> Request:
        """Returns the request for a batch of so many items."""


class Transport(ABC):
    """A server and one model on it, over HTTP or gRPC. Requests may be sent from several threads at once."""

    host: str
    port: int

    @abstractmethod
    def server(self) -> ServerMetadata:
        """Asks the server what it is.

        Raises:
            AdapterError: It does not answer, or with garbage.
        """

    @abstractmethod
    def model(self) -> ModelMetadata:
        """Asks for the model's metadata.

        Raises:
            AdapterError: There is no such model, or the server does not answer, or with garbage.
        """

    @abstractmethod
    def max_batch_size(self) -> Optional[int]:
        """Asks for the bound of batches in the model's configuration (Triton); None if it sets none.

        Raises:
            AdapterError: The server does not answer, or with garbage.
        """

    @abstractmethod
    def encoder(self, inputs: Sequence[Input]) -> Encoder:
        """Returns what encodes requests in the way that the server, once asked what it is, can read best."""

    @abstractmethod
    def send(self, request: Request) -> Reply:
        """Sends a request and returns what came back, not read yet.

        Raises:
            RequestFailedError: The request failed.
        """

    @abstractmethod
    def read(self, reply: Reply) -> Answer:
        """Reads what came back, without checking it against the model.

        Raises:
            RequestFailedError: It is garbage.
        """

    @abstractmethod
    def close(self) -> None:
        """Lets go of the connections."""


class Requests:
    """The requests of every batch size, encoded ahead: encoding is not the server's work.

    Where they are too large to be kept, the encoder puts them together from encoded items each time.
    """

    def __init__(self, encoder: Encoder, largest_batch: int) -> None:
        """Encodes.

        Args:
            encoder: Encodes a batch.
            largest_batch: The most items that a batch will have.
        """
        self._encoder = encoder
        self._prepared: Dict[int, Request] = {}
        prepared_bytes = 0
        for items in range(1, largest_batch + 1):
            request = encoder.encode(items)
            prepared_bytes += len(request.body)
            if prepared_bytes > _MOST_PREPARED_BYTES:
                break
            self._prepared[items] = request

    def of(self, items: int) -> Request:
        """Returns the request for a batch of so many items."""
        return self._prepared.get(items) or self._encoder.encode(items)
