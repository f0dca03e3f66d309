"""Where the plot of a benchmark goes, and in which form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tuner.errors import BadInputError, WattuneError
from tuner.replay.page import regret_html
from tuner.replay.picture import regret_png
from tuner.replay.row import Row

_FORMS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    ".png": regret_png,
    ".html": lambda rows: regret_html(rows).encode(),
}


def check_plot(path: Path) -> None:
    """Makes sure that a plot can be written there, before the work that it shows.

    Raises:
        BadInputError: The name's ending is none that can be drawn.
        WattuneError: The file cannot be written.
    """
    if path.suffix not in _FORMS:
        raise BadInputError(f"A plot cannot be drawn as {path}: end its name in {' or '.join(_FORMS)}.")
    try:
        path.touch()
    except OSError as error:
        raise _unwritable(path, error) from error


def write_plot(path: Path, rows: Sequence[Row]) -> None:
    """Draws regret against trials.

    Raises:
        BadInputError: What draws it is not installed.
        WattuneError: The file cannot be written.
    """
    try:
        path.write_bytes(_FORMS[path.suffix](rows))
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> WattuneError:
    return WattuneError(f"The plot cannot be written to {path}: {error.strerror}.")
