"""Requests by template: a text in which ``${items}`` and ``${count}`` stand for what changes from batch to batch.

Nothing is evaluated: a placeholder is one of a few names, what is put in its place is not looked at again, and every
other dollar sign is itself (``$${items}`` writes ``${items}``).
"""

import json
import re
from typing import Callable, List, Mapping, Optional, Tuple, Union

from serving_adapter.contract import AdapterError, WorkloadDefinition
from serving_adapter.definition.options import text_option

ITEMS = "items"
QUOTED_ITEMS = "quoted_items"
COUNT = "count"
INDEX = "index"

_PLACEHOLDER = re.compile(r"(\$?)\$\{([^}]*)\}")

_Part = Union[bytes, Callable[[int], bytes]]


class TemplateError(ValueError):
    """A template is wrong. The message is the end of a sentence."""


def template_options(name: str) -> Tuple[str, ...]:
    """Returns the options of an adapter whose requests are made by a template.

    Args:
        name: The option that holds the template.
    """
    return (name, "item", "separator")


def request_template(
    definition: WorkloadDefinition, name: str, most_items: int, default: Optional[str] = None
) -> "RequestTemplate":
    """Returns the template that a workload's options hold.

    Args:
        definition: The workload's definition.
        name: The option that holds it; ``item`` and ``separator`` are beside it.
        most_items: The largest batch.
        default: The template if there is none; without it, it is needed.

    Raises:
        AdapterError: An option is wrong.
    """
    try:
        return RequestTemplate(
            text_option(definition, name, default),
            item=text_option(definition, "item", ""),
            separator=text_option(definition, "separator", ", "),
            most_items=most_items,
        )
    except TemplateError as error:
        raise AdapterError(
            f"The option {name} or item of the workload '{definition.name}' is wrong: {error}."
        ) from error


class RequestTemplate:
    """What is sent for a batch.

    ``${items}`` are the items, ``${quoted_items}`` the items as JSON strings, ``${count}`` is their number; in the
    template of an item, ``${index}`` is its place in the batch, from 0.
    """

    def __init__(self, text: str, item: str, separator: str, most_items: int) -> None:
        """Prepares the items, so that a request costs no more than putting bytes together.

        Args:
            text: The template of a request.
            item: The template of an item.
            separator: What stands between two items.
            most_items: The largest batch.

        Raises:
            TemplateError: A placeholder does not exist, or an item has no place.
        """
        names = _names(text, (ITEMS, QUOTED_ITEMS, COUNT), "a request")
        _names(item, (INDEX,), "an item")
        has_items = ITEMS in names or QUOTED_ITEMS in names
        if has_items != bool(item):
            raise TemplateError("there is an item without a place for it, ${items}, or a place without an item")
        items = [_filled(item, {INDEX: str(index)}) for index in range(most_items if has_items else 0)]
        joined = _Joined(items, separator), _Joined([json.dumps(item) for item in items], separator)
        fillings: Mapping[str, Callable[[int], bytes]] = {
            ITEMS: joined[0],
            QUOTED_ITEMS: joined[1],
            COUNT: lambda count: b"%d" % count,
        }
        self.is_batched = bool(names)
        self._parts = _parts(text, fillings)

    def render(self, count: int) -> bytes:
        """Returns the request for a batch of so many items."""
        return b"".join(part if isinstance(part, bytes) else part(count) for part in self._parts)


class _Joined:
    """The first items, with separators between them."""

    def __init__(self, items: List[str], separator: str) -> None:
        self._items = [item.encode() for item in items]
        self._separator = separator.encode()

    def __call__(self, count: int) -> bytes:
        return self._separator.join(self._items[:count])


def _names(text: str, known: Tuple[str, ...], where: str) -> List[str]:
    """Returns the placeholders of a template."""
    names = [name for escape, name in _PLACEHOLDER.findall(text) if not escape]
    for name in names:
        if name not in known:
            choices = ", ".join(f"${{{choice}}}" for choice in known)
            raise TemplateError(f"{where} has no '${{{name}}}', use {choices}")
    return names


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: match[0][1:] if match[1] else values[match[2]], text)


def _parts(text: str, fillings: Mapping[str, Callable[[int], bytes]]) -> List[_Part]:
    """Cuts a template at its placeholders."""
    parts: List[_Part] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        parts.append(text[end : match.start()].encode())
        parts.append(match[0][1:].encode() if match[1] else fillings[match[2]])
        end = match.end()
    return [*parts, text[end:].encode()]
