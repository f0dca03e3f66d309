"""Errors on the wire: the one place where they become canonical status codes, and errors again."""

from __future__ import annotations

import grpc

from knobs.contract import KnobError, RefusedError
from serving_adapter.contract import AdapterError
from tuner.errors import BadInputError, BusyError, InfeasibleError, NotFoundError, ProcessLostError, WattuneError

_CODES: tuple[tuple[type[Exception], grpc.StatusCode], ...] = (
    (NotFoundError, grpc.StatusCode.NOT_FOUND),
    (BusyError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (BadInputError, grpc.StatusCode.INVALID_ARGUMENT),
    (InfeasibleError, grpc.StatusCode.FAILED_PRECONDITION),
    (ProcessLostError, grpc.StatusCode.UNAVAILABLE),
    (RefusedError, grpc.StatusCode.OUT_OF_RANGE),
    (KnobError, grpc.StatusCode.UNAVAILABLE),
    (AdapterError, grpc.StatusCode.ABORTED),
    (WattuneError, grpc.StatusCode.ABORTED),
)
"""Errors and their codes, the special ones before the general ones."""

_ERRORS: dict[grpc.StatusCode, type[WattuneError]] = {
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: BusyError,
    grpc.StatusCode.INVALID_ARGUMENT: BadInputError,
    grpc.StatusCode.OUT_OF_RANGE: BadInputError,
    grpc.StatusCode.FAILED_PRECONDITION: InfeasibleError,
}


def status_of(error: Exception) -> grpc.StatusCode:
    """Returns the status code of an error; INTERNAL for one that nobody foresaw."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return grpc.StatusCode.INTERNAL


def error_of(code: grpc.StatusCode, sentence: str) -> WattuneError:
    """Returns the error that a status code and the daemon's sentence stand for."""
    return _ERRORS.get(code, WattuneError)(sentence)
