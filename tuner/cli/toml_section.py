"""Puts one section into a TOML file that a person wrote: all else in it stays as it is, comments too."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tuner.errors import BadInputError, WattuneError

_KEY_LINE = re.compile(r"\s*[\w\"'.-]+\s*=.*")


def section_text(table: str, key: str, values: Mapping[str, str | float]) -> str:
    """Returns the section ``[table."key"]`` of plain values as TOML."""
    lines = [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value!r}" for name, value in values.items()
    ]
    return "\n".join([f'[{table}."{key}"]', *lines, ""])


def put_section(path: Path, table: str, key: str, values: Mapping[str, str | float]) -> None:
    """Writes the section ``[table."key"]`` into a file, in place of one of that name; makes the file if there is none.

    Raises:
        BadInputError: The file is not TOML, or has these values in another form; nothing was changed.
        WattuneError: It cannot be read or written; nothing was changed.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        changed = _with_section(text, table, key, section_text(table, key, values))
        _require_nothing_else(text, changed, table, key, values)
        _replace(path, changed)
    except ValueError as error:  # tomllib's and the decoder's are such, too
        raise BadInputError(
            f'{path} was left as it is ({error}): put the section [{table}."{key}"] there by hand.'
        ) from error
    except OSError as error:
        raise WattuneError(f"{path} cannot be written: {error.strerror}.") from error


def _require_nothing_else(before: str, after: str, table: str, key: str, values: Mapping[str, str | float]) -> None:
    """Makes sure that the section is what changed, and nothing else."""
    old, new = tomllib.loads(before), tomllib.loads(after)
    section = new.get(table)
    if not isinstance(section, dict) or section.get(key) != dict(values):
        raise ValueError("it would not have been taken")
    if _others(old, table, key) != _others(new, table, key):
        raise ValueError("something else in it would have changed")


def _with_section(text: str, table: str, key: str, section: str) -> str:
    lines = text.splitlines(keepends=True)
    header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\.\s*([\"']){re.escape(key)}\1\s*\]\s*(#.*)?")
    begin = next((number for number, line in enumerate(lines) if header.fullmatch(line.rstrip("\r\n"))), None)
    if begin is None:
        apart = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{apart}{section}"
    end = begin + 1
    while end < len(lines) and _KEY_LINE.fullmatch(lines[end].rstrip("\r\n")):
        end += 1
    return "".join([*lines[:begin], section, *lines[end:]])


def _others(document: Mapping[str, Any], table: str, key: str) -> dict[str, Any]:
    """Returns all that a document says elsewhere."""
    sections = document.get(table, {})
    rest = {name: value for name, value in document.items() if name != table}
    return {**rest, table: {name: value for name, value in sections.items() if name != key}}


def _replace(path: Path, text: str) -> None:
    """Replaces a file as a whole; its owner and its rights stay."""
    target = path.resolve()
    fresh = target.with_name(f"{target.name}.new")
    fresh.unlink(missing_ok=True)
    with fresh.open("x", encoding="utf-8") as file:
        if target.exists():
            status = target.stat()
            os.fchmod(file.fileno(), status.st_mode & 0o777)
            with suppress(PermissionError):
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)
