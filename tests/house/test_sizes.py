"""One idea a file, one level of abstraction a function: what is longer is listed here, with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.checkout import ROOMS, ROOT, sources

MOST_LINES_A_FILE = 400
MOST_LINES_A_FUNCTION = 50

LONG_FILES: dict[str, str] = {}
"""Path to reason."""

LONG_FUNCTIONS: dict[str, str] = {}
"""``path::name`` to reason."""


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yields the name and the number of lines, decorators and docstring left out, of every function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            has_docstring = ast.get_docstring(node) is not None
            first = node.body[1] if has_docstring and len(node.body) > 1 else node.body[0]
            signature = node.body[0].lineno - node.lineno
            assert node.end_lineno is not None
            yield node.name, signature + node.end_lineno - first.lineno + 1


def test_no_file_is_too_long_without_a_reason() -> None:
    long = {str(path.relative_to(ROOT)) for path in sources(*ROOMS) if line_count(path) > MOST_LINES_A_FILE}
    assert long == LONG_FILES.keys()


def test_no_function_is_too_long_without_a_reason() -> None:
    long = {
        f"{path.relative_to(ROOT)}::{name}"
        for path in sources(*ROOMS)
        for name, lines in functions(path)
        if lines > MOST_LINES_A_FUNCTION
    }
    assert long == LONG_FUNCTIONS.keys()
