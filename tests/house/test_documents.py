"""What the documents promise exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.checkout import ROOT
from tuner.cli.main import VERBS

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "deploy").glob("*.md"))]
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def commands(document: Path, program: str) -> set[str]:
    """Returns the second word of every command of a program that the document shows as code."""
    shown = "\n".join(CODE.findall(document.read_text(encoding="utf-8")))
    return set(re.findall(rf"(?:^|[\s`]){program} ([a-z-]+)", shown))


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_command_that_is_shown_exists(document: Path) -> None:
    assert commands(document, "make") <= makefile_targets()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_verb_that_is_shown_exists(document: Path) -> None:
    assert commands(document, "wattune") <= VERBS.keys()


def test_the_readme_shows_the_two_commands() -> None:
    assert {"run", "test"} <= commands(ROOT / "README.md", "make")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    visible = re.sub(r"<!--.*?-->", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", visible)
    assert not [link for link in links if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text(encoding="utf-8")):
        assert (ROOT / file).is_file(), file
        assert not name or re.search(rf"(?:def|class) {name}\b", (ROOT / file).read_text()), f"{file}::{name}"
