"""What each parameter does."""

from __future__ import annotations

from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.service.translate.basics import decode_interval, decode_value, encode_interval, encode_value
from tuner.service.wattune.v1 import wattune_pb2 as pb


def encode_effect(effect: ParameterEffect) -> pb.ParameterEffect:
    """Returns what one parameter does."""
    return pb.ParameterEffect(
        parameter=effect.parameter,
        through=effect.through,
        tried=effect.tried,
        choices=map(encode_value, effect.choices),
        latency_ratios=map(_encode_ratio, effect.latency_ratios),
        energy_ratios=map(_encode_ratio, effect.energy_ratios),
        latency_left=map(_encode_ratio, effect.latency_left),
    )


def decode_effect(message: pb.ParameterEffect) -> ParameterEffect:
    """Returns the effect."""
    return ParameterEffect(
        parameter=message.parameter,
        through=message.through,
        tried=message.tried,
        choices=tuple(map(decode_value, message.choices)),
        latency_ratios=tuple(map(_decode_ratio, message.latency_ratios)),
        energy_ratios=tuple(map(_decode_ratio, message.energy_ratios)),
        latency_left=tuple(map(_decode_ratio, message.latency_left)),
    )


def _encode_ratio(ratio: Ratio) -> pb.Ratio:
    return pb.Ratio(median=ratio.median, interval=encode_interval(ratio.interval))


def _decode_ratio(message: pb.Ratio) -> Ratio:
    return Ratio(message.median, decode_interval(message.interval))
