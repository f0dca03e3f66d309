"""What a study is asked for: least energy per request while every SLO holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from knobs.contract import Scope
from tuner.errors import BadInputError

_SLO_PATTERN = re.compile(r"\s*p(\d+(?:\.\d+)?)\s*(latency|ttft|tpot)?\s*<=\s*(\d+(?:\.\d+)?)\s*(us|ms|s)\s*")
_UNIT_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class Scenario(StrEnum):
    """How load arrives, as MLPerf Inference names it; ``live`` is real traffic, nothing generated."""

    SINGLE_STREAM = "single-stream"
    MULTI_STREAM = "multi-stream"
    OFFLINE = "offline"
    SERVER = "server"
    LIVE = "live"


class LatencyMetric(StrEnum):
    """What an SLO bounds. All but the first exist for language models only."""

    LATENCY = "latency"
    """From the scheduled arrival to the completion."""
    TTFT = "ttft"
    """Time to first token, from the scheduled arrival."""
    TPOT = "tpot"
    """Time per output token: from the first token to the last, over the tokens after the first."""


@dataclass(frozen=True)
class Slo:
    """A bound on a percentile of a latency.

    Attributes:
        percentile: Between 0 and 100, exclusive.
        bound_s: The latency that this share of requests must not exceed.
        metric: Which latency is bounded.
    """

    percentile: float
    bound_s: float
    metric: LatencyMetric = LatencyMetric.LATENCY

    @classmethod
    def parse(cls, text: str) -> Slo:
        """Reads ``p99 <= 50 ms``, or ``p99 ttft <= 200 ms``.

        Raises:
            BadInputError: The text is not a bound on a latency percentile.
        """
        match = _SLO_PATTERN.fullmatch(text)
        if match is None:
            raise BadInputError(
                f"The SLO '{text}' is not a bound on a latency percentile: write it like 'p99 <= 50 ms', "
                "or 'p99 ttft <= 200 ms' and 'p99 tpot <= 40 ms' for tokens."
            )
        percentile, bound, unit = float(match[1]), float(match[3]), match[4]
        if not 0 < percentile < 100:
            raise BadInputError(f"The SLO '{text}' names no percentile between 0 and 100.")
        if bound <= 0:
            raise BadInputError(f"The SLO '{text}' needs a latency above zero.")
        return cls(percentile, bound * _UNIT_S[unit], LatencyMetric(match[2] or LatencyMetric.LATENCY))

    @property
    def late_share(self) -> float:
        """The largest share of late requests that still holds the SLO, 0.01 for a p99."""
        return 1.0 - self.percentile / 100.0

    @property
    def quantile(self) -> str:
        """What is bounded: ``p99``, or ``p99 ttft``."""
        metric = "" if self.metric is LatencyMetric.LATENCY else f" {self.metric}"
        return f"p{self.percentile:g}{metric}"

    def __str__(self) -> str:
        """Returns ``p99 <= 50 ms``."""
        return f"{self.quantile} <= {self.bound_s * 1e3:g} ms"


@dataclass(frozen=True)
class Objective:
    """Least joules in a scope per completed request at the arrival rate, while every SLO holds.

    Attributes:
        scenario: How load arrives.
        slos: The bounds on latency; at least one.
        scope: What a joule covers; None takes the widest scope that a meter of this machine has.
        arrival_rate_hz: Requests per second, for ``server`` only.
        peak_rate_hz: The rate at which the SLOs must hold too; the arrival rate if None.
    """

    scenario: Scenario
    slos: tuple[Slo, ...]
    scope: Scope | None = None
    arrival_rate_hz: float | None = None
    peak_rate_hz: float | None = None

    def __post_init__(self) -> None:
        """Refuses an objective that means nothing.

        Raises:
            BadInputError: No SLO, or a rate that the scenario lacks or cannot use.
        """
        if not self.slos:
            raise BadInputError("The objective has no SLO: state at least one, like 'p99 <= 50 ms'.")
        if self.scenario is Scenario.SERVER and not (self.arrival_rate_hz and self.arrival_rate_hz > 0):
            raise BadInputError("The scenario 'server' needs an arrival rate above zero, in requests per second.")
        if self.scenario is not Scenario.SERVER and (self.arrival_rate_hz or self.peak_rate_hz):
            raise BadInputError(f"The scenario '{self.scenario}' takes no arrival rate.")
        if self.peak_rate_hz is not None and self.peak_rate_hz < (self.arrival_rate_hz or 0.0):
            raise BadInputError("The peak rate must not be below the arrival rate.")
