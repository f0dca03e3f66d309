"""Says at the end of the run what was killed, when and how often."""

from __future__ import annotations

import pytest

_SUMMARY = pytest.StashKey[list[str]]()


@pytest.fixture
def chaos_summary(pytestconfig: pytest.Config) -> list[str]:
    """One line for each campaign."""
    return pytestconfig.stash.setdefault(_SUMMARY, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the lines."""
    for line in config.stash.get(_SUMMARY, []):
        terminalreporter.write_line(f"chaos: {line}")
