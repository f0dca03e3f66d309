"""The gRPC services. They only translate: messages in, records to the managers, records back, messages out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import grpc

from tuner.daemon.machine import Machine
from tuner.daemon.studies import StudyManager
from tuner.errors import BadInputError, BusyError
from tuner.service.translate.basics import decode_configuration, encode_configuration
from tuner.service.translate.machine import (
    encode_applied,
    encode_inventory,
    encode_restore,
    encode_status,
    encode_verification,
)
from tuner.service.translate.studies import decode_request, encode_event, encode_study
from tuner.service.translate.trials import encode_trial
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.service.wattune.v1 import wattune_pb2_grpc as services

WATCHERS = 16
"""Each watcher keeps a thread of its server; beyond these a call would have to wait."""


class ReadServicer(services.ReadServiceServicer):
    """What may be asked."""

    def __init__(self, studies: StudyManager, machine: Machine) -> None:
        """Keeps the managers."""
        self._studies = studies
        self._machine = machine
        self._watchers = threading.BoundedSemaphore(WATCHERS)

    def GetInventory(self, request: pb.GetInventoryRequest, context: grpc.ServicerContext) -> pb.GetInventoryResponse:
        """Returns the knobs and meters of the machine."""
        return encode_inventory(self._machine.inventory())

    def GetStatus(self, request: pb.GetStatusRequest, context: grpc.ServicerContext) -> pb.GetStatusResponse:
        """Returns what the daemon is doing."""
        return encode_status(self._studies.status())

    def GetStudy(self, request: pb.GetStudyRequest, context: grpc.ServicerContext) -> pb.GetStudyResponse:
        """Returns one study with all its trials."""
        return pb.GetStudyResponse(study=encode_study(self._studies.get(request.id)))

    def ListStudies(self, request: pb.ListStudiesRequest, context: grpc.ServicerContext) -> pb.ListStudiesResponse:
        """Returns all studies without their trials."""
        return pb.ListStudiesResponse(studies=[encode_study(study) for study in self._studies.list()])

    def WatchStudy(
        self, request: pb.WatchStudyRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchStudyResponse]:
        """Yields what happens in a study until it ends."""
        if not self._watchers.acquire(blocking=False):
            raise BusyError(f"{WATCHERS} clients watch studies already: try again when one has gone.")
        try:
            events = self._studies.watch(request.id, request.after_sequence, context.is_active)
            yield from map(encode_event, events)
        finally:
            self._watchers.release()

    def GetParetoFront(
        self, request: pb.GetParetoFrontRequest, context: grpc.ServicerContext
    ) -> pb.GetParetoFrontResponse:
        """Returns the trials that no other trial beats in both energy and latency."""
        return pb.GetParetoFrontResponse(trials=map(encode_trial, self._studies.pareto_front(request.id)))

    def VerifyKnobs(self, request: pb.VerifyKnobsRequest, context: grpc.ServicerContext) -> pb.VerifyKnobsResponse:
        """Reads back whether the confirmed configuration is in force."""
        return encode_verification(self._machine.verify())


class ControlServicer(services.ControlServiceServicer):
    """What changes something."""

    def __init__(self, studies: StudyManager, machine: Machine) -> None:
        """Keeps the managers."""
        self._studies = studies
        self._machine = machine

    def StartStudy(self, request: pb.StartStudyRequest, context: grpc.ServicerContext) -> pb.StartStudyResponse:
        """Starts a study."""
        return pb.StartStudyResponse(id=self._studies.start(decode_request(request.spec)))

    def Retune(self, request: pb.RetuneRequest, context: grpc.ServicerContext) -> pb.RetuneResponse:
        """Starts a study for a fine-tuned model, from an earlier study."""
        study_id = self._studies.retune(
            request.parent,
            dry_run=request.dry_run,
            max_trials=request.max_trials if request.HasField("max_trials") else None,
            max_duration_s=request.max_duration_s if request.HasField("max_duration_s") else None,
            seed=request.seed,
            idempotency_key=request.idempotency_key,
        )
        return pb.RetuneResponse(id=study_id)

    def CancelStudy(self, request: pb.CancelStudyRequest, context: grpc.ServicerContext) -> pb.CancelStudyResponse:
        """Ends a study; trial values have been taken back when the answer comes."""
        self._studies.cancel(request.id)
        return pb.CancelStudyResponse()

    def ApplyConfiguration(
        self, request: pb.ApplyConfigurationRequest, context: grpc.ServicerContext
    ) -> pb.ApplyConfigurationResponse:
        """Sets knobs as trial values."""
        rate_hz = request.rate_hz if request.HasField("rate_hz") else None
        warning = ""
        match request.WhichOneof("source"):
            case "values" if rate_hz is None:
                wanted = decode_configuration(request.values)
            case "values":
                raise BadInputError("Knob values belong to no arrival rate: name a study to choose by rate.")
            case "study":
                wanted, warning = self._studies.recommended(request.study, rate_hz)
            case _:
                raise BadInputError("Nothing to apply: name knob values, or a study whose recommendation is meant.")
        return encode_applied(replace(self._machine.apply(wanted, request.hold_s), warning=warning))

    def ConfirmConfiguration(
        self, request: pb.ConfirmConfigurationRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmConfigurationResponse:
        """Makes what was applied last the desired state."""
        return pb.ConfirmConfigurationResponse(confirmed=encode_configuration(self._machine.confirm()))

    def RestoreKnobs(self, request: pb.RestoreKnobsRequest, context: grpc.ServicerContext) -> pb.RestoreKnobsResponse:
        """Takes trial values back."""
        return encode_restore(self._machine.restore(request.confirmed))
