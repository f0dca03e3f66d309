"""Trials and what was measured in them."""

from __future__ import annotations

from tuner.service.translate.basics import (
    PROVENANCES,
    PURPOSES,
    SCOPES,
    VERDICTS,
    decode_configuration,
    decode_interval,
    decode_time,
    encode_configuration,
    encode_interval,
    encode_optional_interval,
    encode_time,
)
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.trial import (
    Circumstances,
    EnergyResult,
    LatencyResult,
    Measurement,
    Rejection,
    RejectionCause,
    TokenResult,
    Trial,
)


def encode_trial(trial: Trial) -> pb.Trial:
    """Returns a trial."""
    message = pb.Trial(
        number=trial.number,
        configuration=encode_configuration(trial.configuration),
        purpose=PURPOSES.encode(trial.purpose),
        started_at=encode_time(trial.started_at),
        duration_s=trial.duration_s,
        energy_j=trial.energy_j,
        late_requests=trial.late_requests,
        arrival_rate_hz=trial.arrival_rate_hz,
    )
    if trial.measurement is not None:
        message.measurement.CopyFrom(encode_measurement(trial.measurement))
    if trial.rejection is not None:
        message.rejection.CopyFrom(pb.Rejection(cause=trial.rejection.cause.value, reason=trial.rejection.reason))
    return message


def decode_trial(message: pb.Trial) -> Trial:
    """Returns the trial."""
    return Trial(
        number=message.number,
        configuration=decode_configuration(message.configuration),
        purpose=PURPOSES.decode(message.purpose),
        measurement=decode_measurement(message.measurement) if message.HasField("measurement") else None,
        rejection=_decode_rejection(message.rejection) if message.HasField("rejection") else None,
        started_at=decode_time(message.started_at),
        duration_s=message.duration_s,
        energy_j=message.energy_j if message.HasField("energy_j") else None,
        late_requests=message.late_requests,
        arrival_rate_hz=message.arrival_rate_hz if message.HasField("arrival_rate_hz") else None,
    )


def _decode_rejection(message: pb.Rejection) -> Rejection:
    return Rejection(RejectionCause(message.cause), message.reason)


def encode_measurement(measurement: Measurement) -> pb.Measurement:
    """Returns a measurement."""
    return pb.Measurement(
        energy=_encode_energy(measurement.energy),
        latency=_encode_latency(measurement.latency),
        slo_latency_s=measurement.slo_latency_s,
        verdict=VERDICTS.encode(measurement.verdict),
        requests=measurement.requests,
        queries=measurement.queries,
        window_s=measurement.window_s,
        throughput_hz=measurement.throughput_hz,
        delivered=encode_configuration(measurement.delivered),
        late_queries=measurement.late_queries,
        warm_up_s=measurement.warm_up_s,
        notes=measurement.notes,
        circumstances=_encode_circumstances(measurement.circumstances),
        failed_requests=measurement.failed_requests,
        idle_share=measurement.idle_share,
        tokens=None if measurement.tokens is None else _encode_tokens(measurement.tokens),
        ended_early=measurement.ended_early,
        slo_latencies_s=measurement.slo_latencies_s,
    )


def decode_measurement(message: pb.Measurement) -> Measurement:
    """Returns the measurement."""
    return Measurement(
        energy=_decode_energy(message.energy),
        latency=_decode_latency(message.latency),
        slo_latency_s=message.slo_latency_s,
        verdict=VERDICTS.decode(message.verdict),
        requests=message.requests,
        queries=message.queries,
        window_s=message.window_s,
        throughput_hz=message.throughput_hz,
        delivered=dict(decode_configuration(message.delivered)),
        late_queries=message.late_queries,
        warm_up_s=message.warm_up_s,
        notes=tuple(message.notes),
        circumstances=_decode_circumstances(message.circumstances),
        failed_requests=message.failed_requests,
        idle_share=message.idle_share if message.HasField("idle_share") else None,
        tokens=_decode_tokens(message.tokens) if message.HasField("tokens") else None,
        ended_early=message.ended_early,
        slo_latencies_s=tuple(message.slo_latencies_s),
    )


def _encode_tokens(tokens: TokenResult) -> pb.Tokens:
    return pb.Tokens(
        tokens=tokens.tokens,
        throughput_hz=tokens.throughput_hz,
        ttft=_encode_latency(tokens.ttft),
        tpot=None if tokens.tpot is None else _encode_latency(tokens.tpot),
    )


def _decode_tokens(message: pb.Tokens) -> TokenResult:
    return TokenResult(
        tokens=message.tokens,
        throughput_hz=message.throughput_hz,
        ttft=_decode_latency(message.ttft),
        tpot=_decode_latency(message.tpot) if message.HasField("tpot") else None,
    )


def _encode_circumstances(circumstances: Circumstances) -> pb.Circumstances:
    return pb.Circumstances(
        delivered=circumstances.delivered,
        temperatures_c=circumstances.temperatures_c,
        power_capped_share=circumstances.power_capped_share,
        remarks=circumstances.remarks,
        foreign=circumstances.foreign,
        background_cores=circumstances.background_cores,
    )


def _decode_circumstances(message: pb.Circumstances) -> Circumstances:
    return Circumstances(
        delivered=dict(message.delivered),
        temperatures_c=dict(message.temperatures_c),
        power_capped_share=message.power_capped_share,
        remarks=tuple(message.remarks),
        foreign=tuple(message.foreign),
        background_cores=message.background_cores if message.HasField("background_cores") else None,
    )


def _encode_energy(energy: EnergyResult) -> pb.Energy:
    return pb.Energy(
        per_request_j=energy.per_request_j,
        interval=encode_interval(energy.interval),
        scope=SCOPES.encode(energy.scope),
        provenance=PROVENANCES.encode(energy.provenance),
        meter=energy.meter,
        mean_power_w=energy.mean_power_w,
        band=encode_optional_interval(energy.band),
        cpu_s_per_request=energy.cpu_s_per_request,
        per_token_j=energy.per_token_j,
    )


def _decode_energy(message: pb.Energy) -> EnergyResult:
    return EnergyResult(
        per_request_j=message.per_request_j,
        interval=decode_interval(message.interval),
        scope=SCOPES.decode(message.scope),
        provenance=PROVENANCES.decode(message.provenance),
        meter=message.meter,
        mean_power_w=message.mean_power_w,
        band=decode_interval(message.band) if message.HasField("band") else None,
        cpu_s_per_request=message.cpu_s_per_request if message.HasField("cpu_s_per_request") else None,
        per_token_j=message.per_token_j if message.HasField("per_token_j") else None,
    )


def _encode_latency(latency: LatencyResult) -> pb.Latency:
    return pb.Latency(
        p50_s=latency.p50_s,
        p90_s=latency.p90_s,
        p95_s=latency.p95_s,
        p99_s=latency.p99_s,
        mean_s=latency.mean_s,
    )


def _decode_latency(message: pb.Latency) -> LatencyResult:
    return LatencyResult(
        p50_s=message.p50_s,
        p90_s=message.p90_s,
        p95_s=message.p95_s,
        p99_s=message.p99_s,
        mean_s=message.mean_s,
    )
