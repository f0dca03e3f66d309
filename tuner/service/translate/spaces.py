"""Configuration spaces."""

from __future__ import annotations

from tuner.configuration import ConfigurationSpace, OrderConstraint, Owner, Parameter, ParameterKind
from tuner.service.translate.basics import decode_configuration, decode_value, encode_configuration, encode_value
from tuner.service.wattune.v1 import wattune_pb2 as pb


def encode_space(space: ConfigurationSpace) -> pb.ConfigurationSpace:
    """Returns a space, with its size for clients that do not count."""
    return pb.ConfigurationSpace(
        parameters=[_encode_parameter(parameter) for parameter in space.parameters],
        constraints=[
            pb.OrderConstraint(lower=order.lower, upper=order.upper, factor=order.factor) for order in space.constraints
        ],
        size=space.size,
        pool=None if space.pool is None else _encode_pool(space),
    )


def decode_space(message: pb.ConfigurationSpace) -> ConfigurationSpace:
    """Returns the space."""
    configurations = tuple(decode_configuration(point) for point in message.pool.configurations)
    return ConfigurationSpace(
        parameters=tuple(_decode_parameter(parameter) for parameter in message.parameters),
        constraints=tuple(OrderConstraint(order.lower, order.upper, order.factor) for order in message.constraints),
        pool=configurations if message.HasField("pool") else None,
    )


def _encode_pool(space: ConfigurationSpace) -> pb.ConfigurationPool:
    return pb.ConfigurationPool(configurations=[encode_configuration(point) for point in space])


def _encode_parameter(parameter: Parameter) -> pb.Parameter:
    return pb.Parameter(
        id=parameter.id,
        unit=parameter.unit,
        kind=parameter.kind.value,
        choices=[encode_value(choice) for choice in parameter.choices],
        owner=parameter.owner.value,
        switch_cost_s=parameter.switch_cost_s,
    )


def _decode_parameter(message: pb.Parameter) -> Parameter:
    return Parameter(
        id=message.id,
        unit=message.unit,
        kind=ParameterKind(message.kind),
        choices=tuple(decode_value(choice) for choice in message.choices),
        owner=Owner(message.owner),
        switch_cost_s=message.switch_cost_s,
    )
