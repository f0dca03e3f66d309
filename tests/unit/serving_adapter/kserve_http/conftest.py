"""A local server of the Open Inference Protocol over HTTP that may fail in every way, and an adapter of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from serving_adapter.kserve import KserveAdapter
from tests.unit.serving_adapter.kserve_servers import HttpServer, http_server, opened


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


@pytest.fixture
def adapter(server: HttpServer) -> Iterator[KserveAdapter]:
    with opened(server.url, timeout_s=5.0) as adapter:
        yield adapter


def with_output(answer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns an answer whose only output is another."""
    return {**answer, "outputs": [{**answer["outputs"][0], **changes}]}
