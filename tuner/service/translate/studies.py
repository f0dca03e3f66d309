"""Studies: what is asked for, what is searched, what comes out, and what happens meanwhile."""

from __future__ import annotations

from tuner.objective import LatencyMetric, Objective, Slo
from tuner.service.translate.basics import (
    PROVENANCES,
    SCENARIOS,
    SCOPES,
    STUDY_STATES,
    decode_time,
    encode_time,
)
from tuner.service.translate.effects import decode_effect, encode_effect
from tuner.service.translate.machine import decode_absence, encode_absence
from tuner.service.translate.recommendations import decode_recommendation, encode_recommendation
from tuner.service.translate.spaces import decode_space, encode_space
from tuner.service.translate.trials import decode_trial, encode_trial
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.study_record import MachineRecord, Study, StudyEvent, StudyRequest


def encode_study(study: Study) -> pb.Study:
    """Returns a study with its trials."""
    return pb.Study(
        id=study.id,
        spec=encode_request(study.request),
        objective=_encode_objective(study.objective),
        space=encode_space(study.space),
        machine=_encode_machine(study.machine),
        state=STUDY_STATES.encode(study.state),
        reason=study.reason,
        trials=[encode_trial(trial) for trial in study.trials],
        recommendation=None if study.recommendation is None else encode_recommendation(study.recommendation),
        started_at=encode_time(study.started_at),
        duration_s=study.duration_s,
        search_s=study.search_s,
        search_j=study.search_j,
        effects=map(encode_effect, study.effects),
    )


def decode_study(message: pb.Study) -> Study:
    """Returns the study."""
    return Study(
        id=message.id,
        request=decode_request(message.spec),
        objective=_decode_objective(message.objective),
        space=decode_space(message.space),
        machine=_decode_machine(message.machine),
        state=STUDY_STATES.decode(message.state),
        reason=message.reason,
        trials=tuple(decode_trial(trial) for trial in message.trials),
        recommendation=(decode_recommendation(message.recommendation) if message.HasField("recommendation") else None),
        started_at=decode_time(message.started_at),
        duration_s=message.duration_s,
        search_s=message.search_s,
        search_j=message.search_j if message.HasField("search_j") else None,
        effects=tuple(map(decode_effect, message.effects)),
    )


def encode_request(request: StudyRequest) -> pb.StudySpec:
    """Returns what the operator asks for."""
    return pb.StudySpec(
        workload=request.workload,
        slos=request.slos,
        dry_run=request.dry_run,
        max_trials=request.max_trials,
        max_duration_s=request.max_duration_s,
        seed=request.seed,
        parent=request.parent,
        idempotency_key=request.idempotency_key,
    )


def decode_request(message: pb.StudySpec) -> StudyRequest:
    """Returns what the operator asks for."""
    return StudyRequest(
        workload=message.workload,
        slos=tuple(message.slos),
        dry_run=message.dry_run,
        max_trials=message.max_trials if message.HasField("max_trials") else None,
        max_duration_s=message.max_duration_s if message.HasField("max_duration_s") else None,
        seed=message.seed,
        parent=message.parent if message.HasField("parent") else None,
        idempotency_key=message.idempotency_key,
    )


def encode_event(event: StudyEvent) -> pb.WatchStudyResponse:
    """Returns an event; the study is known from the call."""
    return pb.WatchStudyResponse(
        sequence=event.sequence,
        phase=event.phase,
        state=STUDY_STATES.encode(event.state),
        trial=None if event.trial is None else encode_trial(event.trial),
        incumbent=event.incumbent,
        saving=event.saving,
        reason=event.reason,
    )


def decode_event(study_id: str, message: pb.WatchStudyResponse) -> StudyEvent:
    """Returns the event of a study."""
    return StudyEvent(
        study_id=study_id,
        sequence=message.sequence,
        phase=message.phase,
        state=STUDY_STATES.decode(message.state),
        trial=decode_trial(message.trial) if message.HasField("trial") else None,
        incumbent=message.incumbent if message.HasField("incumbent") else None,
        saving=message.saving if message.HasField("saving") else None,
        reason=message.reason,
    )


def _encode_objective(objective: Objective) -> pb.Objective:
    return pb.Objective(
        scenario=SCENARIOS.encode(objective.scenario),
        slos=[
            pb.Slo(percentile=slo.percentile, bound_s=slo.bound_s, metric=slo.metric.value) for slo in objective.slos
        ],
        scope=None if objective.scope is None else SCOPES.encode(objective.scope),
        arrival_rate_hz=objective.arrival_rate_hz,
        peak_rate_hz=objective.peak_rate_hz,
        arrival_rates_hz=objective.arrival_rates_hz,
        rate_shares=objective.rate_shares,
    )


def _decode_objective(message: pb.Objective) -> Objective:
    return Objective(
        scenario=SCENARIOS.decode(message.scenario),
        slos=tuple(
            Slo(slo.percentile, slo.bound_s, LatencyMetric(slo.metric or LatencyMetric.LATENCY)) for slo in message.slos
        ),
        scope=None if message.scope == pb.SCOPE_UNSPECIFIED else SCOPES.decode(message.scope),
        arrival_rate_hz=message.arrival_rate_hz if message.HasField("arrival_rate_hz") else None,
        peak_rate_hz=message.peak_rate_hz if message.HasField("peak_rate_hz") else None,
        arrival_rates_hz=tuple(message.arrival_rates_hz),
        rate_shares=tuple(message.rate_shares),
    )


def _encode_machine(machine: MachineRecord) -> pb.Machine:
    return pb.Machine(
        device=machine.device,
        provenance=PROVENANCES.encode(machine.provenance),
        description=machine.description,
        meters=machine.meters,
        absent=[encode_absence(absence) for absence in machine.absent],
    )


def _decode_machine(message: pb.Machine) -> MachineRecord:
    return MachineRecord(
        device=message.device,
        provenance=PROVENANCES.decode(message.provenance),
        description=dict(sorted(message.description.items())),
        meters=tuple(message.meters),
        absent=tuple(decode_absence(absence) for absence in message.absent),
    )
