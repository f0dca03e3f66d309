"""A machine out of the file that its owner's ``wattune snapshot`` wrote: what cannot be at hand can still be tested."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from knobs.keeper.records import from_json
from knobs.snapshot import FORMAT, KernelView
from tests.emulated.sysfs.tree import Attribute, Link, Tree, kernel_error


def load(path: Path) -> dict[str, Any]:
    """Returns the content of a snapshot.

    Raises:
        ValueError: It is of a format that is not known here.
    """
    document: dict[str, Any] = json.loads(path.read_text())
    if document.get("format") != FORMAT:
        raise ValueError(f"{path} is of the format {document.get('format')}, not {FORMAT}")
    return document


def tree_of(document: dict[str, Any]) -> Tree:
    """Returns the kernel's files as they were; what was written then reads back, within no kernel's rules."""
    view = from_json(KernelView, document["kernel"])
    tree = Tree()
    for path, target in view.links:
        tree.add(path, Link(target))
    for file in view.files:
        tree.add(file.path, _unreadable(file.mode) if file.text is None else _stored(file.text, file.mode))
    return tree


def _stored(text: str, mode: int) -> Attribute:
    content = [text]

    def store(written: str) -> None:
        content[0] = written

    return Attribute(show=lambda: content[0], store=store if mode & 0o222 else None, mode=mode)


def _unreadable(mode: int) -> Attribute:
    def refuse() -> str:
        raise kernel_error(errno.EACCES)

    return Attribute(show=refuse, mode=mode)
