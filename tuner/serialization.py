"""Records to JSON and back, strictly typed: for the store, the search worker and the reports."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from tuner.configuration import Configuration
from tuner.errors import BadInputError

_Record = TypeVar("_Record")


def _encode_configuration(value: object) -> dict[str, Any]:
    if isinstance(value, Configuration):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a record")


def _decode_configuration(kind: type, value: Any) -> Configuration:
    if kind is Configuration:
        return Configuration(value)
    raise TypeError(f"{kind.__name__} is not a record")


def encode(record: object) -> bytes:
    """Returns a record as one line of JSON."""
    return msgspec.json.encode(record, enc_hook=_encode_configuration)


def decode(data: bytes | str, kind: type[_Record]) -> _Record:
    """Reads a record of a given kind.

    Raises:
        BadInputError: The text is not such a record.
    """
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_decode_configuration)
    except msgspec.MsgspecError as error:
        raise BadInputError(f"This is not a valid {kind.__name__}: {error}.") from error


def to_builtins(record: object) -> Any:
    """Returns a record as dictionaries, lists, numbers and strings."""
    return msgspec.to_builtins(record, enc_hook=_encode_configuration, str_keys=True)
