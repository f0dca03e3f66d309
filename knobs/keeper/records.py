"""Records to JSON and back, strictly by their type annotations."""

from __future__ import annotations

import types
import typing
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, Union, cast

from knobs.contract import KnobError

_Record = TypeVar("_Record")


class MalformedRecordError(KnobError):
    """What arrived is not the record that was expected."""


def to_json(record: Any) -> Any:
    """Returns a record, or a mapping of records, as dictionaries, lists, numbers and strings."""
    if is_dataclass(record) and not isinstance(record, type):
        return asdict(record)
    if isinstance(record, dict):
        return {key: to_json(value) for key, value in record.items()}
    return record


def from_json(kind: type[_Record], data: Any) -> _Record:
    """Reads a record of a given kind. Fields that the kind does not have are left out, for newer peers.

    Raises:
        MalformedRecordError: A field is missing or of the wrong type.
    """
    return cast(_Record, _read(kind, data))


def _read(kind: Any, data: Any) -> Any:
    origin = typing.get_origin(kind)
    if is_dataclass(kind):
        return _read_dataclass(kind, data)
    if origin is tuple:
        return _read_tuple(typing.get_args(kind), data)
    if origin is dict:
        _require(isinstance(data, dict), kind, data)
        _, value_kind = typing.get_args(kind)
        return {str(key): _read(value_kind, value) for key, value in data.items()}
    if origin in (Union, types.UnionType):
        return _read_union(typing.get_args(kind), data)
    return _read_scalar(kind, data)


def _read_dataclass(kind: Any, data: Any) -> Any:
    _require(isinstance(data, dict), kind, data)
    hints = typing.get_type_hints(kind)
    try:
        return kind(
            **{field.name: _read(hints[field.name], data[field.name]) for field in fields(kind) if field.name in data}
        )
    except TypeError as error:
        raise MalformedRecordError(f"A {kind.__name__} lacks a field: {error}.") from error


def _read_tuple(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    _require(isinstance(data, (list, tuple)), tuple, data)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read(kinds[0], item) for item in data)
    _require(len(data) == len(kinds), tuple, data)
    return tuple(_read(kind, item) for kind, item in zip(kinds, data, strict=True))


def _read_union(kinds: tuple[Any, ...], data: Any) -> Any:
    """Takes the member that the data is exactly of: 1 is an int, 1.0 a float."""
    for kind in kinds:
        if type(data) is kind:
            return data
    for kind in kinds:
        if is_dataclass(kind) and isinstance(data, dict):
            return _read_dataclass(kind, data)
    if float in kinds and type(data) is int:
        return float(data)
    raise MalformedRecordError(
        f"{data!r} is none of {', '.join(getattr(kind, '__name__', str(kind)) for kind in kinds)}."
    )


def _read_scalar(kind: Any, data: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError as error:
            raise MalformedRecordError(f"{data!r} is no {kind.__name__}.") from error
    if kind is float and type(data) is int:
        return float(data)
    _require(type(data) is kind, kind, data)
    return data


def _require(holds: bool, kind: Any, data: Any) -> None:
    if not holds:
        raise MalformedRecordError(f"{str(data)[:80]!r} is no {getattr(kind, '__name__', kind)}.")
