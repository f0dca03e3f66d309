"""A page as a browser would see it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

from tuner.report.page.document import page
from tuner.study_record import Study


class Reader(HTMLParser):
    """Collects what a browser would see: elements, and text outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: dict[str, str] = {}
        self._stack: list[str] = []
        self._script_id = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self._stack.append(tag)
        if tag == "script":
            self._script_id = dict(attrs).get("id") or ""

    def handle_endtag(self, tag: str) -> None:
        assert self._stack, f"</{tag}> ends nothing"
        assert self._stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._stack and self._stack[-1] == "script":
            self.scripts[self._script_id] = self.scripts.get(self._script_id, "") + data
        elif not self._stack or self._stack[-1] != "style":
            self.text += data + "\n"


def read(study: Study) -> Reader:
    reader = Reader()
    reader.feed(page(study))
    reader.close()
    return reader


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def chart(study: Study, name: str) -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(read(study).scripts[f"{name}-figure"])
    return figure
