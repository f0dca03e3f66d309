"""Where torch.compile keeps its work while tests run: cold, it takes most of a minute."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="wattune-tests-inductor-")


@pytest.fixture
def compiler_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that all tests of this run share, and that is gone afterwards."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", _folder().name)
    yield Path(_folder().name)
