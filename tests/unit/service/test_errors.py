"""Every error arrives with its own sentence, as what it is, through a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from knobs.contract import DeviceError, RefusedError
from knobs.keeper.client import KeeperLostError
from serving_adapter.contract import AdapterError
from tuner.client import Client
from tuner.errors import BadInputError, BusyError, InfeasibleError, NotFoundError, ProcessLostError, WattuneError
from tuner.service.errors import status_of
from tuner.service.server import SocketServer
from tuner.service.servicers import ReadServicer
from tuner.store import StoreError


class Failing:
    """Whatever is asked of it fails in the same way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> object:
        def fail(*arguments: object) -> None:
            raise self.error

        return fail


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Failing]:
    failing = Failing(ValueError("not set"))
    server = SocketServer(tmp_path / "read.sock", "", ReadServicer(failing, failing), None)  # type: ignore[arg-type]  # fails anyway
    server.start()
    yield failing
    server.stop(0)


@pytest.mark.parametrize(
    ("error", "code", "arrives_as", "exit_status"),
    [
        (BadInputError("a"), grpc.StatusCode.INVALID_ARGUMENT, BadInputError, 2),
        (NotFoundError("b"), grpc.StatusCode.NOT_FOUND, NotFoundError, 2),
        (BusyError("c"), grpc.StatusCode.RESOURCE_EXHAUSTED, BusyError, 2),
        (RefusedError("d"), grpc.StatusCode.OUT_OF_RANGE, BadInputError, 2),
        (InfeasibleError("e"), grpc.StatusCode.FAILED_PRECONDITION, InfeasibleError, 3),
        (DeviceError("f"), grpc.StatusCode.UNAVAILABLE, WattuneError, 1),
        (KeeperLostError("g"), grpc.StatusCode.UNAVAILABLE, WattuneError, 1),
        (ProcessLostError("h"), grpc.StatusCode.UNAVAILABLE, WattuneError, 1),
        (AdapterError("i"), grpc.StatusCode.ABORTED, WattuneError, 1),
        (StoreError("j"), grpc.StatusCode.ABORTED, WattuneError, 1),
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_an_error_arrives_with_its_sentence(
    failing: Failing,
    tmp_path: Path,
    error: Exception,
    code: grpc.StatusCode,
    arrives_as: type[WattuneError],
    exit_status: int,
) -> None:
    failing.error = error
    assert status_of(error) is code
    with Client(tmp_path / "read.sock") as client:
        for call in (client.status, client.list_studies):
            with pytest.raises(WattuneError) as caught:
                call()
            assert (str(caught.value), type(caught.value)) == (str(error), arrives_as)
            assert caught.value.exit_status == exit_status


def test_a_stream_fails_like_a_call(failing: Failing, tmp_path: Path) -> None:
    failing.error = NotFoundError("There is no study 'a'.")
    with Client(tmp_path / "read.sock") as client, pytest.raises(NotFoundError, match="There is no study 'a'"):
        list(client.watch("a"))


def test_what_nobody_foresaw_is_one_sentence_without_its_insides(
    failing: Failing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failing.error = ZeroDivisionError("secret")
    with Client(tmp_path / "read.sock") as client, pytest.raises(WattuneError) as caught:
        client.status()
    assert str(caught.value) == "The daemon failed unexpectedly (ZeroDivisionError); its log says more."
    assert "secret" in caplog.text
