"""HTML that escapes by default: text is text, and only :class:`Markup` is markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "br"})


_NUMBER_AND_UNIT = re.compile(
    r"(?<=\d) (?=(?:%|[kMGmµn]?[JsW]|[kMG]?Hz|min|h)(?!\w))|(?<=\d min) (?=\d)|(?<=\d h) (?=\d)|(?<=≤) | (?=≤)"
)


def typeset(text: str) -> str:
    """Keeps every number on one line with its unit, and every bound with its sign."""
    return _NUMBER_AND_UNIT.sub("\N{NO-BREAK SPACE}", text)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | None) -> Markup:
    """Returns one element.

    Args:
        tag: The element's name.
        children: Its content: markup as it is, any other text escaped.
        attributes: Its attributes, escaped; ``class_`` is ``class``, and ``_`` stands for ``-``. None leaves one out.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    start = f"<{tag}{written}>"
    return Markup(start if tag in _VOID else f"{start}{join(children)}</{tag}>")


def join(children: Iterable[str]) -> Markup:
    """Returns children one after the other, escaped where they are not markup."""
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))
