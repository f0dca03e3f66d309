"""A model on a server, ready to be asked."""

from typing import Callable, Dict, Mapping, Optional

from serving_adapter.contract import AdapterError
from serving_adapter.kserve.answer import check_answer
from serving_adapter.kserve.grpc_transport import GrpcTransport
from serving_adapter.kserve.http_transport import HttpTransport
from serving_adapter.kserve.inputs import declared, fill
from serving_adapter.kserve.options import KserveOptions
from serving_adapter.kserve.transport import Reply, Requests, Transport

_CONFIGURATION_EXTENSION = "model_configuration"
_LARGEST_KEPT_BYTES = 1 << 20

_TRANSPORTS: Mapping[str, Callable[[KserveOptions], Transport]] = {
    "http": HttpTransport,
    "https": HttpTransport,
    "grpc": GrpcTransport,
}


def connect(options: KserveOptions) -> Transport:
    """Returns what carries requests to the server that the options name; nothing is sent yet.

    Raises:
        AdapterError: The address is none.
    """
    scheme = options.url.partition("://")[0]
    if scheme not in _TRANSPORTS:
        raise AdapterError(
            f"{options.url!r:.200} is no address of a server: write it like http://host:8000 or grpc://host:8001."
        )
    return _TRANSPORTS[scheme](options)


class Session:
    """What the server has said of itself and the model, and the requests that follow from it."""

    def __init__(self, transport: Transport, options: KserveOptions, largest_batch: int) -> None:
        """Asks the server, and encodes the requests of every batch size.

        Args:
            transport: Carries requests to the server.
            options: What the workload's definition says.
            largest_batch: The most items that a batch will have.

        Raises:
            AdapterError: The server does not answer, or the definition does not fit what it says.
        """
        server = transport.server()
        self.server_name = server.name
        self._transport = transport
        self._model = declared(transport.model(), options)
        inputs = fill(self._model, options, largest_batch)
        self._is_batched = any(tensor.is_batched for tensor in inputs)
        bound = transport.max_batch_size() if _CONFIGURATION_EXTENSION in server.extensions else None
        self._check_largest(largest_batch, bound)
        self._accepted: Dict[int, Reply] = {}
        self._requests = Requests(transport.encoder(inputs), largest_batch)

    @property
    def server(self) -> Transport:
        """The server, by way of what carries the requests."""
        return self._transport

    def infer(self, items: int) -> None:
        """Sends the request for so many items and checks the answer.

        An answer that is, byte for byte, one that was accepted before is not read again: the same request often has
        the same answer, and to read it is not the server's work.

        Raises:
            RequestFailedError: It failed, or the answer is not one to it.
        """
        reply = self._transport.send(self._requests.of(items))
        if reply == self._accepted.get(items):
            return
        check_answer(self._transport.read(reply), self._model, items if self._is_batched else None)
        if len(reply.body) <= _LARGEST_KEPT_BYTES:
            self._accepted[items] = reply

    def _check_largest(self, largest_batch: int, bound: Optional[int]) -> None:
        if largest_batch > 1 and not self._is_batched:
            raise AdapterError(
                f"The model '{self._model.name}' takes one item a request, because no open first dimension of an "
                f"input is its batch: leave nothing but 1 in the values of batch_size (now up to {largest_batch})."
            )
        if bound is not None and largest_batch > bound:
            raise AdapterError(
                f"The model '{self._model.name}' takes batches of at most {bound} items (max_batch_size in its "
                f"configuration): take what is above out of the values of batch_size (now up to {largest_batch})."
            )
