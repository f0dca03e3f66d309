"""Two gRPC servers on two Unix sockets: one to read, one to read and control, each authorised by its group."""

from __future__ import annotations

import grp
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from tuner.errors import BadInputError, WattuneError
from tuner.service.interceptor import ErrorInterceptor
from tuner.service.servicers import WATCHERS, ControlServicer, ReadServicer
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.service.wattune.v1 import wattune_pb2_grpc as services

_log = logging.getLogger(__name__)

CONTROL_SOCKET = "control.sock"
READ_SOCKET = "read.sock"
READ_SERVICE = pb.DESCRIPTOR.services_by_name["ReadService"].full_name
CONTROL_SERVICE = pb.DESCRIPTOR.services_by_name["ControlService"].full_name

_SOCKET_MODE = 0o660
_LONGEST_PATH_BYTES = 107
"""sun_path of unix(7), less the byte that ends it."""
_LARGEST_MESSAGE_BYTES = 64 * 2**20
_CALLS = 16
"""Calls that a server answers at the same time, besides the watchers."""


class SocketServer:
    """One gRPC server on one Unix socket."""

    def __init__(self, path: Path, group: str, read: ReadServicer, control: ControlServicer | None) -> None:
        """Makes the server; it does not listen yet.

        Args:
            path: The socket.
            group: The group that may open it; empty for the daemon's own group.
            read: Answers questions.
            control: Changes things; None on the socket that only reads.
        """
        self._path = path
        self._group = group
        self._health = health.HealthServicer()
        self._names = (READ_SERVICE, CONTROL_SERVICE) if control is not None else (READ_SERVICE,)
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=WATCHERS + _CALLS, thread_name_prefix=path.stem),
            interceptors=[ErrorInterceptor()],
            options=(
                ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.max_send_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
            ),
        )
        services.add_ReadServiceServicer_to_server(read, self._server)
        if control is not None:
            services.add_ControlServiceServicer_to_server(control, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self.say_serving(serving=False)

    def start(self) -> None:
        """Listens. Until :meth:`say_serving`, the health service answers NOT_SERVING.

        Raises:
            BadInputError: There is no such group.
            WattuneError: The socket cannot be made.
        """
        group_id = _group_id(self._group)
        # Nobody may connect between the socket's birth and the moment that its group is right.
        former = os.umask(0o777 & ~0o600)
        try:
            self._server.add_insecure_port(f"unix:{self._path}")
        except RuntimeError as error:
            raise WattuneError(f"The socket {self._path} cannot be made: {error}.") from error
        finally:
            os.umask(former)
        if group_id is not None:
            os.chown(self._path, -1, group_id)
        self._path.chmod(_SOCKET_MODE)
        self._server.start()

    def say_serving(self, *, serving: bool) -> None:
        """Tells the health service what to answer."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            self._health.set(name, status)

    def say_stopping(self) -> None:
        """Tells the health service to answer NOT_SERVING from now on, for good."""
        self._health.enter_graceful_shutdown()

    def stop(self, grace_s: float) -> None:
        """Takes no new calls, ends those in progress after a while, and removes the socket."""
        self._server.stop(grace_s).wait()
        self._path.unlink(missing_ok=True)


def check_socket_directory(directory: Path) -> None:
    """Makes sure that the kernel takes the paths of our sockets.

    Raises:
        BadInputError: The directory's path is too long.
    """
    path = directory / CONTROL_SOCKET
    if len(os.fsencode(path)) > _LONGEST_PATH_BYTES:
        raise BadInputError(
            f"The socket's path {path} is longer than {_LONGEST_PATH_BYTES} bytes: choose a shorter runtime directory."
        )


def _group_id(name: str) -> int | None:
    if not name:
        return None
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise BadInputError(
            f"The configuration names the group '{name}' for the sockets, and this machine has no such group."
        ) from error
