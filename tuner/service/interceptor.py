"""Turns whatever a servicer raises into a status code and one sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from tuner.service.errors import status_of

_log = logging.getLogger(__name__)
if TYPE_CHECKING:
    # Generic in their stubs only.
    _Interceptor = grpc.ServerInterceptor[Any, Any]
    _Handler = grpc.RpcMethodHandler[Any, Any]
else:
    _Interceptor = grpc.ServerInterceptor


class ErrorInterceptor(_Interceptor):
    """Wraps every call of a server, so that servicers only translate and raise."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Returns the handler of a call, wrapped; None if the method does not exist here."""
        handler = continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        codecs = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(_guard_stream(handler.unary_stream), *codecs)
        assert handler.unary_unary is not None, "a handler answers with one message or with a stream"
        return grpc.unary_unary_rpc_method_handler(_guard_call(handler.unary_unary), *codecs)


def _guard_call(behaviour: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return behaviour(request, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets one sentence
            _abort(context, error)

    return guarded


def _guard_stream(
    behaviour: Callable[[Any, grpc.ServicerContext], Iterator[Any]],
) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from behaviour(request, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets one sentence
            _abort(context, error)

    return guarded


def _abort(context: grpc.ServicerContext, error: Exception) -> NoReturn:
    code = status_of(error)
    if code is grpc.StatusCode.INTERNAL:
        _log.error("A call failed in a way that nobody foresaw.", exc_info=error)
        context.abort(code, f"The daemon failed unexpectedly ({type(error).__name__}); its log says more.")
    context.abort(code, str(error))
