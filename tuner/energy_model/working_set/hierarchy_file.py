"""Levels of memory in a file that a person, or a measurement, wrote.

::

    device = "a board"
    source = "its data sheet"

    [[level]]
    name = "L2"
    bytes_per_unit = 524288
    units = 2           # 1 if it is left out
    shared_by = 2       # 1 if it is left out
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tuner.energy_model.working_set.levels import MemoryHierarchy, MemoryLevel
from tuner.errors import BadInputError

_NUMBERS = ("bytes_per_unit", "units", "shared_by")


def read_hierarchy(path: Path) -> MemoryHierarchy:
    """Returns the levels that a file describes.

    Raises:
        BadInputError: It cannot be read, or describes none.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise BadInputError(f"The levels {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is not valid TOML: {error}.") from error
    tables = document.get("level")
    if not isinstance(tables, list) or not tables:
        raise BadInputError(f"{path} describes no level: add [[level]] with name and bytes_per_unit, fastest first.")
    return MemoryHierarchy(
        device=str(document.get("device", path.stem)),
        levels=tuple(_level(path, number, table) for number, table in enumerate(tables, start=1)),
        source=str(document.get("source", path)),
    )


def hierarchy_text(hierarchy: MemoryHierarchy) -> str:
    """Returns the content of such a file."""
    lines = [f"device = {_quoted(hierarchy.device)}", f"source = {_quoted(hierarchy.source)}"]
    for level in hierarchy.levels:
        lines += ["", "[[level]]", f"name = {_quoted(level.name)}"]
        lines += [f"{number} = {getattr(level, number)}" for number in _NUMBERS]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Writes a basic string: JSON's escapes are TOML's, which wants one for the delete character as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _level(path: Path, number: int, table: object) -> MemoryLevel:
    if isinstance(table, Mapping) and isinstance(table.get("name"), str) and "bytes_per_unit" in table:
        numbers = {key: table[key] for key in _NUMBERS if key in table}
        if table.keys() <= {"name", *_NUMBERS} and all(type(value) is int for value in numbers.values()):
            return MemoryLevel(table["name"], **numbers)
    raise BadInputError(
        f"Level {number} in {path} is wrong: it has a name, and bytes_per_unit, units, shared_by as whole numbers."
    )
