"""An account as files: a page, JSON, and profiles for other viewers."""

from __future__ import annotations

from pathlib import Path

from tuner.energy_model.accounting.account import Account, account_json
from tuner.energy_model.accounting.comparison import Comparison
from tuner.errors import BadInputError
from tuner.report.accounting.page import account_page, comparison_page
from tuner.report.accounting.pprof import pprof_gz
from tuner.report.accounting.speedscope import speedscope_json


def write_account(account: Account, directory: Path) -> list[Path]:
    """Writes ``index.html``, ``account.json``, ``account.speedscope.json`` and ``account.pb.gz`` (for pprof).

    Raises:
        BadInputError: The directory cannot be written, or plotly is not installed.
    """
    contents = {
        "index.html": account_page(account).encode(),
        "account.json": account_json(account),
        "account.speedscope.json": speedscope_json(account),
        "account.pb.gz": pprof_gz(account),
    }
    return _write(contents, directory)


def write_comparison(comparison: Comparison, directory: Path) -> list[Path]:
    """Writes ``index.html`` and both accounts, ``first.json`` and ``second.json``.

    Raises:
        BadInputError: The directory cannot be written, or plotly is not installed.
    """
    contents = {
        "index.html": comparison_page(comparison).encode(),
        "first.json": account_json(comparison.first),
        "second.json": account_json(comparison.second),
    }
    return _write(contents, directory)


def _write(contents: dict[str, bytes], directory: Path) -> list[Path]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (directory / name).write_bytes(content)
    except OSError as error:
        raise BadInputError(f"The account cannot be written to {directory}: {error.strerror}.") from error
    return [directory / name for name in contents]
