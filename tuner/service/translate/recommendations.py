"""What a study recommends."""

from __future__ import annotations

from tuner.service.translate.basics import (
    decode_configuration,
    decode_interval,
    encode_configuration,
    encode_interval,
    encode_optional_interval,
)
from tuner.service.wattune.v1 import wattune_pb2 as pb
from tuner.study_record import BreakEven, Comparison, RateStep, RateTable, Recommendation


def encode_recommendation(recommendation: Recommendation) -> pb.Recommendation:
    """Returns what a study recommends."""
    comparison = recommendation.comparison
    return pb.Recommendation(
        configuration=encode_configuration(recommendation.configuration),
        trial=recommendation.trial,
        comparison=None if comparison is None else _encode_comparison(comparison),
        applicable=encode_configuration(recommendation.applicable),
        study_only=recommendation.study_only,
        caveats=recommendation.caveats,
        break_even=None if recommendation.break_even is None else _encode_break_even(recommendation.break_even),
        rate_table=None if recommendation.rate_table is None else _encode_rate_table(recommendation.rate_table),
    )


def decode_recommendation(message: pb.Recommendation) -> Recommendation:
    """Returns the recommendation."""
    return Recommendation(
        configuration=decode_configuration(message.configuration),
        trial=message.trial,
        comparison=_decode_comparison(message.comparison) if message.HasField("comparison") else None,
        applicable=decode_configuration(message.applicable),
        study_only=tuple(message.study_only),
        caveats=tuple(message.caveats),
        break_even=_decode_break_even(message.break_even) if message.HasField("break_even") else None,
        rate_table=_decode_rate_table(message.rate_table) if message.HasField("rate_table") else None,
    )


def _encode_rate_table(table: RateTable) -> pb.RateTable:
    return pb.RateTable(steps=map(_encode_rate_step, table.steps), hysteresis=table.hysteresis)


def _decode_rate_table(message: pb.RateTable) -> RateTable:
    return RateTable(tuple(map(_decode_rate_step, message.steps)), message.hysteresis)


def _encode_rate_step(step: RateStep) -> pb.RateStep:
    return pb.RateStep(
        from_rate_hz=step.from_rate_hz,
        to_rate_hz=step.to_rate_hz,
        configuration=encode_configuration(step.configuration),
        trial=step.trial,
        comparison=None if step.comparison is None else _encode_comparison(step.comparison),
    )


def _decode_rate_step(message: pb.RateStep) -> RateStep:
    return RateStep(
        from_rate_hz=message.from_rate_hz,
        to_rate_hz=message.to_rate_hz,
        configuration=decode_configuration(message.configuration),
        trial=message.trial,
        comparison=_decode_comparison(message.comparison) if message.HasField("comparison") else None,
    )


def _encode_break_even(break_even: BreakEven) -> pb.BreakEven:
    return pb.BreakEven(
        cost_j=break_even.cost_j,
        saved_per_request_j=break_even.saved_per_request_j,
        requests=break_even.requests,
        requests_interval=encode_optional_interval(break_even.requests_interval),
        hours=break_even.hours,
    )


def _decode_break_even(message: pb.BreakEven) -> BreakEven:
    return BreakEven(
        cost_j=message.cost_j,
        saved_per_request_j=message.saved_per_request_j,
        requests=message.requests,
        requests_interval=decode_interval(message.requests_interval) if message.HasField("requests_interval") else None,
        hours=message.hours,
    )


def _encode_comparison(comparison: Comparison) -> pb.Comparison:
    return pb.Comparison(
        baseline_per_request_j=comparison.baseline_per_request_j,
        recommended_per_request_j=comparison.recommended_per_request_j,
        saving=comparison.saving,
        saving_interval=encode_interval(comparison.saving_interval),
        rounds=comparison.rounds,
        knob_saving=comparison.knob_saving,
        knob_saving_interval=encode_optional_interval(comparison.knob_saving_interval),
    )


def _decode_comparison(message: pb.Comparison) -> Comparison:
    return Comparison(
        baseline_per_request_j=message.baseline_per_request_j,
        recommended_per_request_j=message.recommended_per_request_j,
        saving=message.saving,
        saving_interval=decode_interval(message.saving_interval),
        rounds=message.rounds,
        knob_saving=message.knob_saving if message.HasField("knob_saving") else None,
        knob_saving_interval=(
            decode_interval(message.knob_saving_interval) if message.HasField("knob_saving_interval") else None
        ),
    )
