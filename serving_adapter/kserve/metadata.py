"""What a server says about itself and its models, checked: it is untrusted."""

from dataclasses import dataclass
from typing import Any, Optional, Tuple

from serving_adapter.contract import AdapterError
from serving_adapter.kserve.datatypes import DATATYPES

OPEN = -1
"""A dimension whose size each request chooses."""

_NOT_METADATA = (
    "The server's metadata are not those of the Open Inference Protocol: give the address of a server of it."
)


@dataclass(frozen=True)
class ServerMetadata:
    """A server.

    Attributes:
        name: What it calls itself (``triton``, ``mlserver``); empty if it does not say.
        extensions: Extensions of the protocol that it has.
    """

    name: str = ""
    extensions: Tuple[str, ...] = ()


@dataclass(frozen=True)
class TensorMetadata:
    """An input or an output of a model.

    Attributes:
        name: Its name.
        datatype: Its datatype, ``FP32``.
        shape: Its dimensions; :data:`OPEN` where a request chooses.
    """

    name: str
    datatype: str
    shape: Tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuses what is no tensor.

        Raises:
            AdapterError: The datatype is unknown, or a dimension is none.
        """
        if not self.name or self.datatype not in DATATYPES:
            raise AdapterError(f"The tensor '{self.name:.80}' has the unknown datatype '{self.datatype:.80}'.")
        if any(type(size) is not int or size < OPEN for size in self.shape):
            raise AdapterError(f"The shape of the tensor '{self.name:.80}' is not a list of sizes.")

    @property
    def leads_open(self) -> bool:
        """Whether its first dimension is open, so that it can be the batch."""
        return self.shape[:1] == (OPEN,)


@dataclass(frozen=True)
class ModelMetadata:
    """A model.

    Attributes:
        name: Its name.
        inputs: Its inputs; none if the server does not say.
        outputs: Its outputs; none if the server does not say.
    """

    name: str
    inputs: Tuple[TensorMetadata, ...]
    outputs: Tuple[TensorMetadata, ...]


def server_from_json(message: Any) -> ServerMetadata:
    """Reads a server's metadata.

    Raises:
        AdapterError: It is none.
    """
    try:
        return ServerMetadata(_text(message["name"]), tuple(map(_text, message.get("extensions") or ())))
    except (AttributeError, KeyError, TypeError) as error:
        raise AdapterError(_NOT_METADATA) from error


def model_from_json(message: Any) -> ModelMetadata:
    """Reads a model's metadata.

    Raises:
        AdapterError: It is none.
    """
    try:
        return ModelMetadata(_text(message["name"]), _tensors(message.get("inputs")), _tensors(message.get("outputs")))
    except (AttributeError, KeyError, TypeError) as error:
        raise AdapterError(_NOT_METADATA) from error


def max_batch_size_of(stated: Any) -> Optional[int]:
    """Reads the bound of batches of a Triton model's configuration; zero means that it sets none.

    Raises:
        AdapterError: It is none.
    """
    if type(stated) is not int or stated < 0:
        raise AdapterError("The server states a max_batch_size for the model that is no number of items.")
    return stated or None


def _tensors(message: Any) -> Tuple[TensorMetadata, ...]:
    return tuple(
        TensorMetadata(_text(tensor["name"]), _text(tensor["datatype"]), tuple(tensor["shape"]))
        for tensor in message or ()
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
