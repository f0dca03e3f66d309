"""Where output goes: results to standard output, progress and remarks to standard error."""

from __future__ import annotations

import sys

from rich.console import Console, RenderableType


def print_json(record: object) -> None:
    """Prints a record as one line of JSON."""
    from tuner.serialization import encode  # only here: tables need none of it

    sys.stdout.write(encode(record).decode() + "\n")
    sys.stdout.flush()


def show(view: RenderableType) -> None:
    """Prints a table or text; numbers keep their own colours."""
    Console(highlight=False).print(view)


def terminal_width() -> int:
    """Returns how many columns standard output has; those of a usual terminal where it is none."""
    return Console().width


def remark(text: str) -> None:
    """Prints one line beside the result."""
    print(text, file=sys.stderr, flush=True)
