"""The file of rows: written as they are made, so that an interrupted benchmark goes on where it was."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from tuner import serialization
from tuner.errors import BadInputError, WattuneError
from tuner.replay.disturbance import Disturbance
from tuner.replay.row import Row


class AnyRow(Protocol):
    """What the rows of every benchmark have."""

    @property
    def disturbance(self) -> Disturbance:
        """What was added to the tables' figures."""

    def encode(self) -> bytes:
        """Returns the row as one line of JSON."""


_Row = TypeVar("_Row", bound=AnyRow)


def read_rows(path: Path) -> list[Row]:
    """Reads a file of rows of ``wattune bench replay``, compressed if its name ends in ``.gz``.

    Raises:
        BadInputError: The file cannot be read, or a line of it is no row.
    """
    return _parse(_read(path), path, Row)


class RowFile(Generic[_Row]):
    """Rows in a file, one JSON object a line."""

    def __init__(self, path: Path, kind: type[_Row], disturbance: Disturbance) -> None:
        """Opens the file, or makes it; an unfinished last line is what an interruption left, and is dropped.

        Args:
            path: Where.
            kind: What a row is.
            disturbance: What the rows to come are made with: rows made otherwise do not go into the same file.

        Raises:
            BadInputError: The file holds something else.
            WattuneError: The file cannot be written.
        """
        if path.suffix == ".gz":
            raise BadInputError(f"Rows are added to {path} while they are made: name a plain file, compress it after.")
        self._path = path
        try:
            path.touch()
            whole = path.read_bytes()
            complete = whole[: whole.rfind(b"\n") + 1]
            self.rows: Sequence[_Row] = _parse(complete, path, kind)
            self._check(disturbance)
            if complete != whole:
                path.write_bytes(complete)
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, row: _Row) -> None:
        """Adds a row, at once.

        Raises:
            WattuneError: The file cannot be written.
        """
        try:
            with self._path.open("ab") as file:
                file.write(row.encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def _check(self, disturbance: Disturbance) -> None:
        if any(row.disturbance != disturbance for row in self.rows):
            raise BadInputError(
                f"{self._path} holds rows made with other --noise or --outliers: name another file for these."
            )

    def _unwritable(self, error: OSError) -> WattuneError:
        return WattuneError(f"The results cannot be written to {self._path}: {error.strerror}.")


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError) as error:
        raise BadInputError(f"The rows in {path} cannot be read: {error}.") from error


def _parse(content: bytes, path: Path, kind: type[_Row]) -> list[_Row]:
    rows = []
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            rows.append(serialization.decode(line, kind))
        except BadInputError as error:
            raise BadInputError(f"{path}, line {number}, is no row of this benchmark: {error}") from error
    return rows
