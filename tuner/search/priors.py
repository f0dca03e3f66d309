"""What a tuner knows before the first trial: how latency, throughput and power answer to each kind of parameter.

A clock is a clock: halving it slows the work by at most a factor of two and saves power, more so near the top of its
range where the voltage rises with it (dynamic power is proportional to f·V²). A batch that doubles nearly doubles its
own latency. Such knowledge is stated as normal distributions of slopes ``d log output / d log value`` and curvatures
``d² log output / d (log value)²`` at the top of the range, by kind of parameter, the same for every device.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuner.configuration import ParameterKind
from tuner.search.evidence import Output


@dataclass(frozen=True)
class Normal:
    """A normal distribution."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Response:
    """How one output answers to one parameter, both as natural logarithms.

    Attributes:
        slope: First derivative at the largest choice (for categories: the change against the other categories).
        curvature: Second derivative.
    """

    slope: Normal
    curvature: Normal


def _response(slope: float, slope_sd: float, curvature: float = 0.0, curvature_sd: float = 0.0) -> Response:
    return Response(Normal(slope, slope_sd), Normal(curvature, curvature_sd))


_SPEED_UP = {
    ParameterKind.CLOCK: _response(-0.30, 0.30, 0.15, 0.25),
    ParameterKind.CORES: _response(-0.15, 0.25, 0.15, 0.20),
    ParameterKind.POWER_CAP: _response(-0.15, 0.25, 0.30, 0.40),
    ParameterKind.QUOTA: _response(-0.60, 0.40, 0.15, 0.25),
    ParameterKind.THREADS: _response(-0.40, 0.40, 0.30, 0.30),
    ParameterKind.INSTANCES: _response(-0.20, 0.40, 0.20, 0.30),
    ParameterKind.CATEGORY: _response(0.0, 0.25),
}
"""Of the time that a batch takes. At most -1 (proportional), flat where something else is the bottleneck."""

_POWER = {
    ParameterKind.CLOCK: _response(0.40, 0.30, 0.25, 0.30),
    ParameterKind.CORES: _response(0.15, 0.15, 0.05, 0.10),
    ParameterKind.POWER_CAP: _response(0.40, 0.30, -0.10, 0.40),
    ParameterKind.QUOTA: _response(0.50, 0.35, 0.05, 0.20),
    ParameterKind.BATCH: _response(0.10, 0.10, -0.03, 0.06),
    ParameterKind.THREADS: _response(0.35, 0.30, 0.0, 0.20),
    ParameterKind.INSTANCES: _response(0.15, 0.25, 0.0, 0.20),
    ParameterKind.CATEGORY: _response(0.0, 0.20),
}

_RESPONSES: dict[Output, dict[ParameterKind, Response]] = {
    Output.LATENCY: {**_SPEED_UP, ParameterKind.BATCH: _response(0.70, 0.30, 0.10, 0.10)},
    Output.SECONDS_PER_REQUEST: {**_SPEED_UP, ParameterKind.BATCH: _response(-0.30, 0.30, 0.10, 0.10)},
    Output.POWER: _POWER,
}

INTERACTION_SD = 0.10
"""Standard deviation of ``d² log output / d log value d log other value``: bottlenecks shift from knob to knob."""

RESIDUAL_SD = Normal(0.12, 0.7)
"""What the polynomial misses, as a factor: median and the standard deviation of its logarithm."""

LENGTHSCALE = Normal(0.7, 0.6)
"""Over which part of a parameter's range the residual changes: median and standard deviation of its logarithm."""


def response(output: Output, kind: ParameterKind) -> Response:
    """Returns what is known of an output's answer to a kind of parameter."""
    return _RESPONSES[output][kind]
