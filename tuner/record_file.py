"""Records in files of their own: read whole or refused in one sentence, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from tuner.errors import BadInputError, WattuneError
from tuner.serialization import decode, encode

_Record = TypeVar("_Record")


def read_record(path: Path, kind: type[_Record], what: str, maker: str) -> _Record:
    """Reads a record.

    Args:
        path: Where.
        kind: What it is.
        what: What it is in words, such as ``recording``.
        maker: The command that writes such a file.

    Raises:
        BadInputError: The file cannot be read or holds something else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"The {what} {path} cannot be read: {error.strerror}.") from error
    try:
        return decode(data, kind)
    except BadInputError as error:
        raise BadInputError(f"{path} is no {what} of '{maker}': {error}") from error


def write_record(path: Path, record: object) -> None:
    """Writes a record as JSON.

    Raises:
        WattuneError: The file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(encode(record) + b"\n")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise WattuneError(f"{path} cannot be written: {error.strerror}.") from error
