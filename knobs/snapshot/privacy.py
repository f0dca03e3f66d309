"""What tells one machine or household from another, taken out of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MAC = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{2}(?:([:_-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){4}(?![0-9a-fA-F])")
_UUID = re.compile(r"(?<![0-9a-fA-F])([0-9a-fA-F]{8})(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F])")


def without_identities(text: str, secrets: Iterable[str] = ()) -> str:
    """Returns a text with UUIDs cut to their first eight digits and hardware addresses numbered.

    Linux names the batteries of wireless keyboards and headphones after their hardware addresses.

    Args:
        text: The text.
        secrets: What else is to be replaced: names and addresses on the owner's network.
    """
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        number = numbers.setdefault(found[0].replace(found[1], "").lower(), len(numbers) + 1)
        return found[1].join(("xx",) * 5 + (f"{number:02}",))

    text = _UUID.sub(r"\1", _MAC.sub(numbered, text))
    for secret in sorted(set(secrets), key=len, reverse=True):
        text = text.replace(secret, "(left out)")
    return text
