"""What a study is asked for: least energy per request while every SLO holds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from knobs.contract import Scope
from tuner.errors import BadInputError

_SLO_PATTERN = re.compile(r"\s*p(\d+(?:\.\d+)?)\s*(latency|ttft|tpot)?\s*<=\s*(\d+(?:\.\d+)?)\s*(us|ms|s)\s*")
_UNIT_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0}

MOST_RATES = 8
"""Arrival rates of one objective: each is confirmed by itself."""
_SHARES_WITHIN = 0.015
"""Shares are written with few digits: 0.33, 0.33, 0.33 will do."""


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

    Where requests come at rates that vary, several rates are given: then each is asked for by itself.

    Attributes:
        scenario: How load arrives.
        slos: The bounds on latency; at least one.
        scope: What a joule covers; None takes the widest scope that a meter of this machine has.
        arrival_rate_hz: Requests per second, for ``server`` only, where there is one such rate.
        peak_rate_hz: The rate at which the SLOs must hold too; the arrival rate if None.
        arrival_rates_hz: Several rates in place of one, ascending; empty where there is one or none.
        rate_shares: Which part of the time each of several rates is served; empty for equal parts.
    """

    scenario: Scenario
    slos: tuple[Slo, ...]
    scope: Scope | None = None
    arrival_rate_hz: float | None = None
    peak_rate_hz: float | None = None
    arrival_rates_hz: tuple[float, ...] = ()
    rate_shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuses an objective that means nothing.

        Raises:
            BadInputError: No SLO, or rates that the scenario lacks or cannot use.
        """
        if not self.slos:
            raise BadInputError("The objective has no SLO: state at least one, like 'p99 <= 50 ms'.")
        if complaint := self._complaint_about_rates() or self._complaint_about_shares():
            raise BadInputError(complaint)

    @property
    def rates_hz(self) -> tuple[float | None, ...]:
        """The rates that trials are told apart by, ascending; None by itself where there is one rate or none."""
        return self.arrival_rates_hz or (None,)

    @property
    def shares(self) -> tuple[float, ...]:
        """Which part of the time each of :attr:`rates_hz` is served; together 1."""
        shares = self.rate_shares or (1.0,) * len(self.rates_hz)
        return tuple(share / sum(shares) for share in shares)

    def at(self, arrival_rate_hz: float | None) -> Objective:
        """Returns what is asked for at one of several arrival rates; where there is one or none, the same."""
        if not self.arrival_rates_hz:
            return self
        return replace(self, arrival_rate_hz=arrival_rate_hz, arrival_rates_hz=(), rate_shares=())

    def tightest(self, slo_latencies_s: Sequence[float]) -> tuple[Slo, float]:
        """Returns the SLO that is nearest to being broken, or broken by most, and its latency.

        Args:
            slo_latencies_s: The latency that each SLO bounds, in the order of the SLOs; at least the first.
        """
        return max(zip(self.slos, slo_latencies_s, strict=False), key=lambda pair: pair[1] / pair[0].bound_s)

    def _complaint_about_rates(self) -> str:
        rates_hz = self.arrival_rates_hz
        if self.scenario is not Scenario.SERVER:
            has_rate = self.arrival_rate_hz or self.peak_rate_hz or rates_hz
            return f"The scenario '{self.scenario}' takes no arrival rate." if has_rate else ""
        if not rates_hz:
            return self._complaint_about_one_rate()
        if self.arrival_rate_hz is not None:
            return "State either 'arrival_rate_hz' or 'arrival_rates_hz', not both."
        if self.peak_rate_hz is not None:
            return "Several arrival rates take no peak rate: make it the highest of them."
        if not 2 <= len(rates_hz) <= MOST_RATES:
            return f"State 2 to {MOST_RATES} arrival rates, not {len(rates_hz)}; a single one as 'arrival_rate_hz'."
        if not all(low < high for low, high in pairwise((0.0, *rates_hz, math.inf))):
            return "Arrival rates must be above zero, finite, ascending and distinct, in requests per second."
        return ""

    def _complaint_about_one_rate(self) -> str:
        if not (self.arrival_rate_hz and self.arrival_rate_hz > 0):
            return "The scenario 'server' needs an arrival rate above zero, in requests per second."
        if self.peak_rate_hz is not None and self.peak_rate_hz < self.arrival_rate_hz:
            return "The peak rate must not be below the arrival rate."
        return ""

    def _complaint_about_shares(self) -> str:
        shares = self.rate_shares
        if not shares:
            return ""
        if len(shares) != len(self.arrival_rates_hz):
            return f"State as many rate shares as arrival rates: {len(self.arrival_rates_hz)}, not {len(shares)}."
        if not all(share > 0 for share in shares) or not math.isclose(sum(shares), 1.0, abs_tol=_SHARES_WITHIN):
            return "Rate shares must be above zero and add up to 1."
        return ""


def at_rate(arrival_rate_hz: float | None) -> str:
    """Returns the words that tell one of several arrival rates: " at 60 requests/s"; none where there is no such."""
    return "" if arrival_rate_hz is None else f" at {arrival_rate_hz:g} requests/s"
