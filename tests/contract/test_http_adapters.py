"""Runs the contract suite over the adapters of any HTTP endpoint and of any program."""

import sys
from collections.abc import Iterator

import pytest

from serving_adapter.command import CommandAdapter
from serving_adapter.contract import ServingAdapter, WorkloadDefinition
from serving_adapter.http_endpoint import HttpAdapter
from tests.contract.serving_adapter_contract import ServingAdapterContract
from tests.unit.serving_adapter.faulty_server import FaultyServer

ANSWERING = "import sys\nfor line in sys.stdin: print(len(line.split()), flush=True)"


class TestHttpAdapter(ServingAdapterContract):
    @pytest.fixture
    def adapter(self) -> Iterator[ServingAdapter]:
        with FaultyServer() as server:
            yield HttpAdapter(
                WorkloadDefinition(
                    name="endpoint",
                    options={"url": server.url, "body": "[${items}]", "item": "${index}"},
                    parameters={"batch_size": [1, 2, 4], "concurrency": [1, 3]},
                )
            )


class TestCommandAdapter(ServingAdapterContract):
    @pytest.fixture
    def adapter(self) -> ServingAdapter:
        return CommandAdapter(
            WorkloadDefinition(
                name="program",
                options={"argv": [sys.executable, "-c", ANSWERING], "request": "${items}", "item": "number ${index}"},
                parameters={"batch_size": [1, 2, 4]},
            )
        )
