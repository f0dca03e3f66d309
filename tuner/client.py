"""The public client: what other programs, and our own command, import to steer a daemon."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import grpc

from knobs.contract import RestoreReport
from tuner.configuration import Configuration, Value
from tuner.daemon_record import Applied, DaemonStatus, Inventory, Verification
from tuner.errors import BadInputError, ProcessLostError, WattuneError
from tuner.service.errors import error_of
from tuner.service.translate.basics import decode_configuration, encode_configuration
from tuner.service.translate.machine import (
    decode_applied,
    decode_inventory,
    decode_restore,
    decode_status,
    decode_verification,
)
from tuner.service.translate.studies import decode_event, decode_study, encode_request
from tuner.service.translate.trials import decode_trial
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.service.wattune.v1 import wattune_pb2_grpc as services
from tuner.study_record import Study, StudyEvent, StudyRequest
from tuner.trial import Trial

_QUICK_S = 60.0
_LONG_S = 900.0
"""A study is planned once its model is loaded, and cancelled once its trial values are taken back."""
_RECONNECT_PAUSE_S = 0.3
_LOST_IN_A_CALL = grpc.StatusCode.UNKNOWN
"""gRPC's own code where the other side died in the middle of a call; a daemon never answers with it."""
_STREAM_BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, _LOST_IN_A_CALL)
_LARGEST_MESSAGE_BYTES = 64 * 2**20
_Answer = TypeVar("_Answer")


class Client:
    """A connection to a daemon. Safe to use from several threads.

    Every method raises :class:`tuner.errors.WattuneError` with the daemon's own sentence: BadInputError for a
    request that was refused, NotFoundError, BusyError and InfeasibleError for what they say.
    """

    def __init__(self, socket_path: Path) -> None:
        """Keeps the socket; connects when first asked.

        Args:
            socket_path: ``control.sock`` for everything, ``read.sock`` for questions only.
        """
        self._path = socket_path
        self._was_answered = False
        self._channel = grpc.insecure_channel(
            f"unix:{socket_path.absolute()}",
            options=(
                ("grpc.max_receive_message_length", _LARGEST_MESSAGE_BYTES),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 500),
                ("grpc.enable_http_proxy", 0),
            ),
        )
        self._read = services.ReadServiceStub(self._channel)
        self._control = services.ControlServiceStub(self._channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    # Asking ------------------------------------------------------------------------------------

    def inventory(self) -> Inventory:
        """Returns the knobs and meters of the machine, and for each absent one the reason."""
        return decode_inventory(self._call(self._read.GetInventory, pb.GetInventoryRequest()))

    def status(self) -> DaemonStatus:
        """Returns what the daemon is doing, and what is in force."""
        return decode_status(self._call(self._read.GetStatus, pb.GetStatusRequest()))

    def get_study(self, study_id: str) -> Study:
        """Returns a study with all its trials."""
        return decode_study(self._call(self._read.GetStudy, pb.GetStudyRequest(id=study_id)).study)

    def list_studies(self) -> tuple[Study, ...]:
        """Returns all studies, newest first, without their trials."""
        answer = self._call(self._read.ListStudies, pb.ListStudiesRequest())
        return tuple(decode_study(study) for study in answer.studies)

    def pareto_front(self, study_id: str) -> tuple[Trial, ...]:
        """Returns the trials that no other trial beats in both energy and latency, fastest first."""
        answer = self._call(self._read.GetParetoFront, pb.GetParetoFrontRequest(id=study_id))
        return tuple(decode_trial(trial) for trial in answer.trials)

    def verify(self) -> Verification:
        """Reads back whether the confirmed configuration is in force."""
        return decode_verification(self._call(self._read.VerifyKnobs, pb.VerifyKnobsRequest()))

    def watch(self, study_id: str, after_sequence: int = 0, patience_s: float = 30.0) -> Iterator[StudyEvent]:
        """Yields what happens in a study, until it ends.

        A broken stream is taken up again where it was, also by a daemon that was started again.

        Args:
            study_id: The study.
            after_sequence: The last event that was seen; 0 for all.
            patience_s: How long to wait for a daemon that has gone.

        Raises:
            ProcessLostError: The daemon has gone, and did not come back in time.
            NotFoundError: There is no such study.
        """
        lost_s: float | None = None
        while True:
            request = pb.WatchStudyRequest(id=study_id, after_sequence=after_sequence)
            try:
                for message in self._read.WatchStudy(request):
                    event = decode_event(study_id, message)
                    after_sequence, lost_s, self._was_answered = event.sequence, None, True
                    yield event
                    if event.state.is_final:
                        return
                answer = self._read.GetStudy(pb.GetStudyRequest(id=study_id), timeout=_QUICK_S)
                if decode_study(answer.study).state.is_final:
                    return
            except grpc.RpcError as error:
                if _code(error) not in _STREAM_BROKEN or not (self._was_answered or self._listens()):
                    raise self._explained(error) from error
            lost_s = lost_s if lost_s is not None else time.monotonic()
            if time.monotonic() - lost_s > patience_s:
                raise ProcessLostError(
                    f"The daemon at {self._path} has gone while study {study_id} was running; the study goes on when "
                    "'wattune serve' is started again."
                )
            time.sleep(_RECONNECT_PAUSE_S)

    # Changing ----------------------------------------------------------------------------------

    def start_study(self, request: StudyRequest) -> str:
        """Starts a study, and returns its id once it is planned."""
        message = pb.StartStudyRequest(spec=encode_request(request))
        return str(self._call(self._control.StartStudy, message, _LONG_S).id)

    def retune(
        self,
        parent: str,
        *,
        dry_run: bool = True,
        max_trials: int | None = None,
        max_duration_s: float | None = None,
        seed: int = 0,
        idempotency_key: str = "",
    ) -> str:
        """Starts a study for a fine-tuned model from an earlier study, and returns its id."""
        message = pb.RetuneRequest(
            parent=parent,
            dry_run=dry_run,
            max_trials=max_trials,
            max_duration_s=max_duration_s,
            seed=seed,
            idempotency_key=idempotency_key,
        )
        return str(self._call(self._control.Retune, message, _LONG_S).id)

    def cancel_study(self, study_id: str) -> None:
        """Ends a study; when this returns, its trial values have been taken back."""
        self._call(self._control.CancelStudy, pb.CancelStudyRequest(id=study_id), _LONG_S)

    def apply_values(self, values: Mapping[str, Value], hold_s: float) -> Applied:
        """Sets knobs as trial values, taken back after ``hold_s`` seconds unless they are confirmed."""
        message = pb.ApplyConfigurationRequest(values=encode_configuration(values), hold_s=hold_s)
        return decode_applied(self._call(self._control.ApplyConfiguration, message))

    def apply_study(self, study_id: str, hold_s: float, rate_hz: float | None = None) -> Applied:
        """Sets what a study recommends as trial values, taken back after ``hold_s`` seconds unless confirmed.

        Args:
            study_id: The study.
            hold_s: Seconds until the values are taken back.
            rate_hz: The arrival rate, where the study recommends a configuration for each of several; the highest
                by default.
        """
        message = pb.ApplyConfigurationRequest(study=study_id, hold_s=hold_s, rate_hz=rate_hz)
        return decode_applied(self._call(self._control.ApplyConfiguration, message))

    def confirm(self) -> Configuration:
        """Makes what was applied last the desired state, which survives restarts."""
        answer = self._call(self._control.ConfirmConfiguration, pb.ConfirmConfigurationRequest())
        return decode_configuration(answer.confirmed)

    def restore(self, *, confirmed: bool = False) -> RestoreReport:
        """Takes trial values back, and with ``confirmed`` gives up the confirmed configuration too."""
        return decode_restore(self._call(self._control.RestoreKnobs, pb.RestoreKnobsRequest(confirmed=confirmed)))

    # Within --------------------------------------------------------------------------------------

    def _call(self, method: Callable[..., _Answer], message: Any, timeout_s: float = _QUICK_S) -> _Answer:
        try:
            answer = method(message, timeout=timeout_s)
        except grpc.RpcError as error:
            raise self._explained(error) from error
        self._was_answered = True
        return answer

    def _explained(self, error: grpc.RpcError) -> WattuneError:
        """Returns the error that the caller can act on."""
        code = _code(error)
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return BadInputError(f"The socket {self._path} does not offer this call: use control.sock beside it.")
        if code is grpc.StatusCode.UNAVAILABLE and not self._listens():
            return BadInputError(f"No daemon answers at {self._path}: start one with 'wattune serve'.")
        if code is _LOST_IN_A_CALL:
            return ProcessLostError(f"The daemon at {self._path} was lost while it answered: ask again once it serves.")
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return WattuneError(f"The daemon at {self._path} did not answer in time: its log says what it is doing.")
        return error_of(code, error.details() or code.name if isinstance(error, grpc.Call) else str(error))

    def _listens(self) -> bool:
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
            try:
                probe.connect(str(self._path))
            except OSError:
                return False
            return True


def _code(error: grpc.RpcError) -> grpc.StatusCode:
    return error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
